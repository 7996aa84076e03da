"""The re-fetch client against real servers: starlette on uvicorn, and sockets that misbehave on purpose."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from loadtests.drivers.fetch import NOTHING_TOLD, FetchPool, Told
from loadtests.drivers.timers import TimerQueue

DEADLINE_S = 10.0
TIMEOUT_NS = 300_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Get:
    """One GET request that remembers what became of it."""

    def __init__(self, path: str, bearer: str = "token") -> None:
        self.path = path
        self.if_none_match: bytes | None = None
        self.told = NOTHING_TOLD
        self.bearer = bearer
        self.requested_ns: list[int] = []
        self.answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.answered_ns = 0
        self.waits_until_ns = 0
        self.is_wanted = True
        self.is_dropped = False

    def dropped(self, _at_ns: int) -> None:
        """Remember that it will not be requested."""
        self.is_dropped = True

    def requested(self, at_ns: int) -> None:
        """Remember when."""
        assert not self.answer.done()
        self.requested_ns.append(at_ns)

    def told_to_wait(self, until_ns: int) -> None:
        """Remember how long."""
        self.waits_until_ns = until_ns

    def answered(self, at_ns: int, status: int, body: bytes, told: Told = NOTHING_TOLD) -> None:
        """Remember what."""
        self.told = told
        self.answered_ns = at_ns
        self.answer.set_result((status, body))


@asynccontextmanager
async def opened_pool(url: str, *, connections_max: int = 8) -> AsyncIterator[FetchPool]:
    """Open a pool with a short timeout."""
    timers = TimerQueue(asyncio.get_running_loop())
    pool = FetchPool(url, connections_max=connections_max, timeout_ns=TIMEOUT_NS, timers=timers)
    yield pool
    pool.close()
    timers.stop()


async def fetch(pool: FetchPool, get: Get) -> tuple[int, bytes]:
    """Return status and body."""
    pool.start(get)
    return await asyncio.wait_for(get.answer, DEADLINE_S)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story on the event loop that the swarm uses."""

    async def tell() -> None:
        await story()

    uvloop.run(tell())


# ---- a real HTTP server


async def _tell(request: Request) -> Response:
    assert request.client is not None
    return JSONResponse({"port": request.client.port, "authorization": request.headers["authorization"]})


async def _tag(request: Request) -> Response:
    is_known = request.headers.get("if-none-match") == '"one"'
    headers = {"ETag": '"one"', "X-Database-Reads": "2"}
    return Response(b"" if is_known else b"body", status_code=304 if is_known else 200, headers=headers)


async def _fail(_request: Request) -> Response:
    return Response("broken", status_code=500)


async def _hang(_request: Request) -> Response:
    await asyncio.sleep(60)
    return Response()


async def _take_a_moment(_request: Request) -> Response:
    await asyncio.sleep(0.02)
    return Response("done")


async def _stream(_request: Request) -> Response:
    return StreamingResponse(iter([b"one ", b"two ", b"three"]))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of starlette on uvicorn, in a thread of its own."""
    routes = {
        "/tell": _tell,
        "/tagged": _tag,
        "/fail": _fail,
        "/hang": _hang,
        "/moment": _take_a_moment,
        "/stream": _stream,
    }
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in routes.items()])
    config = uvicorn.Config(app, port=0, log_level="error", loop="uvloop", http="httptools", lifespan="off")
    config.timeout_graceful_shutdown = 1
    uvicorn_server = uvicorn.Server(config)
    thread = threading.Thread(target=uvicorn_server.run)
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    while not uvicorn_server.started:
        assert time.monotonic() < deadline
        thread.join(0.01)
    port = uvicorn_server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    uvicorn_server.should_exit = True
    thread.join(DEADLINE_S)


def test_a_connection_is_kept_and_used_again(server: str) -> None:
    """Two fetches, one after the other, come from one port, each with its own token."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            first = await fetch(pool, Get("/tell", "one"))
            second = await fetch(pool, Get("/tell", "two"))

            assert first[0] == second[0] == 200
            assert b'"authorization":"Bearer one"' in first[1]
            assert b'"authorization":"Bearer two"' in second[1]
            assert first[1].partition(b",")[0] == second[1].partition(b",")[0]
            assert pool.open_connections == 1

    run(story)


def test_the_stamps_stand_in_order(server: str) -> None:
    """Requested at the write, answered at the end, on the monotonic clock."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            get = Get("/moment")
            before_ns = time.monotonic_ns()
            await fetch(pool, get)

            assert before_ns <= get.requested_ns[0] < get.answered_ns <= time.monotonic_ns()
            assert get.answered_ns - get.requested_ns[0] >= 20_000_000

    run(story)


def test_as_many_connections_as_are_needed_at_once(server: str) -> None:
    """Five fetches at the same moment have five connections."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            gets = [Get("/moment") for _ in range(5)]
            await asyncio.gather(*(fetch(pool, get) for get in gets))

            assert pool.open_connections == 5

    run(story)


def test_beyond_the_bound_a_fetch_waits_unrequested(server: str) -> None:
    """With two connections the third fetch is requested when the first or second is answered, not before."""

    async def story() -> None:
        async with opened_pool(server, connections_max=2) as pool:
            gets = [Get("/moment") for _ in range(5)]
            answers = await asyncio.gather(*(fetch(pool, get) for get in gets))

            assert {status for status, _ in answers} == {200}
            assert pool.open_connections == 2
            assert gets[2].requested_ns[0] >= min(gets[0].answered_ns, gets[1].answered_ns)
            assert [len(get.requested_ns) for get in gets] == [1] * 5

    run(story)


