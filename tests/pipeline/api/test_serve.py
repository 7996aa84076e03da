"""The process says its port, answers, ends by itself, and says clearly why when it cannot begin."""

import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from loadtests.pipeline.settings import ApiHello
from loadtests.processes.spawn import Child, ChildError
from loadtests.wire.tokens import mint

SECRET = "a secret of the tests, which is long enough"
BODY = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}


def start(database_url: str, log: Path, *, port: int = 0) -> Child:
    """Start the process."""
    hello = ApiHello(database_url=database_url, jwt_secret=SECRET, port=port).to_json()
    return Child.start("loadtests.pipeline.api", name="jobs API", log=log, hello=hello)


@pytest.fixture
def child(database: str, tmp_path: Path) -> Iterator[Child]:
    """Return a starting process, which is gone after the test."""
    child = start(database, tmp_path / "api.log")
    yield child
    child.stop()


@pytest.mark.e2e
def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    """With the port and what to do; the database is not even asked."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        child = start("postgresql://nobody@127.0.0.1:1/none", tmp_path / "api.log", port=port)
        with pytest.raises(ChildError, match=f"port {port} cannot be used .*choose another one"):
            child.wait_for("ready", 20)
        code = child.stop()

    assert code == 1


@pytest.mark.e2e
def test_an_unreachable_database_is_said_in_words(tmp_path: Path) -> None:
    """Nobody listens at port 1."""
    child = start("postgresql://nobody@127.0.0.1:1/none", tmp_path / "api.log")
    with pytest.raises(ChildError, match="the database cannot be reached"):
        child.wait_for("ready", 20)

    assert child.stop() == 1


def test_it_serves_at_the_port_it_says_and_ends_with_its_parent(child: Child) -> None:
    """Exit code 0 and an empty log."""
    port = child.wait_for("ready", 20)["port"]
    health = httpx.get(f"http://127.0.0.1:{port}/health").json()
    code = child.stop()

    assert health["status"] == "ok"
    assert (code, child.log.read_text()) == (0, "")


def test_a_terminated_process_ends_well(child: Child) -> None:
    """SIGTERM is an ordinary way to end."""
    child.wait_for("ready", 20)
    os.kill(child.pid, signal.SIGTERM)

    assert child.stop() == 0


def test_a_request_in_flight_is_answered_before_the_end(child: Child, database: str) -> None:
    """A create that waits for the events' table when the parent hangs up still gets its 201."""
    port = child.wait_for("ready", 20)["port"]
    with psycopg.connect(database, autocommit=True) as sql, psycopg.connect(database) as blocker:
        token = _join(sql)
        blocker.execute("lock table realtime_events in access exclusive mode")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(_create_request(token))
            _wait_until(
                sql, "select count(*) from pg_locks where not granted and relation = 'realtime_events'::regclass"
            )
            child.hang_up()
            _wait_refused(port)
            blocker.rollback()
            client.settimeout(10)
            answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert child.stop() == 0


def _join(sql: psycopg.Connection) -> str:
    person = str(uuid.uuid4())
    sql.execute("insert into auth.users (id) values (%s)", (person,))
    sql.execute("insert into users (id) values (%s)", (person,))
    sql.execute(
        "with o as (insert into organizations (name) values ('T') returning id) "
        "insert into organization_members (user_id, organization_id, role) select %s, id, 'owner' from o",
        (person,),
    )
    return mint(SECRET, role="authenticated", subject=person, expires_at_s=int(time.time_ns() / 1e9) + 60)


def _create_request(token: str) -> bytes:
    request = httpx.Request("POST", "http://jobs/api/jobs", json=BODY, headers={"Authorization": f"Bearer {token}"})
    lines = [b"POST /api/jobs HTTP/1.1", *(name + b": " + value for name, value in request.headers.raw)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.content


def _wait_until(sql: psycopg.Connection, count: str) -> None:
    deadline = time.monotonic() + 10
    while sql.execute(count).fetchone() == (0,):
        assert time.monotonic() < deadline, count


def _wait_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline, "the port is still open"
