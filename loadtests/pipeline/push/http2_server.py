"""One HTTP/2 connection in clear text at the sink's end: each complete request is answered, perhaps later.

Knows requests and answers, not what they are about.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from loadtests.pipeline.push.sink_book import SinkAnswer

_MOST_STREAMS: Final = 500
_LONGEST_BODY_BYTES: Final = 64 * 1024

Handler = Callable[[Mapping[str, str], bytes], Awaitable[SinkAnswer]]


@dataclass(slots=True)
class _Received:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class Http2Server(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, handle: Handler, everybody: "set[Http2Server]") -> None:
        self._handle = handle
        self._everybody = everybody
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._transport: asyncio.Transport | None = None
        self._received: dict[int, _Received] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}

    def go_away(self) -> None:
        """Say goodbye and close; requests that were not answered are lost."""
        if self._transport is not None:
            self._h2.close_connection()
            self._flush()
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, without saying so
        self._everybody.add(self)
        self._h2.local_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = _MOST_STREAMS
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Act on what the client sent."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            if self._transport is not None:
                self._transport.close()
            return
        for event in events:
            self._act(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer nothing more."""
        del exc
        self._transport = None
        self._everybody.discard(self)
        for task in self._answering.values():
            task.cancel()

    def _act(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._received[event.stream_id] = _Received({_text(name): _text(value) for name, value in event.headers})
        elif isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            # What is longer than any payload allowed is refused by its length alone.
            if event.stream_id in self._received and len(self._received[event.stream_id].body) < _LONGEST_BODY_BYTES:
                self._received[event.stream_id].body += event.data
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self._received:
            answering = self._answer(event.stream_id, self._received.pop(event.stream_id))
            self._answering[event.stream_id] = asyncio.ensure_future(answering)
        elif isinstance(event, h2.events.StreamReset):
            self._received.pop(event.stream_id, None)
            if (task := self._answering.pop(event.stream_id, None)) is not None:
                task.cancel()
        elif isinstance(event, h2.events.ConnectionTerminated) and self._transport is not None:
            self._transport.close()

    async def _answer(self, stream: int, received: _Received) -> None:
        answer = await self._handle(received.headers, bytes(received.body))
        self._answering.pop(stream, None)
        headers = [(":status", str(answer.status)), *answer.headers]
        if answer.body:
            headers.append(("content-type", "application/json"))
        self._h2.send_headers(stream, headers, end_stream=not answer.body)
        if answer.body:
            self._h2.send_data(stream, answer.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