def test_what_nobody_wants_any_more_when_its_turn_has_come_is_dropped(server: str) -> None:
    """The second fetch waits for the one connection, its device leaves, and the third one takes its turn."""

    async def story() -> None:
        async with opened_pool(server, connections_max=1) as pool:
            first, second, third = (Get("/moment") for _ in range(3))
            for get in (first, second, third):
                pool.start(get)
            second.is_wanted = False
            assert (await asyncio.wait_for(third.answer, DEADLINE_S))[0] == 200

            assert first.answer.done()
            assert second.is_dropped
            assert second.requested_ns == []

    run(story)


def test_an_answer_that_is_there_already_is_named_and_need_not_come(server: str) -> None:
    """The tag goes out as it came; what the headers tell belongs to this answer and not to the next."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            first, second, third = Get("/tagged"), Get("/tagged"), Get("/tell")
            assert (await fetch(pool, first))[0] == 200
            second.if_none_match = first.told.etag
            assert await fetch(pool, second) == (304, b"")
            await fetch(pool, third)

        assert first.told == second.told == Told(etag=b'"one"', database_reads=2)
        assert third.told == NOTHING_TOLD

    run(story)


def test_a_refusal_is_an_answer(server: str) -> None:
    """Status and body of an error arrive, and the connection stays."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            assert await fetch(pool, Get("/fail")) == (500, b"broken")
            assert (await fetch(pool, Get("/tell")))[0] == 200
            assert pool.open_connections == 1

    run(story)


def test_a_body_in_pieces_is_put_together(server: str) -> None:
    """Chunked transfer coding."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            assert await fetch(pool, Get("/stream")) == (200, b"one two three")

    run(story)


def test_no_answer_within_the_timeout_is_no_answer(server: str) -> None:
    """The fetch ends with status 0, not before its time, and the next one has a fresh connection."""

    async def story() -> None:
        async with opened_pool(server) as pool:
            get = Get("/hang")

            assert await fetch(pool, get) == (0, b"")
            assert get.answered_ns - get.requested_ns[0] >= TIMEOUT_NS
            assert (await fetch(pool, Get("/tell")))[0] == 200

    run(story)


def test_closing_ends_what_is_under_way(server: str) -> None:
    """A fetch on a connection, one that waits for a connection and one that comes too late all end with 0."""

    async def story() -> None:
        async with opened_pool(server, connections_max=1) as pool:
            await fetch(pool, Get("/tell"))
            carried, waiting, late = Get("/hang"), Get("/tell"), Get("/tell")
            pool.start(carried)
            pool.start(waiting)
            pool.close()
            pool.start(late)

            assert [await get.answer for get in (carried, waiting, late)] == [(0, b"")] * 3
            assert [len(get.requested_ns) for get in (carried, waiting, late)] == [1, 1, 1]

    run(story)


# ---- sockets that misbehave


Answers = list[bytes | None]


@asynccontextmanager
async def scripted_server(*connections: Answers) -> AsyncIterator[str]:
    """Serve one script for each connection: an answer for each request, None: close instead."""
    scripts = iter(connections)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in next(scripts):
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def test_a_request_lost_with_an_idle_connection_is_made_again() -> None:
    """The server closes a kept connection when it is used again: repeated on a new one, requested once."""

    async def story() -> None:
        async with scripted_server([OK, None], [OK]) as url, opened_pool(url) as pool:
            assert await fetch(pool, Get("/one")) == (200, b"ok")
            again = Get("/two")
            assert await fetch(pool, again) == (200, b"ok")
            assert len(again.requested_ns) == 1

    run(story)


def test_a_request_lost_with_a_fresh_connection_is_not_made_again() -> None:
    """A server that closes without any answer has failed the request."""

    async def story() -> None:
        async with scripted_server([None], [OK]) as url, opened_pool(url) as pool:
            assert await fetch(pool, Get("/one")) == (0, b"")
            assert await fetch(pool, Get("/two")) == (200, b"ok")

    run(story)


def test_half_an_answer_is_no_answer() -> None:
    """The connection ends within the body, even on a connection that had worked before."""

    async def story() -> None:
        half = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf of it"
        async with scripted_server([OK, half, None]) as url, opened_pool(url) as pool:
            assert await fetch(pool, Get("/one")) == (200, b"ok")
            assert await fetch(pool, Get("/two")) == (0, b"")

    run(story)


def test_what_is_not_http_is_no_answer() -> None:
    """A server of another protocol."""

    async def story() -> None:
        async with scripted_server([b"220 mail.example.org ESMTP\r\n"]) as url, opened_pool(url) as pool:
            assert await fetch(pool, Get("/")) == (0, b"")

    run(story)


def test_a_server_may_ask_to_close() -> None:
    """After `Connection: close` the next fetch has a connection of its own."""

    async def story() -> None:
        closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
        async with scripted_server([closing], [OK]) as url, opened_pool(url) as pool:
            assert await fetch(pool, Get("/one")) == (200, b"ok")
            assert await fetch(pool, Get("/two")) == (200, b"ok")

    run(story)


def test_nobody_listens() -> None:
    """Each fetch fails by itself, requested before it is answered."""

    async def story() -> None:
        async with scripted_server() as url:
            pass
        async with opened_pool(url) as pool:
            gets = [Get("/one"), Get("/two")]

            assert await asyncio.gather(*(fetch(pool, get) for get in gets)) == [(0, b"")] * 2
            assert all(get.requested_ns[0] <= get.answered_ns for get in gets)

    run(story)
