"""An organization with people and devices, a real sink, and a real sender between the outbox and the sink."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loadtests.pipeline.settings import PushHello, PushOptions
from loadtests.processes.spawn import Child

WAIT_S = 20


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    """Return the database owner's connection."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def organization(sql: psycopg.Connection) -> str:
    """Return the id of an organization."""
    return sql.execute("insert into organizations (name) values ('Tests') returning id::text").fetchone()[0]


@pytest.fixture
def device(sql: psycopg.Connection, organization: str) -> Callable[[], tuple[str, str]]:
    """Return a function that adds a member with a device, and returns the person and the device's token."""

    def add() -> tuple[str, str]:
        person, token = str(uuid.uuid4()), uuid.uuid4().hex * 2
        sql.execute("insert into auth.users (id) values (%s)", (person,))
        sql.execute(
            "insert into organization_members (user_id, organization_id) values (%s, %s)", (person, organization)
        )
        sql.execute("insert into device_tokens (token, user_id, platform) values (%s, %s, 'ios')", (token, person))
        return person, token

    return add


@pytest.fixture
def notify(sql: psycopg.Connection, organization: str) -> Callable[..., str]:
    """Return a function that puts a notification into the outbox and returns its job's id."""

    def put(*, caused_by: str | None = None, kind: str = "job_flagged") -> str:
        job = str(uuid.uuid4())
        sql.execute(
            "insert into push_outbox (organization_id, kind, job_id, entity_id, caused_by) values (%s, %s, %s, %s, %s)",
            (organization, kind, job, job, caused_by),
        )
        return job

    return put


class SinkProcess:
    """A sink in a process of its own."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.port: int = child.wait_for("ready", WAIT_S)["port"]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def tell(self, do: str, **what: object) -> dict[str, Any]:
        """Give a command and return its answer."""
        self.child.send({"do": do, **what})
        answer = self.child.next_message(WAIT_S)
        assert answer is not None
        assert answer["is"] != "misunderstood", answer
        return answer


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SinkProcess]:
    """Return a running sink."""
    child = Child.start("loadtests.pipeline.push.sink", name="sink", log=tmp_path / "sink.log", hello={"port": 0})
    try:
        yield SinkProcess(child)
    finally:
        assert child.stop() == 0
    assert child.log.read_text() == ""


@pytest.fixture
def start_sender(database: str, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Return a function that starts a sender to a URL; those still running after the test are stopped."""
    children: list[Child] = []

    def start(url: str, **options: object) -> Child:
        quick = {"poll_ms": 20, "first_backoff_ms": 20, "longest_backoff_ms": 200, **options}
        hello = PushHello(
            database_url=database, signing_secret="s" * 40, options=PushOptions(endpoint_url=url, **quick)
        )
        child = Child.start("loadtests.pipeline.push", name="sender", log=tmp_path / "s.log", hello=hello.to_json())
        children.append(child)
        child.wait_for("ready", WAIT_S)
        return child

    yield start
    for child in children:
        child.stop()


@pytest.fixture
def settled(sql: psycopg.Connection) -> Callable[..., dict[str, int]]:
    """Return a function that waits until so many deliveries are finished, and returns how many by state."""

    def wait(count: int) -> dict[str, int]:
        deadline = time.monotonic() + WAIT_S
        while True:
            states = dict(sql.execute("select state, count(*) from push_deliveries group by 1").fetchall())
            if sum(number for state, number in states.items() if state != "pending") >= count:
                return states
            assert time.monotonic() < deadline, states

    return wait
