"""One job on its way through a whole pipeline, and through one in which something is wrong."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from uuid import uuid4

import psycopg
import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from loadtests.checks.readiness import Observed, diagnose
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.targets import readiness
from loadtests.targets.provision import provision
from loadtests.targets.readiness import Probe
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "Is it ready?",
        "organizations": {"count": 1, "jobs": 1},
        "subscribers": {"count": 1},
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)


@pytest.fixture
def people() -> Population:
    """Return an organization of the test's own."""
    return Population(SCENARIO, seed=1, run_id=str(uuid4()))


@pytest.fixture
def sql(stack: Endpoint) -> Iterator[psycopg.Connection]:
    """Return the database owner's connection."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def probe(stack: Endpoint, people: Population, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Return a probe of a member, who waits a second for what will not come."""
    monkeypatch.setattr(readiness, "SIGNAL_WITHIN_S", 1.0)
    provision(stack.database_url, people)

    def has_event(job: str) -> bool:
        return sql.execute("select 1 from realtime_events where entity_id = %s", (job,)).fetchone() is not None

    def token(user: str) -> str:
        expires_at_s = round(time.time()) + 600
        return mint(stack.jwt_secret, role="authenticated", subject=user, expires_at_s=expires_at_s)

    return Probe(
        endpoint=stack,
        organization_id=people.organization_id(0),
        author_token=token(people.author_id(0)),
        member_token=token(people.devices[0].user_id),
        has_event=has_event,
    )


def said(seen: Observed) -> str:
    """Return the sentence about what was seen."""
    return diagnose(seen) or "ready"


def test_a_job_comes_through(probe: Probe) -> None:
    """Created, received and listed."""
    seen = probe.observe()

    assert (seen.is_live, seen.is_signalled, seen.is_listed) == (True, True, True)
    assert said(seen) == "ready"


def test_a_wrong_public_key_is_told_in_the_servers_words(probe: Probe) -> None:
    """It refuses the WebSocket."""
    told = said(replace(probe, endpoint=replace(probe.endpoint, anon_key="nonsense")).observe())

    assert "opens no WebSocket: it answers 401" in told
    assert "The token provided is not a valid JWT" in told
    assert "check the URL and keys.anon" in told


def test_hosts_that_are_not_there(probe: Probe) -> None:
    """The backend, and Realtime."""
    no_api = replace(probe.endpoint, api_url="http://127.0.0.1:9")
    no_realtime = replace(probe.endpoint, realtime_url="ws://127.0.0.1:9/socket/websocket")

    assert "cannot be reached" in said(replace(probe, endpoint=no_api).observe())
    assert "opens no WebSocket" in said(replace(probe, endpoint=no_realtime).observe())


def test_a_bare_realtime_reads_its_tenant_in_the_one_host_header(probe: Probe) -> None:
    """A second header, of the address, would be a request that servers refuse."""
    hosts: list[list[str]] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        hosts.append(request.headers.get_all("Host"))
        return connection.respond(HTTPStatus.NOT_FOUND, "Tenant not found")

    with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:
        threading.Thread(target=server.serve_forever).start()
        port = server.socket.getsockname()[1]
        bare = replace(
            probe.endpoint, realtime_url=f"ws://127.0.0.1:{port}/socket/websocket", realtime_host="tenant.example.org"
        )
        told = said(replace(probe, endpoint=bare).observe())

    assert hosts == [["tenant.example.org"]]
    assert "it answers 404, Tenant not found" in told


def test_an_address_that_repeats_the_routes_own_path(probe: Probe) -> None:
    """404, and what the address must not hold."""
    twice = replace(probe.endpoint, api_url=f"{probe.endpoint.api_url}/api")

    assert "must not repeat the routes' own" in said(replace(probe, endpoint=twice).observe())


def test_a_user_whom_nobody_made(probe: Probe) -> None:
    """The token is good, and the backend does not know its user."""
    token = mint(
        probe.endpoint.jwt_secret, role="authenticated", subject=str(uuid4()), expires_at_s=round(time.time()) + 600
    )

    told = said(replace(probe, member_token=token).observe())

    assert "the backend has no such user (USER_NOT_PROVISIONED)" in told


def test_acknowledged_and_no_event(probe: Probe, people: Population, sql: psycopg.Connection) -> None:
    """The backend emits, and the row comes to nothing."""
    name = f"none_{people.run_id.replace('-', '')}"
    sql.execute(f"create function {name}() returns trigger language plpgsql as $$ begin return null; end $$".encode())
    sql.execute(
        f"create trigger {name} before insert on realtime_events for each row "
        f"when (new.organization_id = '{people.organization_id(0)}') execute function {name}()".encode()
    )
    try:
        told = said(probe.observe())
    finally:
        sql.execute(f"drop trigger {name} on realtime_events; drop function {name}()".encode())

    assert "holds no row for it: the backend does not emit" in told


def test_an_organization_without_members(probe: Probe, people: Population, sql: psycopg.Connection) -> None:
    """The backend knows the user, and no organization of theirs."""
    sql.execute("delete from organization_members where organization_id = %s", (people.organization_id(0),))

    told = said(probe.observe())

    assert "no member of the organization (NO_ORGANIZATION)" in told
    assert "a row in organization_members is missing" in told


def test_an_event_that_members_may_not_read(probe: Probe, people: Population, sql: psycopg.Connection) -> None:
    """A policy hides it from everybody; the subscription is taken all the same."""
    name = f"nobody_{people.run_id.replace('-', '')}"
    sql.execute(
        f"create policy {name} on realtime_events as restrictive for select to authenticated "
        f"using (organization_id <> '{people.organization_id(0)}')".encode()
    )
    try:
        told = said(probe.observe())
    finally:
        sql.execute(f"drop policy {name} on realtime_events".encode())

    assert "its event row is there" in told
    assert "does the row-level security of realtime_events let members read" in told
