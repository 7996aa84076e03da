"""One HTTP/2 connection in clear text, many requests at once: the sender's end.

Bounded by what the other end allows: streams and flow-control window are waited for. Knows requests and answers,
not what they are about.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

_MOST_STREAMS: Final = 1000
_LONGEST_ANSWER_BYTES: Final = 64 * 1024


class Http2Error(ConnectionError):
    """The connection failed under a request, which may have been acted on or not."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Exchange:
    answered: "asyncio.Future[Response]"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Http2Client(asyncio.Protocol):
    """A connection to one server; `open` makes it."""

    def __init__(self) -> None:
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._transport: asyncio.Transport | None = None
        self._exchanges: dict[int, _Exchange] = {}
        self._changed = asyncio.Event()
        self._going = False

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect.

        Raises:
            OSError: nobody answers there.

        """
        _, client = await asyncio.get_running_loop().create_connection(cls, host, port)
        return client

    @property
    def usable(self) -> bool:
        """Whether a further request can be made."""
        return self._transport is not None and not self._going

    async def request(self, headers: list[tuple[str, str]], body: bytes) -> Response:
        """Send one request and return its answer.

        Raises:
            Http2Error: the connection was closed, or the server reset the request.

        """
        while self.usable and not self._has_room_for(len(body)):
            self._changed.clear()
            await self._changed.wait()
        if not self.usable:
            raise Http2Error("the connection is closed")
        stream = self._h2.get_next_available_stream_id()
        exchange = _Exchange(asyncio.get_running_loop().create_future())
        self._exchanges[stream] = exchange
        self._h2.send_headers(stream, headers)
        self._h2.send_data(stream, body, end_stream=True)
        self._flush()
        try:
            return await exchange.answered
        finally:
            self._forget(stream)

    def close(self) -> None:
        """Close the connection; requests in flight fail."""
        if self._transport is not None:
            self._transport.close()
            self._lose("the connection was closed")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, without saying so
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Act on what the server sent."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self._flush()
            self._lose(f"the server does not speak HTTP/2: {error}")
            return
        for event in events:
            self._act(event)
        self._flush()
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is in flight."""
        self._lose(f"the connection was lost: {exc}" if exc else "the server closed the connection")

    def _act(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self._leave(event.last_stream_id)
            return
        stream = getattr(event, "stream_id", None)
        exchange = self._exchanges.get(stream) if stream is not None else None
        if isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if exchange is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            exchange.headers = {_text(name): _text(value) for name, value in event.headers}
        elif isinstance(event, h2.events.DataReceived):
            exchange.body += event.data
            if len(exchange.body) > _LONGEST_ANSWER_BYTES:
                self._fail(exchange, f"an answer of more than {_LONGEST_ANSWER_BYTES} bytes")
        elif isinstance(event, h2.events.StreamEnded):
            self._answer(exchange)
        elif isinstance(event, h2.events.StreamReset):
            self._fail(exchange, f"the server reset the request ({event.error_code})")

    def _answer(self, exchange: _Exchange) -> None:
        if not exchange.answered.done():
            status = int(exchange.headers.get(":status", "0"))
            exchange.answered.set_result(Response(status, exchange.headers, bytes(exchange.body)))

    def _leave(self, last_stream: int | None) -> None:
        """The server says goodbye: it answers up to that request and no further."""
        self._going = True
        for stream, exchange in self._exchanges.items():
            if last_stream is None or stream > last_stream:
                self._fail(exchange, "the server is going away")
        self._changed.set()

    def _lose(self, why: str) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        for exchange in self._exchanges.values():
            self._fail(exchange, why)
        self._changed.set()

    def _fail(self, exchange: _Exchange, why: str) -> None:
        if not exchange.answered.done():
            exchange.answered.set_exception(Http2Error(why))

    def _forget(self, stream: int) -> None:
        exchange = self._exchanges.pop(stream)
        self._changed.set()
        if self._transport is not None and (exchange.answered.cancelled() or exchange.answered.exception()):
            # Nobody waits any longer: the server need not go on.
            try:
                self._h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            except h2.exceptions.ProtocolError:
                return  # it is closed already, by the server
            self._flush()
        if self._going and not self._exchanges:
            self.close()

    def _has_room_for(self, size: int) -> bool:
        most = min(self._h2.remote_settings.max_concurrent_streams, _MOST_STREAMS)
        return self._h2.open_outbound_streams < most and self._h2.outbound_flow_control_window >= size

    def _flush(self) -> None:
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
