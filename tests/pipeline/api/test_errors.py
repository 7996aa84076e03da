"""What goes wrong is answered in the two shapes that clients know."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import psycopg
import pytest

from loadtests.pipeline.api.endpoint import Api

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]

STRUCTURED = {
    "message",
    "code",
    "error_id",
    "request_id",
    "severity",
    "category",
    "classification",
    "retryable",
    "retry_strategy",
    "error_hint",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("GET", "/api/jobs/"), ("DELETE", "/api/jobs"), ("GET", "/api/legal/accept"), ("POST", "/")],
)
def test_a_route_or_method_that_is_not_there_is_not_found(method: str, path: str, ask: Ask) -> None:
    """In the simple shape, with a request id all the same."""
    response = ask(method, path)

    assert (response.status_code, response.json()) == (404, {"message": "Route not found"})
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[1]", 400), (b'"text"', 400), (b"\xff", 400), (b" " * 100_001, 413)],
)
def test_a_body_that_cannot_be_read_is_refused(body: bytes, status: int, ask: Ask, join: Join) -> None:
    """In the structured shape."""
    response = ask("POST", "/api/jobs", join(), content=body, headers={"X-Request-ID": "r-1"})

    assert response.status_code == status
    assert set(response.json()) == STRUCTURED
    assert (response.json()["code"], response.json()["request_id"]) == ("UNKNOWN_ERROR", "r-1")
    assert response.headers["X-Error-ID"] == response.json()["error_id"]


def test_a_request_without_a_token_is_refused(ask: Ask) -> None:
    """401, in the simple shape."""
    response = ask("GET", "/api/jobs")

    assert (response.status_code, response.json()) == (401, {"message": "Unauthorized - No token provided"})


def test_an_expired_token_is_refused_although_it_was_served_before(ask: Ask, join: Join, api: Api) -> None:
    """The clock decides each time."""
    token = join()
    served = ask("GET", "/api/jobs", token).status_code
    expires_at_ns = jwt.decode(token, options={"verify_signature": False})["exp"] * 10**9
    api.wall_ns = lambda: expires_at_ns
    refused = ask("GET", "/api/jobs", token)

    assert (served, refused.status_code) == (200, 401)


def test_a_membership_that_ended_is_refused_at_once(ask: Ask, join: Join, sql: psycopg.Connection) -> None:
    """Nothing of it was remembered."""
    token = join()
    served = ask("GET", "/api/jobs", token).status_code
    sql.execute("delete from organization_members")
    refused = ask("GET", "/api/jobs", token)

    assert (served, refused.status_code, refused.json()["code"]) == (200, 403, "NO_ORGANIZATION")
    assert set(refused.json()) == STRUCTURED


@pytest.mark.parametrize("how", ["header", "query"])
def test_several_organizations_are_chosen_by_header_or_query(
    how: str, ask: Ask, join: Join, organization: str, sql: psycopg.Connection
) -> None:
    """Without a choice and a home, the request is refused."""
    other = sql.execute("insert into organizations (name) values ('Other') returning id::text").fetchone()[0]
    token = join(member_of=[organization, other])
    chosen = {"headers": {"X-Organization-Id": other}} if how == "header" else {"params": {"organization_id": other}}
    body = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}
    undecided = ask("POST", "/api/jobs", token, json=body)
    created = ask("POST", "/api/jobs", token, json=body, **chosen)

    assert (undecided.status_code, undecided.json()["code"]) == (403, "ORGANIZATION_SELECTION_REQUIRED")
    assert created.json()["data"]["organization_id"] == other


def test_a_trace_is_echoed(ask: Ask) -> None:
    """A `traceparent` of the right length comes back under both names."""
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    headers = ask("GET", "/health", headers={"traceparent": trace}).headers

    assert (headers["traceparent"], headers["X-Traceparent"]) == (trace, trace)


def test_a_database_that_fails_is_a_structured_500(
    ask: Ask, join: Join, sql: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Retryable, and the log has the cause under the error's id."""
    token = join()
    sql.execute("alter table jobs rename to gone")
    response = ask("GET", "/api/jobs", token)

    assert (response.status_code, response.json()["code"]) == (500, "DATABASE_ERROR")
    assert response.json()["retryable"]
    assert response.json()["error_id"] in caplog.text


def test_lost_connections_are_replaced(ask: Ask, join: Join, sql: psycopg.Connection) -> None:
    """Once the server has closed them all, the next requests are served again."""
    token = join()
    sql.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'jobs API' and datname = current_database()"
    )
    deadline = time.monotonic() + 10
    while (response := ask("GET", "/api/jobs", token)).status_code != 200 and time.monotonic() < deadline:
        assert response.json()["code"] == "DATABASE_ERROR"

    assert response.status_code == 200


def test_a_locked_events_table_delays_a_mutation_and_does_not_fail_it(ask: Ask, join: Join, database: str) -> None:
    """The emission is awaited: the answer comes after the lock is gone."""
    token = join()
    body = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}
    with psycopg.connect(database) as blocker, psycopg.connect(database, autocommit=True) as watcher:
        blocker.execute("lock table realtime_events in access exclusive mode")
        waiting = "select count(*) from pg_locks where not granted and relation = 'realtime_events'::regclass"

        def release_when_it_waits() -> int:
            deadline = time.monotonic() + 10
            while watcher.execute(waiting).fetchone() == (0,):
                assert time.monotonic() < deadline, "nobody waits for the lock"
            (stored,) = watcher.execute("select count(*) from jobs").fetchone()
            blocker.rollback()
            return stored

        with ThreadPoolExecutor(1) as beside:
            release = beside.submit(release_when_it_waits)
            response = ask("POST", "/api/jobs", token, json=body)

    assert (response.status_code, release.result()) == (201, 1)
