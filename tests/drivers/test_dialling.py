"""WebSockets on their way: given up, they are closed at once, whatever the server does."""

import asyncio
from typing import cast

import uvloop
from picows import WSListener

from loadtests.drivers.dialling import Dialler
from loadtests.drivers.subscribers import Subscriber
from loadtests.wire.endpoint import Endpoint

DEADLINE_S = 10.0
FOREVER_S = 3600.0


class Hearer(WSListener):
    """Stands for a subscriber: keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.has_failed = asyncio.Event()
        self.was_refused = asyncio.Event()

    def refused(self, status: int, reason: str) -> None:
        """Hear of a refusal."""
        self.heard.append(f"refused {status} {reason}")
        self.was_refused.set()

    def failed_to_connect(self) -> None:
        """Hear of a failure."""
        self.heard.append("failed")
        self.has_failed.set()


class MuteServer:
    """Accepts connections, reads the request for a WebSocket, and never answers it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the other side is gone."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await reader.read()
        self.left.set()
        writer.close()


def dialler(port: int, *, handshake_timeout_s: float, respects_retry_after: bool = False) -> Dialler:
    """Return one for a server on loopback."""
    url = f"ws://127.0.0.1:{port}/socket"
    endpoint = Endpoint(api_url="", realtime_url=url, anon_key="a", service_key="", jwt_secret="", database_url="")
    return Dialler(endpoint, handshake_timeout_s=handshake_timeout_s, respects_retry_after=respects_retry_after)


def test_a_handshake_that_is_given_up_is_closed_at_once_and_nobody_hears_of_it() -> None:
    """As the kernel does when an app is killed. The server would have kept it for ever."""

    async def story() -> None:
        mute, hearer = MuteServer(), Hearer()
        server = await asyncio.start_server(mute.converse, "127.0.0.1", 0)
        dialled = dialler(server.sockets[0].getsockname()[1], handshake_timeout_s=FOREVER_S)
        async with asyncio.timeout(DEADLINE_S):
            attempt = dialled.dial(cast("Subscriber", hearer))
            await mute.asked.wait()
            attempt.give_up()
            await mute.left.wait()
            assert attempt.task is not None
            await attempt.task
        server.close()

        assert hearer.heard == []

    uvloop.run(story())


def test_a_handshake_that_is_not_answered_in_time_has_failed() -> None:
    """And its connection is closed."""

    async def story() -> None:
        mute, hearer = MuteServer(), Hearer()
        server = await asyncio.start_server(mute.converse, "127.0.0.1", 0)
        dialled = dialler(server.sockets[0].getsockname()[1], handshake_timeout_s=0.05)
        async with asyncio.timeout(DEADLINE_S):
            dialled.dial(cast("Subscriber", hearer))
            await hearer.has_failed.wait()
            await mute.left.wait()
        server.close()

        assert hearer.heard == ["failed"]

    uvloop.run(story())


def test_a_server_that_is_not_there_is_a_failure() -> None:
    """Nothing listens on the port."""

    async def story() -> None:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        hearer = Hearer()
        async with asyncio.timeout(DEADLINE_S):
            dialler(port, handshake_timeout_s=FOREVER_S).dial(cast("Subscriber", hearer))
            await hearer.has_failed.wait()

        assert hearer.heard == ["failed"]

    uvloop.run(story())


def test_a_handshake_that_is_told_to_wait_fails_when_that_is_over() -> None:
    """The reason is heard at once, the failure, after which the device plans its next attempt, a second later."""

    async def story() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            body = b'{"error": "Too many connected users"}'
            head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        waited_s = []
        for respects in (True, False):
            hearer, began_s = Hearer(), loop.time()
            dialled = dialler(port, handshake_timeout_s=FOREVER_S, respects_retry_after=respects)
            async with asyncio.timeout(DEADLINE_S):
                dialled.dial(cast("Subscriber", hearer))
                await hearer.has_failed.wait()
            waited_s.append(loop.time() - began_s)

            assert hearer.heard == ["refused 429 Too many connected users", "failed"]

        impatient = Hearer()
        dialled = dialler(port, handshake_timeout_s=FOREVER_S, respects_retry_after=True)
        attempt = dialled.dial(cast("Subscriber", impatient))
        await impatient.was_refused.wait()
        attempt.give_up()
        assert attempt.task is not None
        await attempt.task
        server.close()

        assert waited_s[0] >= 1
        assert impatient.heard == ["refused 429 Too many connected users"]

    uvloop.run(story())
