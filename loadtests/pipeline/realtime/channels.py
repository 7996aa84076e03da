"""The channels of one socket as a state machine: messages and moments in, effects out.

No clock, no socket, no database: `Session` is told what came and when, and says what to send, what to subscribe
to and when to wake it. Rules, orders and texts are those of Phoenix 1.8 and Supabase Realtime v2.129.8.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from loadtests.pipeline.realtime import speech
from loadtests.pipeline.realtime.bindings import BindingRefused, echo, read
from loadtests.pipeline.realtime.channel import POSTGRES_CHANGES, Channel, as_object, reply
from loadtests.pipeline.realtime.claims import TokenRefused, TokenVerifier, expired
from loadtests.pipeline.realtime.effects import Ask, Disconnect, Effect, Leave, Refuse, Send, Subscribe
from loadtests.pipeline.realtime.joining import (
    PRIVATE_ONLY,
    Join,
    JoinRefused,
    is_private,
    read_join,
    token_of,
)
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.realtime.policies import (
    PUBLIC,
    UNREACHABLE,
    Answer,
    Policies,
    Question,
    no_longer_permitted,
    not_permitted,
    reads,
)
from loadtests.wire.phoenix import HEARTBEAT_TOPIC, SUBSCRIBED, TOPIC_PREFIX, Message

CLOSED_NORMALLY: Final = 1000
_NANOSECONDS: Final = 1_000_000_000
READY: Final = "Replication connection established"


class Session:
    """One socket: its channels, its tokens' expiry and its silence."""

    __slots__ = (
        "_apikey",
        "_channels",
        "_heard_ns",
        "_joins",
        "_limits",
        "_new_key",
        "_private_only",
        "_silence_ns",
        "_verifier",
    )

    def __init__(
        self,
        *,
        apikey: str,
        verifier: TokenVerifier,
        limits: Limits,
        silence_timeout_s: float,
        now: Moment,
        new_key: Callable[[], str],
        private_only: bool = False,
    ) -> None:
        """`new_key` makes up the presence key of a channel that brings none; `private_only` refuses public channels."""
        self._apikey = apikey
        self._verifier = verifier
        self._limits = limits
        self._new_key = new_key
        self._private_only = private_only
        self._silence_ns = round(silence_timeout_s * _NANOSECONDS)
        self._heard_ns = now.monotonic_ns
        self._channels: dict[str, Channel] = {}
        self._joins = 0

    @property
    def channel_count(self) -> int:
        """Channels joined now."""
        return len(self._channels)

    @property
    def join_count(self) -> int:
        """Joins answered with ok so far."""
        return self._joins

    @property
    def user(self) -> str:
        """The subject of the first channel's token; empty if there is none."""
        return next((channel.claims.subject for channel in self._channels.values()), "")

    def heard(self, now: Moment) -> None:
        """Note that the client sent a frame, whatever it was."""
        self._heard_ns = now.monotonic_ns

    def receive(self, message: Message, now: Moment) -> list[Effect]:
        """Return what a client's message causes."""
        if message.topic == HEARTBEAT_TOPIC and message.event == "heartbeat":
            return [Send(reply(HEARTBEAT_TOPIC, message.ref, ok=True, response={}, join_ref=None))]
        if message.event == "phx_join":
            return self._join(message, now)
        channel = self._channels.get(message.topic) if isinstance(message.topic, str) else None
        if channel is None:
            return [_without_channel(message)]
        return self._unless_it_ends(channel, lambda: self._push(channel, message, now))

    def subscribed(self, number: int) -> list[Effect]:
        """Return what follows once the channel's subscription is in force."""
        return self._answer(number, ok=True, message=SUBSCRIBED)

    def refused(self, number: int, why: str) -> list[Effect]:
        """Return what follows if the channel's subscription cannot be served: it stays joined, and silent."""
        return self._answer(number, ok=False, message=why)

    def unhurried(self, number: int) -> list[Effect]:
        """Return what a channel is told before its subscription, because that will take a while."""
        channel = self._numbered(number)
        if channel is None:
            return []
        told, channel.waiting = channel.waiting, []
        return told

    def _answer(self, number: int, *, ok: bool, message: str) -> list[Effect]:
        channel = self._numbered(number)
        if channel is None:
            return []
        return [channel.system(ok=ok, extension=POSTGRES_CHANGES, message=message), *self.unhurried(number)]

    def answered(self, asked: Ask, answer: Answer, now: Moment) -> list[Effect]:
        """Return what follows from what a private channel's policies allow."""
        if asked.channel == 0:
            return asked.then(answer, now)
        channel = self._numbered(asked.channel)
        return [] if channel is None else self._unless_it_ends(channel, lambda: asked.then(answer, now))

    def overwhelmed(self, number: int) -> list[Effect]:
        """Return what follows if a channel has heard too many broadcasts."""
        channel = self._numbered(number)
        return [] if channel is None else self._evict(channel, speech.TOO_MANY_MESSAGES)

    def presence(self, number: int, state: Mapping[str, Any]) -> list[Effect]:
        """Return how a channel is told who is present."""
        return [
            channel.push("presence_state", state) for channel in self._channels.values() if channel.number == number
        ]

    def wake(self, now: Moment) -> list[Effect]:
        """Return what the passing of time causes: expired tokens close channels, silence closes the socket."""
        if now.monotonic_ns - self._heard_ns >= self._silence_ns:
            return [Disconnect(CLOSED_NORMALLY)]
        effects: list[Effect] = []
        for channel in list(self._channels.values()):
            if channel.expires_at_s <= now.unix_s:
                effects += self._evict(channel, expired(now.unix_s, channel.expires_at_s).text)
        return effects

    def wake_in_s(self, now: Moment) -> float:
        """Return the seconds until `wake` may have something to do; earlier joins and frames only lengthen it."""
        silence_s = (self._heard_ns + self._silence_ns - now.monotonic_ns) / _NANOSECONDS
        return min([silence_s, *(channel.expires_at_s - now.unix_s for channel in self._channels.values())])

    def end(self) -> list[Effect]:
        """Return what is left to do after the socket has gone."""
        gone: list[Effect] = [Leave(channel.number) for channel in self._channels.values()]
        self._channels.clear()
        if self._joins > 0:
            self._limits.user_went()
        return gone

    # ---- joining

    def _join(self, message: Message, now: Moment) -> list[Effect]:
        topic = message.topic
        if not isinstance(topic, str) or not topic.startswith(TOPIC_PREFIX):
            return [_without_channel(message)]
        # A second join ends the channel, whatever becomes of it; its close is sent after the answer. A client that
        # ignores `ref` then closes the new channel.
        earlier = self._channels.pop(topic, None)
        gone: list[Effect] = [] if earlier is None else [Leave(earlier.number)]
        closed: list[Effect] = [] if earlier is None else [earlier.closed()]
        if self._private_only and not is_private(message) and topic != TOPIC_PREFIX:
            return [_refusal(message, PRIVATE_ONLY), *gone, *closed]
        beyond = None
        if topic != TOPIC_PREFIX:
            beyond = self._limits.refuse_join(now.monotonic_ns, is_user=self._joins > 0, channels=len(self._channels))
        if beyond is not None:
            return [_refusal(message, beyond.reason, disconnects=beyond.disconnects), *gone, *closed]
        try:
            token = token_of(message, self._apikey)
            verified = self._verifier.verify(token, now.unix_s)
            join = read_join(message, token, verified)
            join.admit()
        except (JoinRefused, TokenRefused) as refusal:
            return [_refusal(message, str(refusal)), *gone, *closed]
        if not join.wishes.is_private:
            return [*self._joined(join, PUBLIC, now, closed=closed), *gone]
        question = Question(
            topic=join.name, claims=verified.claims, reads=reads(presence=join.wishes.is_present), replay=join.replay
        )
        then = partial(self._joined_if, join, question=question, closed=closed)
        return [*gone, Ask(channel=0, question=question, then=then)]

    def _joined_if(
        self, join: Join, answer: Answer, now: Moment, *, question: Question, closed: list[Effect]
    ) -> list[Effect]:
        """Return what a join of a private channel leads to, once its policies have been asked."""
        policies = Policies().told(question, answer)
        try:
            join.admit_private(policies, answer)
        except JoinRefused as refusal:
            return [_refusal(join.message, str(refusal)), *closed]
        return self._joined(join, policies, now, closed=closed, replayed=answer.replayed)

    def _joined(
        self,
        join: Join,
        policies: Policies,
        now: Moment,
        *,
        closed: list[Effect],
        replayed: Sequence[Mapping[str, Any]] = (),
    ) -> list[Effect]:
        if self._joins == 0:
            self._limits.user_came()
        self._joins += 1
        channel = Channel(
            number=self._joins,
            topic=join.message.topic,
            join_ref=join.message.join_ref,
            token=join.token,
            claims=join.verified.claims,
            expires_at_s=join.verified.expires_at_s,
            wishes=join.wishes,
            is_legacy=join.is_legacy,
            presence_key=join.wishes.presence_key or self._new_key(),
            is_present=join.wishes.is_present,
            calls=self._limits.call_window(),
            policies=policies,
        )
        self._channels[channel.topic] = channel
        effects: list[Effect] = [channel.reply(join.message.ref, response={POSTGRES_CHANGES: echo(join.asked)})]
        effects += [*closed, channel.enter(), *(channel.push("broadcast", one) for one in replayed)]
        # Of the connection over which the real server hears messages from the database; here it is never down.
        ready = [channel.system(ok=True, extension="system", message=READY)] if join.wishes.wants_readiness else []
        shown = self._unless_it_ends(channel, lambda: speech.show_presence(channel, self._limits, now))
        subscription = _subscription(channel, join.asked)
        if channel.bindings and channel.topic in self._channels:
            channel.waiting = [*ready, *shown]
            return effects + subscription
        return [*effects, *subscription, *ready, *shown]

    # ---- a channel's later life

    def _push(self, channel: Channel, message: Message, now: Moment) -> list[Effect]:
        if None not in (message.join_ref, channel.join_ref) and message.join_ref != channel.join_ref:
            return []  # meant for an earlier join of the topic
        said = speech.Said(channel=channel, message=message, limits=self._limits)
        match message.event:
            case "phx_leave":
                return [channel.reply(message.ref), *self._close(channel)]
            case "access_token":
                return self._refresh(channel, message.payload, now)
            case "broadcast":
                return speech.broadcast(said, now)
            case "presence":
                return speech.presence(said, now)
            case _:
                self._limits.sent(now.monotonic_ns)
                return []

    def _refresh(self, channel: Channel, payload: object, now: Moment) -> list[Effect]:
        token = as_object(payload).get("access_token")
        if not isinstance(token, str) or token.startswith("sb_") or token == channel.token:
            return []
        try:
            verified = self._verifier.verify(token, now.unix_s)
        except TokenRefused as refusal:
            return self._evict(channel, refusal.atom or refusal.text)
        if not verified.opens_channels:
            return self._evict(channel, verified.unfit)
        channel.token, channel.claims = token, verified.claims
        channel.expires_at_s = verified.expires_at_s
        if not channel.wishes.is_private:
            return _resubscribe(channel)
        question = Question(topic=channel.name, claims=verified.claims, reads=reads(presence=channel.is_present))
        return [Ask(channel=channel.number, question=question, then=partial(_refreshed_if, channel, question))]

    def _unless_it_ends(self, channel: Channel, go_on: Callable[[], list[Effect]]) -> list[Effect]:
        """Return what is to be done, or how the channel ends if the server will have no more of it."""
        try:
            return go_on()
        except speech.ChannelEnds as end:
            return self._evict(channel, str(end))
        except speech.ChannelCrashes:
            del self._channels[channel.topic]
            return [channel.closed(crashed=True), Leave(channel.number)]

    def _numbered(self, number: int) -> Channel | None:
        return next((channel for channel in self._channels.values() if channel.number == number), None)

    def _evict(self, channel: Channel, why: str) -> list[Effect]:
        return [channel.system(ok=False, extension="system", message=why), *self._close(channel)]

    def _close(self, channel: Channel) -> list[Effect]:
        del self._channels[channel.topic]
        return [channel.closed(), Leave(channel.number)]


