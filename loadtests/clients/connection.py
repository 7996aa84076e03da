"""A device's connection as a state machine: socket, channel, heartbeats, token, and every way back to being live.

A device is live at `system: Subscribed to PostgreSQL`, not at the join reply. No clock and no socket: the time is
passed in, effects are handed out, and `due_ns` says when `tick` has something to do. What a device does when it is
live is not known here.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from loadtests.clients.channel import Channel
from loadtests.clients.effects import BecameLive, Dial, Effects, HangUp, Mark, Record, Send
from loadtests.clients.endings import DownCause
from loadtests.clients.manners import Manners, Renewal
from loadtests.wire import phoenix
from loadtests.wire.phoenix import ChannelClosed, Reply, ServerMessage, System

_SECOND_NS: Final = 1_000_000_000
_NEVER: Final = 0
"""No timer: a stamp of CLOCK_MONOTONIC is never 0."""


class Link(IntEnum):
    """How far a connection has come."""

    IDLE = 0
    """Not wanted."""
    WAITING = 1
    """No socket; the next attempt is planned, or the device has given up."""
    CONNECTING = 2
    APART = 3
    """A socket without a channel; the next join is planned, or the device is deaf."""
    JOINING = 4
    LIVE = 5


class Connection:
    """One device's connection."""

    __slots__ = (
        "_attempt",
        "_beat_ns",
        "_began_ns",
        "_chance",
        "_channel",
        "_deadline_ns",
        "_ending",
        "_expires_ns",
        "_join_ref",
        "_manners",
        "_mint",
        "_phase",
        "_ref",
        "_renew_ns",
        "_retry_ns",
        "_silent_ns",
        "link",
        "token",
    )

    def __init__(
        self,
        channel: Channel,
        manners: Manners,
        *,
        mint: Callable[[], str],
        chance: Callable[[], float],
        phase: float,
    ) -> None:
        """Take tokens from `mint` and jitter from `chance`; `phase` in [0, 1) spreads heartbeats over devices."""
        self._channel = channel
        self._manners = manners
        self._mint = mint
        self._chance = chance
        self._phase = phase
        self.link = Link.IDLE
        self.token = ""
        self._expires_ns = 0
        self._renew_ns = _NEVER
        self._ref = 0
        self._join_ref = 0
        self._attempt = 0
        self._began_ns = 0
        self._ending = DownCause.CLOSED
        self._retry_ns = _NEVER
        self._deadline_ns = _NEVER
        self._beat_ns = _NEVER
        self._silent_ns = _NEVER

    @property
    def topic(self) -> str:
        """The topic of its channel."""
        return self._channel.topic

    @property
    def has_socket(self) -> bool:
        """Whether a WebSocket stands."""
        return self.link >= Link.APART

    @property
    def is_live(self) -> bool:
        """Whether changes flow."""
        return self.link is Link.LIVE

    # ---- what the device wants

    def watch(self, now_ns: int) -> Effects:
        """Be live from now on; begins anew if the connection was idle, had been given up or is deaf."""
        if self._retry_ns == _NEVER and self.link in {Link.IDLE, Link.WAITING}:
            self._attempt = 0
            return self._dial(now_ns)
        if self._retry_ns == _NEVER and self.link is Link.APART:
            self._attempt = 0
            return self._join_again(now_ns)
        return []

    def leave(self, cause: DownCause) -> Effects:
        """End in the orderly way."""
        effects = self._no_longer_live(cause)
        if self.link >= Link.JOINING:
            effects.append(Send(self._leave_message()))
        if self.link >= Link.CONNECTING:
            effects.append(HangUp(is_orderly=True, is_final=True))
        self._rest()
        return effects

    def break_off(self, cause: DownCause) -> Effects:
        """End without a word."""
        effects = self._no_longer_live(cause)
        if self.link >= Link.CONNECTING:
            effects.append(HangUp(is_orderly=False, is_final=True))
        self._rest()
        return effects

    def move(self, channel: Channel, now_ns: int) -> Effects:
        """Leave the channel for another one, on the same socket if there is one."""
        effects = self._no_longer_live(DownCause.SWITCHED)
        if self.link >= Link.JOINING:
            effects.append(Send(self._leave_message()))
        self._channel = channel
        if self.has_socket:
            self._began_ns = now_ns
            effects += self._join()
        return effects

    def see_to_token(self, now_ns: int) -> None:
        """Have a token before anything is connected: who fetches first needs it for that."""
        if not self.token:
            self._take_token(now_ns)

    def forget_token(self) -> None:
        """Log out: the next connection has a token of its own."""
        self.token = ""
        self._renew_ns = _NEVER

    def told(self, now_ns: int, *, left_ns: int) -> Effects:
        """Hear that a fresh token is there, and for how long the one before it is good (negative: it is not)."""
        if not self.token:
            return []
        if self._manners.renewal is Renewal.LATE and self._renew_ns != _NEVER:
            return []  # it is late already with the token that it has; the one before this it never took
        self._expires_ns = now_ns + left_ns
        if self._manners.renewal is Renewal.BEFORE:
            return self.renew(now_ns)
        if self._manners.renewal is Renewal.LATE:
            self._renew_ns = max(now_ns, self._expires_ns + self._manners.renewal_margin_ns)
        return []

    def renew(self, now_ns: int) -> Effects:
        """Take a fresh token, and tell it to the channel if there is one; the same one again is no news."""
        left_s, before = (self._expires_ns - now_ns) // _SECOND_NS, self.token
        self._take_token(now_ns)
        if self.link < Link.JOINING or self.token == before:
            return []
        message = phoenix.access_token(
            topic=self._channel.topic, join_ref=str(self._join_ref), ref=self._next_ref(), token=self.token
        )
        return [Send(message), Record(Mark.TOKEN, value=left_s)]

    # ---- what happens to the socket

    def opened(self, now_ns: int) -> Effects:
        """Hear that the WebSocket stands."""
        manners = self._manners
        self._beat_ns = now_ns + max(1, round(self._phase * manners.heartbeat_interval_ns))
        self._silent_ns = _NEVER
        if manners.reconnecting.counts_from_open:
            self._attempt = 0
        return [Record(Mark.OPENED, value=self._began_ns), *self._join()]

    def failed(self, now_ns: int) -> Effects:
        """Hear that there will be no WebSocket this time."""
        if self.link is not Link.CONNECTING:
            return []
        return [Record(Mark.DOWN, cause=DownCause.CONNECT_FAILED), *self._plan_connect(now_ns)]

    def lost(self, now_ns: int, code: int) -> Effects:
        """Hear that the WebSocket is gone, closed with `code` (0: without a word)."""
        if self.link is Link.IDLE:
            return []
        self._beat_ns = self._silent_ns = self._deadline_ns = _NEVER
        return [Record(Mark.DOWN, cause=self._ending, value=code), *self._plan_connect(now_ns)]

    # ---- what the server says

    def hear(self, message: ServerMessage, now_ns: int) -> Effects:
        """Hear a message that is no change."""
        match message:
            case Reply(topic=phoenix.HEARTBEAT_TOPIC):
                self._silent_ns = _NEVER
                return []
            case Reply() if self.link is Link.JOINING and message.ref == str(self._join_ref):
                return self._hear_join_reply(message, now_ns)
            case System() if self.link >= Link.JOINING and self._is_of_this_join(message):
                return self._hear_system(message)
            case ChannelClosed() if self.link >= Link.JOINING and message.join_ref == str(self._join_ref):
                return self._hear_closed(now_ns, crashed=message.crashed)
            case _:
                return []  # presence, broadcasts, what belongs to a join that was abandoned: nothing to act on

    def _is_of_this_join(self, message: System) -> bool:
        """Return whether it speaks of the join that counts; one topic is joined again after a switch there and back."""
        joins = {None, str(self._join_ref)}  # an older serialization does not tell
        return message.topic == self._channel.topic and message.join_ref in joins

    def _hear_join_reply(self, reply: Reply, now_ns: int) -> Effects:
        if reply.ok:
            return [Record(Mark.JOINED)]
        refused = Record(Mark.REFUSED, text=reply.reason)
        return [refused, *self._plan_join(now_ns, is_limited="RateLimit" in reply.reason)]

    def _hear_system(self, system: System) -> Effects:
        if system.is_subscribed:
            if self.link is Link.LIVE:
                return [BecameLive(again=True)]
            self.link = Link.LIVE
            self._attempt = 0
            self._deadline_ns = _NEVER
            return [Record(Mark.LIVE), BecameLive(again=False)]
        if system.ok:
            return []
        # A subscription that failed is tried again by the server; a channel that ends says `phx_close` next.
        if system.message.startswith("Token has expired"):
            self._ending = DownCause.TOKEN_EXPIRED
        return [Record(Mark.REFUSED, text=system.message)]

    def _hear_closed(self, now_ns: int, *, crashed: bool) -> Effects:
        cause = DownCause.CHANNEL_CLOSED if self._ending is DownCause.CLOSED else self._ending
        effects: Effects = [Record(Mark.DOWN, cause=cause)]
        if crashed or self._manners.reconnecting.rejoins_closed:
            return effects + self._plan_join(now_ns)
        self._stand_apart(_NEVER)
        return effects

    # ---- time

    def due_ns(self) -> int | None:
        """When `tick` has something to do next; None: not before something else happens."""
        timers = (self._retry_ns, self._deadline_ns, self._beat_ns, self._silent_ns, self._renew_ns)
        return min((timer for timer in timers if timer != _NEVER), default=None)

    def tick(self, now_ns: int) -> Effects:
        """Do what has become due."""
        effects: Effects = []
        if _is_due(self._renew_ns, now_ns):
            effects += self.renew(now_ns)
        if _is_due(self._deadline_ns, now_ns):
            within_s = self._manners.live_within_ns / _SECOND_NS
            effects.append(Record(Mark.REFUSED, text=f"not live within {within_s:g} s"))
            return effects + self._give_up_socket(DownCause.NOT_LIVE_IN_TIME)
        if _is_due(self._silent_ns, now_ns):
            return effects + self._give_up_socket(DownCause.HEARTBEAT_LOST)
        if _is_due(self._beat_ns, now_ns):
            effects += self._beat(now_ns)
        if _is_due(self._retry_ns, now_ns):
            effects += self._join_again(now_ns) if self.link is Link.APART else self._dial(now_ns)
        return effects

    # ---- inside

    def _dial(self, now_ns: int) -> Effects:
        self.link = Link.CONNECTING
        self._retry_ns = _NEVER
        self._begin(now_ns)
        return [Dial()]

    def _join_again(self, now_ns: int) -> Effects:
        self._begin(now_ns)
        return self._join()

    def _begin(self, now_ns: int) -> None:
        """Begin an attempt: its deadline counts from here, and the device sees to its token."""
        self._began_ns = now_ns
        manners = self._manners
        is_overdue = manners.renewal is Renewal.BEFORE and now_ns >= self._expires_ns
        if not self.token or is_overdue or manners.reconnecting.renews:
            self._take_token(now_ns)

    def _take_token(self, now_ns: int) -> None:
        self.token = self._mint()
        self._expires_ns = now_ns + self._manners.token_lifetime_ns
        self._renew_ns = self._manners.renews_at_ns(self._expires_ns)

    def _join(self) -> Effects:
        self.link = Link.JOINING
        self._retry_ns = _NEVER
        self._ending = DownCause.CLOSED
        self._deadline_ns = self._began_ns + self._manners.live_within_ns
        ref = self._next_ref()
        self._join_ref = self._ref
        channel = self._channel
        return [
            Send(phoenix.join(topic=channel.topic, ref=ref, bindings=(channel.binding,), access_token=self.token)),
        ]

    def _beat(self, now_ns: int) -> Effects:
        self._beat_ns += self._manners.heartbeat_interval_ns
        if self._silent_ns == _NEVER:
            self._silent_ns = now_ns + self._manners.patience_ns
        return [Send(phoenix.heartbeat(ref=self._next_ref()))]

    def _plan_connect(self, now_ns: int) -> Effects:
        reconnecting = self._manners.reconnecting
        self.link = Link.WAITING
        self._deadline_ns = _NEVER
        if reconnecting.is_over(self._attempt):
            self._retry_ns = _NEVER
            return [Record(Mark.DOWN, cause=DownCause.GAVE_UP)]
        self._retry_ns = now_ns + max(1, reconnecting.connect_delay_ns(self._attempt, self._chance()))
        self._attempt += 1
        return []

    def _plan_join(self, now_ns: int, *, is_limited: bool = False) -> Effects:
        delay_ns = self._manners.reconnecting.join_delay_ns(self._attempt, self._chance(), is_limited=is_limited)
        self._attempt += 1
        self._stand_apart(now_ns + max(1, delay_ns))
        return []

    def _stand_apart(self, retry_ns: int) -> None:
        self.link = Link.APART
        self._retry_ns = retry_ns
        self._deadline_ns = _NEVER

    def _give_up_socket(self, cause: DownCause) -> Effects:
        """Hang up at once; that the socket is gone is heard as of any other loss."""
        self._ending = cause
        self._deadline_ns = self._silent_ns = self._beat_ns = self._retry_ns = _NEVER
        return [HangUp(is_orderly=False, is_final=False)]

    def _no_longer_live(self, cause: DownCause) -> Effects:
        return [Record(Mark.DOWN, cause=cause)] if self.link is Link.LIVE else []

    def _rest(self) -> None:
        self.link = Link.IDLE
        self._retry_ns = self._deadline_ns = self._beat_ns = self._silent_ns = _NEVER
        self._attempt = 0

    def _leave_message(self) -> phoenix.Message:
        return phoenix.leave(topic=self._channel.topic, join_ref=str(self._join_ref), ref=self._next_ref())

    def _next_ref(self) -> str:
        self._ref += 1
        return str(self._ref)


def _is_due(timer_ns: int, now_ns: int) -> bool:
    return _NEVER < timer_ns <= now_ns
