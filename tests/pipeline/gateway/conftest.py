"""The gateway on a fresh database, in the test's own process, and a clock that a test may turn."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest
import uvloop

from loadtests.pipeline.api.database import open_pool
from loadtests.pipeline.gateway.app import Gateway, build_app
from loadtests.pipeline.settings import GatewayHello, GatewayOptions
from loadtests.wire.tokens import mint

SECRET = "a secret of the tests, which is long enough"
FAR_S = 4_000_000_000
ANON_KEY = mint(SECRET, role="anon", expires_at_s=FAR_S)
SERVICE_KEY = mint(SECRET, role="service_role", expires_at_s=FAR_S)

Ask = Callable[..., httpx.Response]


@dataclass(slots=True)
class Clock:
    """Unix time as the gateway sees it."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return time.time_ns() / 1e9 + self.ahead_s


@pytest.fixture
def clock() -> Clock:
    """Return the gateway's clock."""
    return Clock()


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    """Return the database owner's connection."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def ask(database: str, clock: Clock) -> Iterator[Ask]:
    """Return a function that sends one request, with the anonymous key and as somebody, and returns the response."""
    hello = GatewayHello(
        database_url=database,
        jwt_secret=SECRET,
        anon_key=ANON_KEY,
        service_key=SERVICE_KEY,
        realtime_port=1,
        options=GatewayOptions(pool_size=2, max_rows=20),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pool = runner.run(open_pool(database, size=2))
        app = build_app(Gateway(pool=pool, hello=hello, url="http://gateway", wall_s=clock))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")

        def send(
            method: str, path: str, token: str | None = None, *, headers: dict[str, str] | None = None, **more: object
        ) -> httpx.Response:
            bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
            given = {"apikey": ANON_KEY, **bearer, **(headers or {})}
            return runner.run(client.request(method, path, headers=given, **more))

        yield send
        runner.run(client.aclose())
        runner.run(pool.close())