def _refreshed_if(channel: Channel, question: Question, answer: Answer, _now: Moment) -> list[Effect]:
    """Return what a fresh token leads to on a private channel; raises ChannelEnds if it allows less."""
    if answer.unreachable:
        raise speech.ChannelEnds(UNREACHABLE)
    policies = Policies().told(question, answer)
    if not policies.may_join:
        raise speech.ChannelEnds(not_permitted(channel.name))
    if policies.lost(channel.policies):
        raise speech.ChannelEnds(no_longer_permitted(channel.name))
    channel.policies = policies
    return [channel.enter(), *_resubscribe(channel)]


def _resubscribe(channel: Channel) -> list[Effect]:
    return [_subscribe(channel)] if channel.bindings else []


def _subscription(channel: Channel, asked: list[dict[str, Any]]) -> list[Effect]:
    if not asked:
        return []
    try:
        channel.bindings = read(asked)
    except BindingRefused as refusal:
        return [channel.system(ok=False, extension=POSTGRES_CHANGES, message=str(refusal))]
    return [_subscribe(channel)]


def _subscribe(channel: Channel) -> Subscribe:
    return Subscribe(
        channel=channel.number,
        topic=channel.topic,
        bindings=channel.bindings,
        claims=channel.claims,
        is_legacy=channel.is_legacy,
    )


def _without_channel(message: Message) -> Send:
    """Return the answer on a topic that is not joined: leaving it is always well."""
    if message.event == "phx_leave":
        return Send(reply(message.topic, message.ref, ok=True, response={}, join_ref=message.join_ref))
    response = {"reason": "unmatched topic"}
    return Send(reply(message.topic, message.ref, ok=False, response=response, join_ref=None))


def _refusal(message: Message, reason: str, *, disconnects: bool = False) -> Refuse:
    answer = reply(message.topic, message.ref, ok=False, response={"reason": reason}, join_ref=message.join_ref)
    return Refuse(reply=answer, disconnects=disconnects)
