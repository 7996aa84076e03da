"""The first bytes of a connection decide: a WebSocket goes to Realtime byte by byte, all else to the HTTP server.

Reads the first line of the first request and nothing more; knows nothing of WebSocket frames.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from loadtests.pipeline.settings import LOOPBACK

_MOST_FIRST_LINE_BYTES: Final = 64 * 1024
_FIRST_LINE_TIMEOUT_S: Final = 30.0
_REALTIME: Final = b"/realtime/v1/"
_UNREACHABLE: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 49\r\n"
    b'connection: close\r\n\r\n{"message":"name resolution failed: no Realtime"}'
)


class Front(asyncio.Protocol):
    """One connection before it is known what it wants."""

    def __init__(self, splices: "Splices", make_http: Callable[[], asyncio.Protocol]) -> None:
        self._splices = splices
        self._make_http = make_http
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first line."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._timer = asyncio.get_running_loop().call_later(_FIRST_LINE_TIMEOUT_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a part of the first line, and hand the connection over once it is whole."""
        self._received += data
        if b"\n" in self._received or len(self._received) > _MOST_FIRST_LINE_BYTES:
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """End before anything was asked."""
        self._cancel_timer()

    def _hand_over(self) -> None:
        self._cancel_timer()
        transport, received = self._transport, bytes(self._received)
        assert transport is not None, "connected"
        protocol = self._splices.begin() if is_for_realtime(received) else self._make_http()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(received)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def is_for_realtime(received: bytes) -> bool:
    """Tell whether a request's first bytes ask for a path of Realtime's."""
    words = received.split(b"\n", 1)[0].split(b" ", 2)
    return len(words) == 3 and words[1].startswith(_REALTIME)


class Splices:
    """The connections that are passed through to Realtime, so that all of them can be ended."""

    def __init__(self, realtime_port: int) -> None:
        self._port = realtime_port
        self._open: set[Near] = set()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self) -> "Near":
        """Return the client's end of a new one."""
        near = Near(self._port, on_end=self._open.discard)
        self._open.add(near)
        return near

    def close(self) -> None:
        """End all of them."""
        for near in list(self._open):
            near.abort()


class _End(asyncio.Protocol):
    """One end of a splice: what it receives is written to the other end, no faster than that one takes it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Close both; a WebSocket has no use for one half."""
        return False

    def pause_writing(self) -> None:
        """Our peer is slow: the other end reads no more."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Our peer has caught up."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Close the other end, after what is still to be written."""
        other, self.other, self.transport = self.other, None, None
        if other is not None and other.transport is not None:
            other.other = None
            other.transport.close()


class Near(_End):
    """The client's end: connects to Realtime, and keeps what comes before that."""

    def __init__(self, port: int, *, on_end: "Callable[[Near], None]") -> None:
        super().__init__()
        self._port = port
        self._on_end = on_end
        self._early = bytearray()
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to connect to Realtime."""
        super().connection_made(transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Pass on, or keep while there is nowhere to pass it to."""
        if self.other is None:
            self._early += data
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up connecting, if that is how far it came."""
        if self._connecting is not None:
            self._connecting.cancel()
        self._on_end(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()

    async def _connect(self) -> None:
        try:
            _, far = await asyncio.get_running_loop().create_connection(_End, LOOPBACK, self._port)
        except OSError:
            if self.transport is not None:
                self.transport.write(_UNREACHABLE)
                self.transport.close()
            return
        if self.transport is None:  # gone in the meantime
            assert far.transport is not None
            far.transport.close()
            return
        far.other, self.other = self, far
        if self._early:
            super().data_received(bytes(self._early))
            self._early.clear()
