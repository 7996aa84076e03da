"""What the process does between requests: old events go, exports become ready, held events are stored."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from loadtests.pipeline.settings import ApiHello, ApiOptions
from loadtests.processes.spawn import Child

WAIT_S = 20
EVENT = "insert into realtime_events (organization_id, event_type, entity_type, created_at) values (%s, 'x', 'job', {})"


@dataclass(frozen=True)
class Running:
    """A process of the API, and its address."""

    child: Child
    url: str


Start = Callable[[ApiOptions], Running]


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the API's process; it is stopped at the end, and has then logged nothing."""
    children: list[Child] = []

    def start(options: ApiOptions) -> Running:
        secret = "a secret of the tests, which is long enough"
        hello = ApiHello(database_url=database, jwt_secret=secret, options=options)
        child = Child.start("loadtests.pipeline.api", name="api", log=tmp_path / "api.log", hello=hello.to_json())
        children.append(child)
        return Running(child, f"http://127.0.0.1:{child.wait_for('ready', WAIT_S)['port']}")

    yield start
    for child in children:
        assert child.stop() == 0
        assert child.log.read_text() == ""


def wait_for(sql: psycopg.Connection, question: str) -> None:
    """Wait until the answer is true."""
    deadline = time.monotonic() + WAIT_S
    while sql.execute(question.encode()).fetchone() != (True,):
        assert time.monotonic() < deadline, question


def test_old_events_go_while_new_ones_come(start: Start, sql: psycopg.Connection, organization: str) -> None:
    """Those beyond the age are removed again and again, the others stay; health says how many."""
    url = start(ApiOptions(retention_hours=1, retention_every_s=0.05)).url
    for _ in range(3):
        sql.execute(EVENT.format("now() - interval '61 minutes'").encode(), (organization,))
        sql.execute(EVENT.format("now() - interval '59 minutes'").encode(), (organization,))
        wait_for(sql, "select count(*) = 0 from realtime_events where created_at < now() - interval '1 hour'")
    deadline = time.monotonic() + WAIT_S
    while (removed := httpx.get(f"{url}/health").json()["removed"]) < 3:
        assert time.monotonic() < deadline, removed

    assert sql.execute("select count(*) from realtime_events").fetchone() == (3,)
    assert removed == 3


@pytest.mark.parametrize("as_built", [False, True])
def test_exports_become_ready_by_themselves(
    as_built: bool,  # noqa: FBT001 - pytest passes parameters by name
    start: Start,
    sql: psycopg.Connection,
    organization: str,
    join: Callable[..., str],
) -> None:
    """As designed a request wakes the worker, though it looks only once an hour by itself; as built it must look."""
    token = join()
    url = start(ApiOptions(as_built=as_built, export_poll_s=0.1 if as_built else 3600)).url
    job = sql.execute(
        "insert into jobs (organization_id, client_name, client_type, job_type, location) "
        "values (%s, 'C', 'mixed', 'other', 'L') returning id::text",
        (organization,),
    ).fetchone()
    response = httpx.post(f"{url}/api/jobs/{job[0]}/export/pdf", headers={"Authorization": f"Bearer {token}"})
    wait_for(sql, "select state = 'ready' from exports")
    wait_for(sql, "select count(*) = 1 from audit_logs where event_name = 'export.ready'")
    if not as_built:
        wait_for(sql, "select count(*) = 1 from realtime_events where event_type = 'export.ready'")

    assert response.status_code == 202


def test_held_events_are_stored_at_the_end(
    start: Start, sql: psycopg.Connection, organization: str, join: Callable[..., str]
) -> None:
    """A process that ends within the minute announces the last change first; what was merged is not there."""
    job = str(uuid.uuid4())
    sql.execute(
        "insert into jobs (id, organization_id, client_name, client_type, job_type, location) "
        "values (%s, %s, 'C', 'mixed', 'other', 'L')",
        (job, organization),
    )
    api = start(ApiOptions(event_limit="coalesce"))
    with httpx.Client(headers={"Authorization": f"Bearer {join()}"}) as client:
        for number in range(110):
            client.patch(f"{api.url}/api/jobs/{job}", json={}, headers={"X-Request-ID": f"r-{number}"})
        merged = client.get(f"{api.url}/health").json()["merged"]
    code = api.child.stop()
    last = sql.execute(
        "select payload ->> 'request_id', (select count(*) from realtime_events) from realtime_events "
        "order by created_at desc limit 1"
    ).fetchone()

    assert code == 0
    assert last == ("r-109", 110 - merged)
    assert merged >= 6
