"""The HTTP/2 client against the real server end, without a database between."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from loadtests.pipeline.push.channel import Channel, ChannelError
from loadtests.pipeline.push.http2_server import Http2Server
from loadtests.pipeline.push.sink_book import SinkAnswer

pytestmark = pytest.mark.e2e

Handle = Callable[[Mapping[str, str], bytes], Awaitable[SinkAnswer]]


def converse(handle: Handle, talk: Callable[[Channel, int], Awaitable[Any]], *, timeout_s: float = 10) -> Any:
    """Serve with `handle` and return what the talk over one channel returns."""

    async def both() -> Any:
        loop = asyncio.get_running_loop()
        connections: set[Http2Server] = set()
        server = await loop.create_server(lambda: Http2Server(handle, connections), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        channel = Channel(f"http://127.0.0.1:{port}", timeout_s=timeout_s)
        try:
            return await talk(channel, port)
        finally:
            channel.close()
            server.close()
            for connection in list(connections):
                connection.go_away()

    return asyncio.run(both())


def headers(path: str = "/") -> list[tuple[str, str]]:
    """Return a request's headers."""
    return [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path)]


async def echo(received: Mapping[str, str], body: bytes) -> SinkAnswer:
    """Answer with the path and the length of the body."""
    return SinkAnswer(200, (("x-path", received[":path"]),), str(len(body)).encode())


def test_requests_beyond_streams_and_window_wait_for_room() -> None:
    """Two thousand at once, 4 KiB each: eight megabytes through a window of 64 KiB, 500 streams at a time."""

    async def talk(channel: Channel, _port: int) -> list[tuple[str, bytes]]:
        requests = (channel.request(headers(f"/{number}"), b"x" * 4096) for number in range(2000))
        return [(answer.headers["x-path"], answer.body) for answer in await asyncio.gather(*requests)]

    answers = converse(echo, talk, timeout_s=60)

    assert answers == [(f"/{number}", b"4096") for number in range(2000)]


def test_an_answer_that_does_not_come_is_an_error() -> None:
    """After the time-out; the next request is answered on another connection."""
    calls = []

    async def slow_at_first(received: Mapping[str, str], body: bytes) -> SinkAnswer:
        calls.append(received[":path"])
        if len(calls) == 1:
            await asyncio.Event().wait()
        return await echo(received, body)

    async def talk(channel: Channel, _port: int) -> int:
        with pytest.raises(ChannelError, match=r"no answer within 0\.1 s"):
            await channel.request(headers(), b"x")
        return (await channel.request(headers(), b"x")).status

    assert converse(slow_at_first, talk, timeout_s=0.1) == 200


def test_a_server_that_speaks_something_else_is_an_error() -> None:
    """An HTTP/1.1 server's answer is not taken for one."""

    async def talk() -> None:
        async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            channel = Channel(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=10)
            with pytest.raises(ChannelError):
                await channel.request(headers(), b"x")

    asyncio.run(talk())


def test_nobody_there_is_an_error() -> None:
    """The address is in it."""
    with pytest.raises(ChannelError):
        asyncio.run(Channel("http://127.0.0.1:1", timeout_s=5).request(headers(), b""))
