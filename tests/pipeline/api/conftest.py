"""The jobs API on a fresh database, in the test's own process, and people to use it."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
import uvloop

from loadtests.pipeline.api.app import build_app
from loadtests.pipeline.api.auth import TokenCheck
from loadtests.pipeline.api.database import open_pool
from loadtests.pipeline.api.emission import Emission, EmissionRules
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.settings import ApiOptions
from loadtests.wire.tokens import mint

SECRET = "a secret of the tests, which is long enough"


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    """Return the database owner's connection."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def organization(sql: psycopg.Connection) -> str:
    """Return the id of an organization."""
    row = sql.execute("insert into organizations (name) values ('Tests') returning id::text").fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def join(sql: psycopg.Connection, organization: str) -> Callable[..., str]:
    """Return a function that adds a person, a member of these organizations, and returns their token."""

    def add(role: str = "owner", *, member_of: list[str] | None = None, home: str | None = None) -> str:
        person = str(uuid.uuid4())
        sql.execute("insert into auth.users (id, email) values (%s, %s)", (person, f"{person}@example.test"))
        sql.execute(
            "insert into users (id, email, full_name, organization_id) values (%s, %s, 'A Person', %s)",
            (person, f"{person}@example.test", home),
        )
        for joined in [organization] if member_of is None else member_of:
            sql.execute(
                "insert into organization_members (user_id, organization_id, role) values (%s, %s, %s)",
                (person, joined, role),
            )
        return mint(SECRET, role="authenticated", subject=person, expires_at_s=int(time.time_ns() / 1e9) + 3600)

    return add


@pytest.fixture
def options() -> ApiOptions:
    """Return the options of the API; a test that wants others overrides this."""
    return ApiOptions(pool_size=3)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Return the event loop in which the API lives."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.fixture
def api(database: str, options: ApiOptions, runner: asyncio.Runner) -> Iterator[Api]:
    """Return the API's shared state."""
    pool = runner.run(open_pool(database, size=options.pool_size))
    yield Api(
        pool=pool,
        tokens=TokenCheck(SECRET),
        emission=Emission(monotonic_ns=time.monotonic_ns, wall_ns=time.time_ns, rules=EmissionRules.of(options)),
        options=options,
        wall_ns=time.time_ns,
    )
    runner.run(pool.close())


@pytest.fixture
def ask(api: Api, runner: asyncio.Runner) -> Iterator[Callable[..., httpx.Response]]:
    """Return a function that sends one request with somebody's token and returns the response."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(build_app(api)), base_url="http://jobs")

    def send(
        method: str, path: str, token: str | None = None, *, headers: dict[str, str] | None = None, **more: object
    ) -> httpx.Response:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        return runner.run(client.request(method, path, headers={**bearer, **(headers or {})}, **more))

    yield send
    runner.run(client.aclose())


@pytest.fixture
def new_job(ask: Callable[..., httpx.Response]) -> Callable[..., dict[str, object]]:
    """Return a function that creates a job and returns it."""

    def create(token: str, **fields: object) -> dict[str, object]:
        body = {
            "client_name": "Client",
            "client_type": "commercial",
            "job_type": "repair",
            "location": "Here",
            **fields,
        }
        response = ask("POST", "/api/jobs", token, json=body)
        assert response.status_code == 201, response.text
        return response.json()["data"]

    return create
