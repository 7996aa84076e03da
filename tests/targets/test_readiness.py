"""One job on its way through a whole pipeline, and through one in which something is wrong."""

import socket
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from loadtests.checks.readiness import Observed, diagnose
from loadtests.clients.requests import KeyKind
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.targets.budget import LEAST_S
from loadtests.targets.provision import provision
from loadtests.targets.readiness import AT_LAST_S, LOOK_WITHIN_S, STEPS, WITHIN_S, Probe
from loadtests.targets.routes_in_use import Use
from loadtests.targets.target_file import Api
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint
from tests.e2e.other_backend import TABLE, Manners, other_backend
from tests.targets.swallowing import SWALLOWING, silent

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "Is it ready?",
        "organizations": {"count": 1, "jobs": 1},
        "subscribers": {"count": 1},
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)

EVERYTHING = Use(
    reads=frozenset(KeyKind) - {KeyKind.JOB_LIST}, mutations=frozenset(MutationKind) - {MutationKind.CREATE}
)
WITHOUT_FLAG = {name: path for name, path in tomllib.loads(TABLE)["api"]["routes"].items() if name != "flag"}


@pytest.fixture
def people() -> Population:
    """Return an organization of the test's own."""
    return Population(SCENARIO, seed=1, run_id=str(uuid4()))


@pytest.fixture
def sql(stack: Endpoint) -> Iterator[psycopg.Connection]:
    """Return the database owner's connection."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


def probe_of(stack: Endpoint, people: Population) -> Probe:
    """Make these people, and return a probe in the name of two of them."""
    provision(stack.database_url, people)

    def token(user: str) -> str:
        expires_at_s = round(time.time()) + 600
        return mint(stack.jwt_secret, role="authenticated", subject=user, expires_at_s=expires_at_s)

    return Probe(
        endpoint=stack,
        organization_id=people.organization_id(0),
        author_token=token(people.author_id(0)),
        member_token=token(people.devices[0].user_id),
    )


@pytest.fixture
def probe(stack: Endpoint, people: Population, sql: psycopg.Connection) -> Probe:
    """Return a probe of a member, who waits a second for what will not come."""

    def has_event(job: str) -> bool:
        return sql.execute("select 1 from realtime_events where entity_id = %s", (job,)).fetchone() is not None

    return replace(probe_of(stack, people), has_event=has_event, signal_within_s=1.0)


@pytest.fixture(scope="module")
def unharmed(stack: Endpoint) -> Probe:
    """Return a probe of people to whom no test does anything, so that they are made once."""
    return probe_of(stack, Population(SCENARIO, seed=1, run_id=str(uuid4())))


def said(seen: Observed) -> str:
    """Return the sentence about what was seen."""
    return diagnose(seen) or "ready"


def said_by(probe: Probe) -> str:
    """Return the sentence about what a probe sees."""
    return said(probe.observe())


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


@pytest.fixture(scope="module")
def manners() -> Manners:
    """Return how the backend in front of the pipeline behaves."""
    return Manners()


@pytest.fixture(scope="module")
def other(stack: Endpoint, manners: Manners) -> Iterator[str]:
    """Return the address of a backend with routes of its own in front of the pipeline."""
    with other_backend(stack.api_url, manners) as api_url:
        yield api_url


def through(probe: Probe, api_url: str, **changes: Any) -> Probe:
    """Return a probe of the other backend by its route table, changed as told."""
    table = Api(**{**tomllib.loads(TABLE)["api"], **changes}).table
    return replace(probe, endpoint=replace(probe.endpoint, api_url=api_url, routes=table.to_json()))


def test_a_revision_that_nobody_can_read_is_refused_before_each_mutation_fails_for_it(unharmed: Probe) -> None:
    """Another field was taken for it."""
    with other_backend(unharmed.endpoint.api_url, Manners(tells_revision=False)) as api_url:
        told = said_by(through(unharmed, api_url, fields={"revision": "location"}))

    assert " (a new job) answers 201 (the revision '" in told
    assert "is no whole number): something else than expected; check api_url, and envelope, lists and fields" in told


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            {"message": "Unauthorized - Invalid token"},
            "answers 401 (Unauthorized - Invalid token): is the token fresh",
        ),
        (
            402,
            {"code": "ENTITLEMENTS_PLAN_PAST_DUE"},
            "answers 402 (ENTITLEMENTS_PLAN_PAST_DUE): a plan gate; give the",
        ),
        (403, {"code": "ENTITLEMENTS_JOB_LIMIT_REACHED"}, "(ENTITLEMENTS_JOB_LIMIT_REACHED): the user's role or the"),
        (403, {"code": "ORGANIZATION_NOT_ACCESSIBLE"}, "a row in organization_members is missing"),
        (404, {"message": "Route not found"}, "answers 404 (Route not found): no such path; check api_url"),
        (428, {"code": "LEGAL_ACCEPTANCE_REQUIRED"}, "terms are not accepted; add a row with [[provision.each_user]]"),
        (429, {"error": {"code": "RATE_LIMIT_EXCEEDED"}}, "answers 429 (RATE_LIMIT_EXCEEDED): the backend limits"),
        (500, {"code": "DATABASE_ERROR"}, "answers 500 (DATABASE_ERROR): the backend itself fails; see its log"),
    ],
)
def test_each_refusal_is_told_with_its_reason_and_what_helps(
    unharmed: Probe, other: str, manners: Manners, *, method: str, status: int, body: Any, said: str
) -> None:
    """Of the list, before anything else is asked; and of a new job, once its reader is live."""
    manners.refuses = (method, status, body)
    try:
        told = said_by(through(unharmed, other))
    finally:
        manners.refuses = None

    assert said in told
    assert told.startswith(f"{other}/v2/work-orders")
    assert ("(the jobs list)" if method == "GET" else "(a new job)") in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"routes": {}}, "answers 404"),
        (
            {"envelope": "data"},
            "answers 200: something else than expected; check api_url, and envelope, lists and fields",
        ),
        ({"lists": {"jobs": ""}}, "something else than expected"),
        ({"query": {"limit": "per_page", "offset": "start"}}, "ready"),
        ({"lists": {}}, "(the audit feed, which this scenario needs) answers 200: something else than expected"),
        ({"lists": {"audit": "", "documents": "rows"}}, "(a job's documents, which this scenario needs) answers 200"),
        ({"routes": WITHOUT_FLAG}, "/flag (a flag, which this scenario needs) answers 404"),
        ({}, "ready"),
    ],
)
def test_a_route_table_that_is_wrong_somewhere(unharmed: Probe, other: str, changes: Any, said: str) -> None:
    """Paths that are not there, answers that hold their list elsewhere; what is ignored does no harm."""
    assert said in said_by(replace(through(unharmed, other, **changes), use=EVERYTHING))


def test_a_first_page_that_is_too_short(probe: Probe, other: str, people: Population, sql: psycopg.Connection) -> None:
    """The backend calls the page's size something else, and has 20 of its own."""
    sql.execute(
        "insert into jobs (organization_id, created_by, title, client_name, client_type, job_type, location) "
        "select organization_id, created_by, title, client_name, client_type, job_type, location from jobs, "
        "generate_series(1, 24) where organization_id = %s",
        (people.organization_id(0),),
    )
    known = replace(through(probe, other, query={"limit": "how_many", "offset": "skip"}), jobs=25)

    assert "shows 20 of 25 jobs" in said_by(known)
    assert said_by(replace(known, endpoint=through(probe, other).endpoint)) == "ready"


