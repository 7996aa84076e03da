"""Simulated devices that are pushed to: one WebSocket each, a client model, rows in the ledger for all that happens.

A device is live at `system: Subscribed to PostgreSQL`, not at the join reply. The hot path is `on_ws_frame`: bytes
that are known already cost a dictionary look-up, the model and one row. What to fetch is the model's business.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from loadtests.clients.debounce import Debouncer
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.requests import Cause
from loadtests.drivers.arrivals import Arrival, Arrivals
from loadtests.drivers.channels import Channel, Link, Manners
from loadtests.drivers.refreshes import Refresh, Refresher
from loadtests.drivers.timers import TimerQueue
from loadtests.history.kinds import NO_ENTITY, DownCause, Kind, SignalFlag
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Device
from loadtests.wire import phoenix
from loadtests.wire.phoenix import ChannelClosed, MalformedFrame, Message, Reply, System, Vsn

if TYPE_CHECKING:
    from picows.picows import WSCloseHandshake

_log: Final = logging.getLogger(__name__)
_ASKS_REFRESH: Final = int(SignalFlag.ASKS_REFRESH)


@dataclass(slots=True, kw_only=True)
class Crowd:
    """What the subscribers of one process share."""

    ledger: Ledger
    timers: TimerQueue
    refresher: Refresher
    arrivals: Arrivals
    manners: Manners
    random: Random
    mint: Callable[[str], str]
    """Returns a fresh access token for a user id."""
    dial: Callable[["Subscriber"], None]
    """Begins to open a WebSocket for a subscriber, which hears of the outcome."""
    fail: Callable[[BaseException], None]
    """Ends the process: something of ours broke."""
    signals: int = 0
    live: int = 0
    refusals: dict[str, int] = field(default_factory=dict)


class Subscriber(WSListener):
    """One device that is pushed to."""

    __slots__ = (
        "_affected",
        "_attempt",
        "_awaited_heartbeat",
        "_began_ns",
        "_channel",
        "_crowd",
        "_debouncer",
        "_device",
        "_down_cause",
        "_index",
        "_join_ref",
        "_known",
        "_model",
        "_ref",
        "_screen",
        "_token",
        "_transport",
        "link",
    )

    def __init__(
        self,
        device: Device,
        *,
        crowd: Crowd,
        channel: Channel,
        model: ClientModel,
        screen: Screen,
        debouncer: Debouncer,
    ) -> None:
        self._device = device
        self._index = device.index
        self._crowd = crowd
        self._channel = channel
        self._model = model
        self._affected = model.affected
        self._screen = screen
        self._debouncer = debouncer
        self._known = crowd.arrivals.known
        self._transport: WSTransport | None = None
        self._token = ""
        self._ref = 0
        self._join_ref = 0
        self._awaited_heartbeat = 0
        self._attempt = 0
        self._began_ns = 0
        self._down_cause = DownCause.CLOSED
        self.link = Link.DOWN

    # ---- lifetime

    def log_in(self, _due_ns: int) -> None:
        """Begin the device's lifetime: connect, join, catch up, and stay live."""
        device = self._device
        self._record(Kind.LOGIN, value=device.organization, flag=device.model)
        self._connect(0)

    def log_out(self) -> None:
        """End the device's lifetime in the orderly way."""
        if self.link is Link.ENDED:
            return
        if self.link is Link.LIVE:
            self._crowd.live -= 1
            self._record(Kind.DOWN, flag=DownCause.LOGGED_OUT)
        self._record(Kind.LOGOUT)
        has_joined = self.link >= Link.JOINING
        self.link = Link.ENDED
        self._debouncer.forget()
        # What still arrives takes the slow path from here on, which knows that the device has ended.
        self._known = {}
        if self._transport is not None:
            if has_joined:
                leave = phoenix.leave(
                    topic=self._channel.topic, join_ref=str(self._join_ref), ref=str(self._next_ref())
                )
                self._send(leave)
            self._transport.send_close(WSCloseCode.OK)

    def hang_up(self) -> None:
        """Close the socket at once, if it is still open."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    @property
    def is_connected(self) -> bool:
        """Whether the WebSocket is open."""
        return self._transport is not None

    # ---- connecting

    def _connect(self, _due_ns: int) -> None:
        if self.link is Link.ENDED:
            return
        self._began_ns = monotonic_ns()
        self._token = self._crowd.mint(self._device.user_id)
        self._down_cause = DownCause.CLOSED
        self.link = Link.CONNECTING
        self._crowd.dial(self)

    def refused(self, status: int, reason: str) -> None:
        """Hear that the target refused the WebSocket with an HTTP status (0: none), or a join, saying why."""
        refusals = self._crowd.refusals
        refusals[reason] = refusals.get(reason, 0) + 1
        self._record(Kind.REFUSED, value=status, entity=self._crowd.ledger.name(reason))

    def failed_to_connect(self) -> None:
        """Hear that there will be no WebSocket this time; try again later."""
        if self.link is not Link.ENDED:
            self._go_down(DownCause.CONNECT_FAILED, 0)
            self._later(self._connect)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Join, and keep the connection alive."""
        if self.link is not Link.CONNECTING or self._transport is not None:
            transport.disconnect(graceful=False)  # a handshake that had been given up came to its end after all
            return
        self._transport = transport
        self._record(Kind.OPENED, due_ns=self._began_ns)
        self._awaited_heartbeat = 0
        interval_ns = self._crowd.manners.heartbeat_interval_ns
        first_ns = monotonic_ns() + round(self._device.phase * interval_ns)
        self._crowd.timers.at(first_ns, partial(self._beat, transport))
        self._join()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Come back later, unless the device has ended."""
        if transport is not self._transport:
            return
        self._transport = None
        if self.link is Link.ENDED:
            return
        self._go_down(self._down_cause, _close_code(transport))
        self._later(self._connect)

    # ---- joining

    def _join(self) -> None:
        self.link = Link.JOINING
        self._join_ref = self._next_ref()
        deadline_ns = self._began_ns + self._crowd.manners.live_within_ns
        self._crowd.timers.at(deadline_ns, partial(self._check_live, self._join_ref))
        self._send(
            phoenix.join(
                topic=self._channel.topic,
                ref=str(self._join_ref),
                bindings=(self._channel.binding,),
                access_token=self._token,
            )
        )

    def _join_again(self, transport: WSTransport, _due_ns: int) -> None:
        if transport is not self._transport or self.link is not Link.DOWN:
            return
        self._began_ns = monotonic_ns()
        self._token = self._crowd.mint(self._device.user_id)
        self._down_cause = DownCause.CLOSED
        self._join()

    def _check_live(self, join_ref: int, _due_ns: int) -> None:
        if self.link is Link.JOINING and join_ref == self._join_ref and self._transport is not None:
            self.refused(0, f"not live within {self._crowd.manners.live_within_ns / 1e9:g} s")
            self._transport.disconnect(graceful=False)

    def _beat(self, transport: WSTransport, due_ns: int) -> None:
        if transport is not self._transport or self.link is Link.ENDED:
            return
        manners = self._crowd.manners
        self._awaited_heartbeat = self._next_ref()
        self._send(phoenix.heartbeat(ref=str(self._awaited_heartbeat)))
        timers = self._crowd.timers
        timers.at(due_ns + manners.heartbeat_timeout_ns, partial(self._check_heartbeat, self._awaited_heartbeat))
        timers.at(due_ns + manners.heartbeat_interval_ns, partial(self._beat, transport))

    def _check_heartbeat(self, ref: int, _due_ns: int) -> None:
        if ref == self._awaited_heartbeat and self._transport is not None and self.link is not Link.ENDED:
            self._down_cause = DownCause.HEARTBEAT_LOST
            self._transport.disconnect(graceful=False)

    # ---- receiving

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in one frame; its stamp is the first thing that happens."""
        now_ns = monotonic_ns()
        try:
            text = frame.get_payload_as_bytes()
            arrival = self._known.get(text)
            if arrival is None:
                arrival = self._read(transport, frame, text)
                if arrival is None:
                    return
            self._receive(arrival, now_ns)
        except Exception as error:  # noqa: BLE001 - picows would log it and go on; ours must end the run
            self._crowd.fail(error)

    def _receive(self, arrival: Arrival, now_ns: int) -> None:
        signal = arrival.signal
        debouncer = self._debouncer
        is_first = not debouncer.is_pending
        batch = debouncer.signal(signal, self._affected(signal, self._screen), now_ns)
        crowd = self._crowd
        crowd.ledger.record(
            Kind.SIGNAL,
            now_ns,
            actor=self._index,
            entity=arrival.entity,
            value=batch,
            due_ns=arrival.size,
            flag=arrival.flags | _ASKS_REFRESH if batch else arrival.flags,
        )
        crowd.signals += 1
        if batch and is_first:
            crowd.timers.at(now_ns + self._model.policy.window_ns, self._flush)

    def _flush(self, _due_ns: int) -> None:
        now_ns = monotonic_ns()
        flush = self._debouncer.take(now_ns)
        if flush is None:
            due_ns = self._debouncer.due_ns()
            if due_ns is not None:
                self._crowd.timers.at(due_ns, self._flush)
            return
        crowd = self._crowd
        crowd.ledger.record(Kind.FLUSH, now_ns, actor=self._index, value=flush.batch, revision=flush.signals)
        crowd.refresher.start(
            Refresh(
                actor=self._index,
                bearer=self._token,
                cause=Cause.FLUSH,
                wanted_ns=now_ns,
                keys=flush.refreshes,
                batch=flush.batch,
                is_sequential=self._model.is_sequential,
            )
        )

    def _read(self, transport: WSTransport, frame: WSFrame, text: bytes) -> Arrival | None:
        """Return what a frame brings that has not been seen before; None when it is no change."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return None
        if self.link is Link.ENDED or frame.msg_type == WSMsgType.PONG:
            return None
        try:
            arrival = self._crowd.arrivals.decode(text)
            if arrival is None:
                self._obey(transport, phoenix.read_server(text, Vsn.V2))
        except MalformedFrame as error:
            _log.warning("device %d received a frame that it cannot read: %s", self._index, error)
            self.refused(0, f"malformed frame: {error}")
            return None
        return arrival

    def _obey(self, transport: WSTransport, message: phoenix.ServerMessage) -> None:
        match message:
            case Reply(topic=phoenix.HEARTBEAT_TOPIC):
                if message.ref == str(self._awaited_heartbeat):
                    self._awaited_heartbeat = 0
            case Reply() if message.ref == str(self._join_ref):
                self._hear_join_reply(transport, message)
            case System():
                self._hear_system(message)
            case ChannelClosed() if message.join_ref == str(self._join_ref):
                self._go_down(DownCause.CHANNEL_CLOSED if self._down_cause is DownCause.CLOSED else self._down_cause, 0)
                self._later(partial(self._join_again, transport))
            case _:
                pass  # presence, broadcasts, replies to what was abandoned: nothing that a device acts on

    def _hear_join_reply(self, transport: WSTransport, reply: Reply) -> None:
        if reply.ok:
            self._record(Kind.JOINED)
            return
        self.refused(0, reply.reason)
        self.link = Link.DOWN
        self._later(partial(self._join_again, transport))

    def _hear_system(self, system: System) -> None:
        if system.is_subscribed:
            if self.link is Link.JOINING:
                self.link = Link.LIVE
                self._attempt = 0
                self._crowd.live += 1
                self._record(Kind.LIVE)
            # Said again to a live device, it may follow a gap: whatever was committed in it is fetched.
            self._catch_up()
        elif not system.ok:
            # A subscription that failed is tried again by the server; a channel that ends says `phx_close` next.
            self.refused(0, system.message)
            if system.message.startswith("Token has expired"):
                self._down_cause = DownCause.TOKEN_EXPIRED

    def _catch_up(self) -> None:
        self._crowd.refresher.start(
            Refresh(
                actor=self._index,
                bearer=self._token,
                cause=Cause.CATCH_UP,
                wanted_ns=monotonic_ns(),
                keys=self._screen.everything,
                is_sequential=self._model.is_sequential,
            )
        )

    # ---- inside

    def _go_down(self, cause: DownCause, close_code: int) -> None:
        if self.link is Link.LIVE:
            self._crowd.live -= 1
        self.link = Link.DOWN
        self._record(Kind.DOWN, value=close_code, flag=cause)

    def _later(self, attempt: Callable[[int], None]) -> None:
        delay_ns = self._crowd.manners.backoff.delay_ns(self._attempt, self._crowd.random.random())
        self._attempt += 1
        self._crowd.timers.at(monotonic_ns() + delay_ns, attempt)

    def _next_ref(self) -> int:
        self._ref += 1
        return self._ref

    def _send(self, message: Message) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, phoenix.encode_client(message, Vsn.V2))

    def _record(self, kind: Kind, *, entity: int = NO_ENTITY, value: int = 0, due_ns: int = 0, flag: int = 0) -> None:
        self._crowd.ledger.record(
            kind, monotonic_ns(), actor=self._index, entity=entity, value=value, due_ns=due_ns, flag=flag
        )


def _close_code(transport: WSTransport) -> int:
    """Return the code with which the target closed the WebSocket; 0 when it did not say."""
    # The type stubs do not know that a broken connection has no handshake, nor that codes are integers.
    handshake = cast("WSCloseHandshake | None", transport.close_handshake)
    received = handshake.recv if handshake is not None else None
    return int(cast("int", received.code)) if received is not None else 0
