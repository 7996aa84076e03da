"""Bytes go through to Realtime unread, both ways; everything else stays with the HTTP server."""

import asyncio

import pytest
import uvloop

from loadtests.pipeline.gateway.splice import Front, Splices, is_for_realtime

UPGRADE = b"GET /realtime/v1/websocket?vsn=1.0.0 HTTP/1.1\r\nhost: x\r\n\r\n"


class Http(asyncio.Protocol):
    """Stands where the HTTP server stands, and says what it was given."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Send it back, marked."""
        self.transport.write(b"http:" + data)


class Echo(asyncio.Protocol):
    """Stands where Realtime stands."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Send it back; `bye` ends the connection."""
        self.transport.write(data)
        if data.endswith(b"bye"):
            self.transport.close()


async def listening(make: object) -> tuple[asyncio.Server, int]:
    """Return a server on loopback and its port."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def talk(port: int, parts: list[bytes], answer: bytes) -> bytes:
    """Send parts one after the other, return as many bytes as `answer` has, and what comes after is the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    heard = await reader.readexactly(len(answer))
    writer.close()
    return heard


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([UPGRADE], UPGRADE),
        ([UPGRADE[:3], UPGRADE[3:20], UPGRADE[20:], b"\x81\x00frame"], UPGRADE + b"\x81\x00frame"),
        ([UPGRADE, bytes(range(256)) * 4096], UPGRADE + bytes(range(256)) * 4096),
        ([b"GET /rest/v1/jobs HTTP/1.1\r\n\r\n"], b"http:GET /rest/v1/jobs HTTP/1.1\r\n\r\n"),
        ([b"GET /rest", b"/v1/realtime/v1/ HTTP/1.1\r\n"], b"http:GET /rest/v1/realtime/v1/ HTTP/1.1\r\n"),
    ],
    ids=["whole", "in pieces", "a megabyte", "HTTP", "HTTP in pieces"],
)
@pytest.mark.e2e
def test_the_first_line_decides_and_nothing_is_lost(parts: list[bytes], answer: bytes) -> None:
    """What was read before the decision is handed over with the connection."""

    async def scene() -> bytes:
        realtime, realtime_port = await listening(Echo)
        splices = Splices(realtime_port)
        front, port = await listening(lambda: Front(splices, Http))
        async with realtime, front:
            return await asyncio.wait_for(talk(port, parts, answer), 10)

    assert uvloop.run(scene()) == answer


@pytest.mark.e2e
def test_the_end_of_either_side_is_the_end_of_both() -> None:
    """Realtime closes after its last words, which still arrive; then nothing is left open."""

    async def scene() -> tuple[bytes, int]:
        realtime, realtime_port = await listening(Echo)
        splices = Splices(realtime_port)
        front, port = await listening(lambda: Front(splices, Http))
        async with realtime, front:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UPGRADE + b"bye")
            heard = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return heard, len(splices)

    assert uvloop.run(scene()) == (UPGRADE + b"bye", 0)


@pytest.mark.e2e
def test_closing_hangs_up_on_everybody() -> None:
    """So that the process can end."""

    async def scene() -> bytes:
        realtime, realtime_port = await listening(Echo)
        splices = Splices(realtime_port)
        front, port = await listening(lambda: Front(splices, Http))
        async with realtime, front:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UPGRADE)
            await reader.readexactly(len(UPGRADE))
            splices.close()
            try:
                return await asyncio.wait_for(reader.read(), 10)
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    assert uvloop.run(scene()) == b""


@pytest.mark.e2e
def test_without_realtime_the_answer_is_503() -> None:
    """While it restarts."""

    async def scene() -> bytes:
        gone, realtime_port = await listening(Echo)
        gone.close()
        await gone.wait_closed()
        front, port = await listening(lambda: Front(Splices(realtime_port), Http))
        async with front:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(UPGRADE)
            heard = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return heard

    head, body = uvloop.run(scene()).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"content-length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    ("received", "wanted"),
    [
        (UPGRADE, True),
        (b"GET /realtime/v1 HTTP/1.1\r\n", False),
        (b"GET /auth/v1/realtime/v1/ HTTP/1.1\r\n", False),
        (b"nonsense\r\n", False),
        (b"\n", False),
    ],
)
def test_only_the_path_counts(received: bytes, wanted: bool) -> None:  # noqa: FBT001
    """At its beginning."""
    assert is_for_realtime(received) is wanted
