"""One WebSocket: frames in to its session, the session's effects out to the socket, the timer and the subscriptions.

The edge around `channels.Session`; decides nothing about the protocol. Built on picows, whose listener object is
all that a socket costs besides its session.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from loadtests.pipeline.realtime.channels import (
    Disconnect,
    Effect,
    Moment,
    Send,
    Session,
    Subscribe,
    Unsubscribe,
)
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.handshake import Accepted
from loadtests.pipeline.realtime.subscriptions import Subscriptions
from loadtests.pipeline.realtime.websocket import text_frame
from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire.phoenix import (
    MalformedFrame,
    Vsn,
    decode_client,
    decode_client_binary,
    encode_server,
)

MAX_INBOUND_BYTES: Final = 5_000_000
"""The real server's limit for one message."""
_TIMER_SLACK_S: Final = 0.005
_LONGEST_TIMER_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What all connections share."""

    options: RealtimeOptions
    verifier: TokenVerifier
    subscriptions: Subscriptions
    counters: Counters
    now: Callable[[], Moment]
    open_connections: "set[Connection]"


class ChannelListener:
    """One channel as the audiences know it."""

    __slots__ = ("_connection",)

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` finished WebSocket frames at once."""
        self._connection.deliver(frames, count)


class Connection(WSListener):
    """The listener of one socket."""

    __slots__ = (
        "_fragments",
        "_is_binary",
        "_listeners",
        "_outbox",
        "_service",
        "_session",
        "_timer",
        "_transport",
        "_vsn",
        "_wake_at_s",
    )

    def __init__(self, accepted: Accepted, service: Service) -> None:
        super().__init__()
        self._service = service
        self._vsn: Vsn = accepted.vsn
        self._session = Session(
            apikey=accepted.apikey,
            verifier=service.verifier,
            silence_timeout_s=service.options.heartbeat_timeout_s,
            now=service.now(),
        )
        self._transport: WSTransport | None = None
        self._listeners: dict[int, ChannelListener] = {}
        self._fragments: bytearray | None = None
        self._is_binary = False
        self._outbox: list[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at_s = float("inf")

    # ---- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin."""
        self._transport = transport
        self._service.open_connections.add(self)
        self._service.counters.phoenix_connections_total += 1
        self._service.counters.realtime_connections_connected += 1
        self._arm(self._service.now())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame; pings have been answered already."""
        now = self._service.now()
        self._session.heard(now)
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind is WSMsgType.TEXT and frame.fin:
            self._take(frame.get_payload_as_bytes(), now, binary=False)
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._assemble(frame, now)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - the signature is picows'
        """End: free everything that the socket held."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._service.open_connections.discard(self)
        self._service.counters.realtime_connections_connected -= 1
        self._apply(self._session.end())

    # ---- what the server calls

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` change messages; a reader with too much unread is cut off, as if it had crashed."""
        transport = self._transport
        if transport is None:
            return
        counters = self._service.counters
        underlying = transport.underlying_transport
        if underlying.get_write_buffer_size() > self._service.options.max_send_buffer_bytes:
            counters.realtime_slow_readers_closed += 1
            transport.disconnect(graceful=False)
            return
        underlying.write(frames)
        counters.realtime_channel_db_events += count
        counters.realtime_channel_output_bytes += len(frames)

    def close(self, code: int) -> None:
        """Close the socket with this code."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode(code))
            self._transport.disconnect()

    async def close_and_wait(self, code: int) -> None:
        """Close the socket and return once it is gone."""
        transport = self._transport
        if transport is not None:
            self.close(code)
            await transport.wait_disconnected()

    # ---- inside

    def _assemble(self, frame: WSFrame, now: Moment) -> None:
        """Collect a message of several frames; a message is as binary as its first frame."""
        if frame.msg_type is not WSMsgType.CONTINUATION:
            self._fragments = bytearray()
            self._is_binary = frame.msg_type is WSMsgType.BINARY
        if self._fragments is None or len(self._fragments) + frame.payload_size > MAX_INBOUND_BYTES:
            self._fragments = None
            self.close(WSCloseCode.MESSAGE_TOO_BIG.value)
            return
        self._fragments += frame.get_payload_as_memoryview()
        if frame.fin:
            whole, self._fragments = bytes(self._fragments), None
            self._take(whole, now, binary=self._is_binary)

    def _take(self, text: bytes, now: Moment, *, binary: bool) -> None:
        counters = self._service.counters
        try:
            message = decode_client_binary(text) if binary else decode_client(text, self._vsn)
        except MalformedFrame:
            counters.realtime_malformed_messages += 1  # dropped and the socket kept, as the real server does
            return
        joins_before = self._session.join_count
        self._apply(self._session.receive(message, now))
        if message.event == "phx_join":
            joined = self._session.join_count - joins_before
            counters.realtime_channel_joins += joined
            counters.realtime_channel_joins_refused += 1 - joined
        self._arm(now)

    def _apply(self, effects: Iterable[Effect]) -> None:
        """Do what the session says; what it sends leaves in one write, in its order."""
        outermost = self._outbox is None
        if self._outbox is None:
            self._outbox = []
        outbox = self._outbox
        try:
            for effect in effects:
                self._do(effect, outbox)
        finally:
            if outermost:
                self._outbox = None
        if outermost and outbox and self._transport is not None:
            self._transport.underlying_transport.write(b"".join(outbox))

    def _do(self, effect: Effect, outbox: list[bytes]) -> None:
        match effect:
            case Send(message):
                outbox.append(text_frame(encode_server(message, self._vsn)))
            case Subscribe(channel=number):
                listener = self._listeners.setdefault(number, ChannelListener(self))
                answered = partial(self._answered, number)
                self._service.subscriptions.put(listener, effect, self._vsn, answered)
            case Unsubscribe(number):
                gone = self._listeners.pop(number, None)
                if gone is not None:
                    self._service.subscriptions.drop(gone)
            case Disconnect(code):
                self.close(code)

    def _answered(self, number: int, refusal: str | None) -> None:
        """Pass the outcome of a subscription on; it may come during `put` or much later."""
        session = self._session
        self._apply(session.subscribed(number) if refusal is None else session.refused(number, refusal))

    def _arm(self, now: Moment) -> None:
        """See to it that the session is woken in time; a timer that rings too early does no harm."""
        wake_in_s = max(0.0, self._session.wake_in_s(now))
        wake_at_s = now.monotonic_ns / 1e9 + wake_in_s
        if self._timer is not None:
            if self._wake_at_s <= wake_at_s + _TIMER_SLACK_S:
                return
            self._timer.cancel()
        self._wake_at_s = wake_at_s
        # A token may be valid for years, longer than the event loop's timers reach.
        self._timer = asyncio.get_running_loop().call_later(min(wake_in_s, _LONGEST_TIMER_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._service.now()
        self._apply(self._session.wake(now))
        if self._transport is not None:
            self._arm(now)