def test_a_proxy_of_the_environment_is_gone_past(unharmed: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there: neither requests nor the WebSocket need it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert said_by(unharmed) == "ready"


def test_all_steps_together_end_in_time() -> None:
    """Each is given a part of one budget, and a last moment beyond it; nobody is waited for longer than that."""
    assert WITHIN_S + STEPS * LEAST_S + LOOK_WITHIN_S < AT_LAST_S < 15


@pytest.mark.parametrize(
    ("kind", "said"), [("silent", "takes the connection and does not"), ("full", "takes no connection")]
)
def test_a_backend_that_swallows_everything_is_named_in_time(unharmed: Probe, kind: str, said: str) -> None:
    """It takes the connection and is silent, or takes none: one sentence, with the host and what to do."""
    with SWALLOWING[kind]() as port:
        deaf = replace(unharmed.endpoint, api_url=f"http://127.0.0.1:{port}")
        told = said_by(replace(unharmed, endpoint=deaf, within_s=0.2))

    assert told.startswith(f"http://127.0.0.1:{port}/api/jobs")
    assert f"(the jobs list) cannot be reached: 127.0.0.1 {said}" in told
    assert told.endswith("; check api_url, and that the backend runs")


@pytest.mark.parametrize("kind", SWALLOWING)
def test_a_realtime_that_swallows_everything_is_named_in_time(unharmed: Probe, kind: str) -> None:
    """In the connection, or in the handshake that follows it."""
    with SWALLOWING[kind]() as port:
        url = f"ws://127.0.0.1:{port}/socket/websocket"
        told = said_by(replace(unharmed, endpoint=replace(unharmed.endpoint, realtime_url=url), within_s=0.5))

    assert told == (
        f"{url} opens no WebSocket: 127.0.0.1 does not answer in time: it hangs, or something on the way drops "
        "packets; check the URL and keys.anon"
    )


def test_who_never_answers_is_given_what_is_left(unharmed: Probe) -> None:
    """By a clock on which everything else has taken all the time that there is."""
    stamps = iter([0.0])
    with silent() as port:
        deaf = replace(unharmed.endpoint, api_url=f"http://127.0.0.1:{port}")
        told = said_by(replace(unharmed, endpoint=deaf, clock=lambda: next(stamps, WITHIN_S)))

    assert "(the jobs list) cannot be reached: 127.0.0.1 takes the connection" in told


def test_who_answers_a_little_at_a_time_is_left_behind(unharmed: Probe) -> None:
    """Each byte comes in time, and the answer never ends: it is named by what was asked."""
    server = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{server.getsockname()[1]}"
    done = threading.Event()

    def trickle() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not done.wait(0.01):
                connection.sendall(b" ")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        told = said(replace(unharmed, endpoint=replace(unharmed.endpoint, api_url=address)).observe(at_last_s=0.3))
    finally:
        done.set()
        thread.join()
        server.close()

    assert told.startswith(f"GET {address}/api/jobs?page=1&limit=25 did not come to an end")


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

    assert "(USER_NOT_PROVISIONED): the backend has no such user" in told


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

    assert "(NO_ORGANIZATION): the user is no member of the organization" in told
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
