"""The listening side of a socket until it is a WebSocket: reads the request, lets it in or answers with plain HTTP.

A refusal is answered late, as by the real server, which the WebSocket library has no means for. What is let in is
handed over to that library whole, request and all. Knows HTTP's first lines, nothing of who may connect.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from picows import WSListener

MAX_REQUEST_BYTES: Final = 64 * 1024
HANDSHAKE_TIMEOUT_S: Final = 30.0
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's first part."""

    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case; of several of one name the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A plain HTTP answer, after which the connection is closed."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str | None = None
    delay_s: float = 0.0

    def to_bytes(self) -> bytes:
        """Return the response as it is sent."""
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", f"content-length: {len(self.body)}"]
        if self.content_type is not None:
            lines.append(f"content-type: {self.content_type}")
        return "\r\n".join([*lines, "connection: close", "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True)
class Late:
    """A connection that is let in after so many seconds."""

    listener: WSListener
    delay_s: float


Decide = Callable[[Request], WSListener | Late | Answer]
MakeProtocol = Callable[[WSListener], asyncio.BufferedProtocol]


class Door(asyncio.Protocol):
    """One connection before its upgrade."""

    def __init__(self, decide: Decide, make_protocol: MakeProtocol) -> None:
        self._decide = decide
        self._make_protocol = make_protocol
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_decided = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._timer = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a part of the request; half a handshake waits for the rest."""
        if self._is_decided:
            return
        self._received += data
        if _END in self._received:
            self._is_decided = True
            self._open()
        elif len(self._received) > MAX_REQUEST_BYTES:
            self._is_decided = True
            self._answer(Answer(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """End."""
        self._transport = None
        self._cancel_timer()

    def _open(self) -> None:
        request = read_request(bytes(self._received))
        verdict = Answer(status=HTTPStatus.BAD_REQUEST) if request is None else self._decide(request)
        self._cancel_timer()
        if isinstance(verdict, WSListener):
            self._let_in(verdict)
        elif isinstance(verdict, Late):
            self._timer = asyncio.get_running_loop().call_later(verdict.delay_s, self._let_in, verdict.listener)
        elif verdict.delay_s > 0:
            self._timer = asyncio.get_running_loop().call_later(verdict.delay_s, self._answer, verdict)
        else:
            self._answer(verdict)

    def _answer(self, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(answer.to_bytes())
            self._transport.close()

    def _let_in(self, listener: WSListener) -> None:
        if self._transport is not None:
            self._hand_over(self._make_protocol(listener))

    def _hand_over(self, protocol: asyncio.BufferedProtocol) -> None:
        """Let another protocol take the connection, with all that has been read."""
        transport, self._transport = self._transport, None
        assert transport is not None
        transport.pause_reading()  # the transport chooses how to read when it begins to
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        rest = memoryview(bytes(self._received))
        while rest and not transport.is_closing():
            room = memoryview(protocol.get_buffer(len(rest)))
            size = min(len(room), len(rest))
            room[:size] = rest[:size]
            protocol.buffer_updated(size)
            rest = rest[size:]
        if not transport.is_closing():
            transport.resume_reading()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def read_request(received: bytes) -> Request | None:
    """Return a GET request's parts; None if it is something else."""
    head = received.split(_END, 1)[0].decode("latin-1")
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[0] != "GET" or words[2] != "HTTP/1.1":
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return None
        headers[name.lower()] = value.strip()
    path, _, query = words[1].partition("?")
    return Request(path=path, query=query, headers=headers)
