"""Simulated devices that are pushed to: a WebSocket each, carrying out what its state machine asks for.

What a device does is decided in `loadtests.clients.device`; here are its socket, its timers and its rows in the
ledger. The hot path is `on_ws_frame`: bytes that are known already cost a dictionary look-up, the machine and one row.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Protocol, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from loadtests.clients.connection import Link
from loadtests.clients.device import PAUSED, Device
from loadtests.clients.effects import Dial, Effects, Flushed, HangUp, Mark, Record, Request, Send, Skip
from loadtests.clients.fetching import Fetch
from loadtests.clients.gathering import SUPPRESSED
from loadtests.drivers.arrivals import Arrival, Arrivals
from loadtests.drivers.refreshes import Refresher
from loadtests.drivers.timers import TimerQueue
from loadtests.history.kinds import NO_ENTITY, Kind, SignalFlag
from loadtests.history.ledger import Ledger
from loadtests.scenario.vocabulary import DeviceModel, Step
from loadtests.wire import phoenix
from loadtests.wire.phoenix import MalformedFrame, Vsn

if TYPE_CHECKING:
    from picows.picows import WSCloseHandshake

_log: Final = logging.getLogger(__name__)
_NEVER: Final = 0
_FLAGS: Final = {PAUSED: int(SignalFlag.PAUSED), SUPPRESSED: int(SignalFlag.SUPPRESSED)}
_ASKS_REFRESH: Final = int(SignalFlag.ASKS_REFRESH)
_KINDS: Final = {mark: Kind[mark.name] for mark in Mark}


class Attempt(Protocol):
    """A WebSocket that is being opened."""

    def give_up(self) -> None:
        """Close what there is of it, and let nobody hear of it."""


@dataclass(slots=True, kw_only=True)
class Crowd:
    """What the subscribers of one process share."""

    ledger: Ledger
    timers: TimerQueue
    refresher: Refresher
    arrivals: Arrivals
    dial: Callable[["Subscriber"], Attempt]
    """Begins to open a WebSocket for a subscriber, which hears of the outcome."""
    fail: Callable[[BaseException], None]
    """Ends the process: something of ours broke."""
    signals: int = 0
    live: int = 0
    sockets: int = 0
    after_leaving: int = 0
    """Changes that came on a channel that their device had left."""
    refusals: dict[str, int] = field(default_factory=dict)


class Subscriber(WSListener):
    """One device that is pushed to."""

    __slots__ = (
        "_batch",
        "_closing",
        "_crowd",
        "_device",
        "_dialling",
        "_flush_ns",
        "_is_live",
        "_known",
        "_model",
        "_tick_ns",
        "_topics",
        "_transport",
        "index",
    )

    def __init__(self, index: int, model: DeviceModel, *, crowd: Crowd, device: Device) -> None:
        self.index = index
        self._model = model
        self._crowd = crowd
        self._device = device
        self._known = crowd.arrivals.known
        self._topics: tuple[str, ...] = ()
        self._transport: WSTransport | None = None
        self._closing: WSTransport | None = None
        self._dialling: Attempt | None = None
        self._batch = 0
        self._flush_ns = _NEVER
        self._tick_ns = _NEVER
        self._is_live = False

    # ---- what a person does

    def step(self, step: Step, _due_ns: int = 0) -> None:
        """Do what a person does with the device."""
        self._carry_out(self._device.step(step, monotonic_ns()))

    def log_in(self, _due_ns: int) -> None:
        """Begin the device's lifetime."""
        self.step(Step.LOGIN)

    def log_out(self) -> None:
        """End the device's lifetime in the orderly way."""
        self.step(Step.LOGOUT)

    def hang_up(self) -> None:
        """Break off whatever socket is still there."""
        for transport in (self._transport, self._closing):
            if transport is not None:
                transport.disconnect(graceful=False)

    def told(self, left_ns: int) -> None:
        """Hear that a fresh token is there, and for how long the one before it is good."""
        self._carry_out(self._device.told(monotonic_ns(), left_ns=left_ns))

    # ---- the socket

    def refused(self, status: int, reason: str) -> None:
        """Hear that the target refused the WebSocket with an HTTP status (0: none), saying why."""
        self._record(Record(Mark.REFUSED, value=status, text=reason), monotonic_ns())

    def failed_to_connect(self) -> None:
        """Hear that there will be no WebSocket this time."""
        self._dialling = None
        now_ns = monotonic_ns()
        self._carry_out(self._device.failed(now_ns))

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Join."""
        self._dialling = None
        if self._transport is not None or self._device.connection.link is not Link.CONNECTING:
            transport.disconnect(graceful=False)  # a handshake that had been given up came to its end after all
            return
        self._transport = transport
        self._crowd.sockets += 1
        self._carry_out(self._device.opened(monotonic_ns()))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Hear that a socket is gone."""
        if transport is self._closing:
            self._closing = None
            self._crowd.sockets -= 1
        elif transport is self._transport:
            self._transport = None
            self._crowd.sockets -= 1
            self._carry_out(self._device.lost(monotonic_ns(), _close_code(transport)))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in one frame; its stamp is the first thing that happens."""
        now_ns = monotonic_ns()
        try:
            text = frame.get_payload_as_bytes()
            arrival = self._known.get(text)
            if arrival is None or transport is not self._transport:
                arrival = self._read(transport, frame, text, now_ns)
                if arrival is None:
                    return
            self._receive(arrival, now_ns)
        except Exception as error:  # noqa: BLE001 - picows would log it and go on; ours must end the run
            self._crowd.fail(error)

    def _receive(self, arrival: Arrival, now_ns: int) -> None:
        device, crowd = self._device, self._crowd
        if len(self._topics) > 1 and arrival.topic != device.topic and arrival.topic in self._topics:
            crowd.after_leaving += 1  # it has left that organization's channel; what was under way still comes
            return
        batch = device.signal(arrival.signal, now_ns)
        is_batch = batch > 0
        crowd.ledger.record(
            Kind.SIGNAL,
            now_ns,
            actor=self.index,
            entity=arrival.entity,
            value=batch if is_batch else 0,
            due_ns=arrival.size,
            flag=arrival.flags | (_ASKS_REFRESH if is_batch else _FLAGS.get(batch, 0)),
        )
        crowd.signals += 1
        # A batch that goes on only ends later, with one exception; then the timer that rings too early looks again.
        if is_batch and (batch != self._batch or device.may_flush_sooner):
            self._batch = batch
            self._arm_flush()

    def _arm_flush(self) -> None:
        due_ns = self._device.flush_due_ns()
        if due_ns is not None and (self._flush_ns == _NEVER or due_ns < self._flush_ns):
            self._flush_ns = due_ns
            self._crowd.timers.at(due_ns, self._flush)

    def _read(self, transport: WSTransport, frame: WSFrame, text: bytes, now_ns: int) -> Arrival | None:
        """Return what a frame brings that has not been seen before; None when it is no change, or for nobody."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return None
        if transport is not self._transport or frame.msg_type == WSMsgType.PONG:
            return None
        try:
            arrival = self._crowd.arrivals.decode(text)
            if arrival is None:
                self._carry_out(self._device.hear(phoenix.read_server(text, Vsn.V2), now_ns))
        except MalformedFrame as error:
            _log.warning("device %d received a frame that it cannot read: %s", self.index, error)
            self.refused(0, f"malformed frame: {error}")
            return None
        return arrival

    # ---- re-fetches

    @property
    def bearer(self) -> str:
        """The access token that re-fetches carry."""
        return self._device.token

    def awaits(self, fetch: Fetch) -> bool:
        """Return whether the life that asked for a re-fetch goes on."""
        return self._device.awaits(fetch)

    def answered(self, fetch: Fetch, status: int, at_ns: int) -> None:
        """Hear that a re-fetch is over."""
        self._carry_out(self._device.answered(fetch, status, at_ns))

    # ---- time

    def _flush(self, due_ns: int) -> None:
        if due_ns != self._flush_ns:
            return  # armed for earlier or later since
        self._flush_ns = _NEVER
        self._carry_out(self._device.flush(monotonic_ns()))
        self._arm_flush()

    def _tick(self, due_ns: int) -> None:
        if due_ns == self._tick_ns:
            self._tick_ns = _NEVER
            self._carry_out(self._device.tick(monotonic_ns()))

    # ---- effects

    def _carry_out(self, effects: Effects) -> None:
        now_ns = monotonic_ns()
        for effect in effects:
            match effect:
                case Send():
                    self._send(effect)
                case Record():
                    self._record(effect, now_ns)
                case Request():
                    self._crowd.refresher.start(effect.fetch, self)
                case Flushed():
                    self._crowd.ledger.record(
                        Kind.FLUSH, now_ns, actor=self.index, value=effect.batch, revision=effect.signals
                    )
                case Skip():
                    self._record_skip(effect, now_ns)
                case Dial():
                    self._dialling = self._crowd.dial(self)
                case HangUp():
                    self._hang_up(effect)
        self._arm()

    def _arm(self) -> None:
        due_ns = self._device.due_ns()
        if due_ns is not None and (self._tick_ns == _NEVER or due_ns < self._tick_ns):
            self._tick_ns = due_ns
            self._crowd.timers.at(due_ns, self._tick)

    def _send(self, effect: Send) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, phoenix.encode_client(effect.message, Vsn.V2))

    def _hang_up(self, effect: HangUp) -> None:
        if self._dialling is not None:
            self._dialling.give_up()
            self._dialling = None
        transport = self._transport
        if transport is None:
            return
        if not effect.is_final:
            transport.disconnect(graceful=False)
            return
        if self._closing is not None:
            self._closing.disconnect(graceful=False)  # it had its time, and is not waited for
            self._crowd.sockets -= 1
        self._transport, self._closing = None, transport
        if effect.is_orderly:
            transport.send_close(WSCloseCode.OK)
        else:
            transport.disconnect(graceful=False)

    def _record(self, effect: Record, now_ns: int) -> None:
        crowd, mark = self._crowd, effect.mark
        entity, value, due_ns, flag = NO_ENTITY, effect.value, 0, effect.cause
        match mark:
            case Mark.LOGIN:
                value, flag = effect.cause, self._model
                if self._device.topic not in self._topics:
                    self._topics = (*self._topics, self._device.topic)
            case Mark.OPENED:
                value, due_ns = 0, effect.value
            case Mark.LIVE:
                self._set_live(is_live=True)
            case Mark.DOWN:
                self._set_live(is_live=False)
            case Mark.REFUSED:
                entity = crowd.ledger.name(effect.text)
                crowd.refusals[effect.text] = crowd.refusals.get(effect.text, 0) + 1
            case _:
                pass
        crowd.ledger.record(
            _KINDS[mark], now_ns, actor=self.index, entity=entity, value=value, due_ns=due_ns, flag=flag
        )

    def _set_live(self, *, is_live: bool) -> None:
        self._crowd.live += is_live - self._is_live
        self._is_live = is_live

    def _record_skip(self, effect: Skip, now_ns: int) -> None:
        skipped, ledger = effect.skipped, self._crowd.ledger
        ledger.record(
            Kind.NOT_FETCHED,
            now_ns,
            actor=self.index,
            entity=ledger.name(skipped.key.path),
            value=skipped.batch,
            revision=skipped.cause,
            flag=skipped.why,
        )


def _close_code(transport: WSTransport) -> int:
    """Return the code with which the target closed the WebSocket; 0 when it did not say."""
    # The type stubs do not know that a broken connection has no handshake, nor that codes are integers.
    handshake = cast("WSCloseHandshake | None", transport.close_handshake)
    received = handshake.recv if handshake is not None else None
    return int(cast("int", received.code)) if received is not None else 0
