"""Tables over HTTP, under row-level security, against the real database."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import psycopg
import pytest

from loadtests.wire.tokens import mint
from tests.pipeline.gateway.conftest import ANON_KEY, SECRET, SERVICE_KEY, Ask, Clock

EVENTS = "/rest/v1/realtime_events"
ORGANIZATIONS = "/rest/v1/organizations"
REPRESENTATION = {"prefer": "return=representation"}


@pytest.fixture
def organization(sql: psycopg.Connection) -> str:
    """Return an organization with 30 events, numbered; every third has a payload that says so."""
    (found,) = sql.execute("insert into organizations (name) values ('Tests') returning id::text").fetchone()
    sql.execute(
        "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload) "
        "select %s, 'job.created', 'job', to_char(n, 'FM00'), "
        "case when n %% 3 = 0 then jsonb_build_object('third', true) end from generate_series(0, 29) n",
        (found,),
    )
    return found


@pytest.fixture
def member(sql: psycopg.Connection) -> Callable[[str | None], str]:
    """Return a function that makes a member of an organization, or of none, and returns their token."""

    def make(organization: str | None) -> str:
        person = str(uuid.uuid4())
        sql.execute("insert into auth.users (id) values (%s)", (person,))
        if organization is not None:
            sql.execute(
                "insert into organization_members (user_id, organization_id) values (%s, %s)", (person, organization)
            )
        return mint(SECRET, role="authenticated", subject=person, expires_at_s=int(time.time_ns() / 1e9) + 3600)

    return make


def numbers(answer: Any) -> list[str]:
    """Return the entity ids of the rows."""
    assert answer.status_code in {200, 206}, answer.text
    return [row["entity_id"] for row in answer.json()]


def refusal(answer: Any) -> tuple[int, str]:
    """Return status and code."""
    assert answer.json().keys() == {"code", "message", "details", "hint"}
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ("entity_id=eq.07", ["07"]),
        ("entity_id=in.(03,01,99)", ["01", "03"]),
        ("entity_id=gte.28", ["28", "29"]),
        ("entity_id=gt.27&entity_id=neq.28", ["29"]),
        ("entity_id=lt.02", ["00", "01"]),
        ("entity_id=lte.01", ["00", "01"]),
        ("entity_id=like.*9", ["09", "19", "29"]),
        ("entity_id=not.like.[!9]*&entity_id=ilike.1*&limit=2", ["10", "11"]),
        ("payload=is.null&limit=2", ["01", "02"]),
        ("payload=not.is.null&limit=2", ["00", "03"]),
        ('payload=cs.{"third":true}&offset=9', ["27"]),
        ("or=(entity_id.eq.02,and(entity_id.gt.27,payload.is.null))", ["02", "28", "29"]),
        ("entity_id=match.^[01]5$", ["05", "15"]),
    ],
)
def test_filters(ask: Ask, organization: str, filters: str, wanted: list[str]) -> None:
    """Each operator, against values of the column's type."""
    assert (
        numbers(ask("GET", f"{EVENTS}?organization_id=eq.{organization}&{filters}&order=entity_id", SERVICE_KEY))
        == wanted
    )


def test_a_member_reads_their_organization_and_nothing_of_others(
    ask: Ask, organization: str, member: Callable[[str | None], str], sql: psycopg.Connection
) -> None:
    """Whoever asks without a filter gets what the policy leaves; outsiders and strangers get nothing."""
    (other,) = sql.execute("insert into organizations (name) values ('Others') returning id::text").fetchone()
    path = f"{EVENTS}?select=organization_id&limit=5"
    mine = ask("GET", path, member(organization)).json()

    assert [row["organization_id"] for row in mine] == [organization] * 5
    assert ask("GET", path, member(other)).json() == []
    assert ask("GET", f"{path}&organization_id=eq.{organization}", member(other)).json() == []
    assert ask("GET", path, member(None)).json() == []
    assert ask("GET", path, ANON_KEY).json() == ask("GET", path).json() == []


def test_one_callers_claims_are_gone_with_their_request(
    ask: Ask, organization: str, member: Callable[[str | None], str]
) -> None:
    """Two sessions with the database serve everybody in turn."""
    token = member(organization)
    seen = [len(ask("GET", f"{EVENTS}?limit=3", one).json()) for one in (token, None, SERVICE_KEY, None) * 3]

    assert seen == [3, 0, 3, 0] * 3
    assert ask("GET", "/auth/v1/admin/users", SERVICE_KEY).status_code == 200  # the same sessions, as the owner again


def test_an_answer_ends_at_the_servers_limit(ask: Ask, organization: str) -> None:
    """20 here, whatever is asked for; a count says that there is more."""
    base = f"{EVENTS}?organization_id=eq.{organization}&order=entity_id"
    counted = ask("GET", f"{base}&limit=25", SERVICE_KEY, headers={"prefer": "count=exact"})
    rest = ask("GET", f"{base}&offset=20", SERVICE_KEY, headers={"prefer": "count=exact"})

    assert (counted.status_code, counted.headers["content-range"]) == (206, "0-19/30")
    assert numbers(rest) == [f"{number}" for number in range(20, 30)]
    assert rest.headers["content-range"] == "20-29/30"


def test_ranges(ask: Ask, organization: str) -> None:
    """By header or by query; without a count the total is unknown."""
    base = f"{EVENTS}?organization_id=eq.{organization}&order=entity_id.desc&select=entity_id"
    by_header = ask("GET", base, SERVICE_KEY, headers={"range": "2-3"})
    head = ask("HEAD", base, SERVICE_KEY, headers={"prefer": "count=exact"})
    beyond = ask("GET", f"{base}&offset=31", SERVICE_KEY, headers={"prefer": "count=exact"})

    assert (numbers(by_header), by_header.headers["content-range"]) == (["27", "26"], "2-3/*")
    assert by_header.json()[0].keys() == {"entity_id"}
    assert (head.content, head.headers["content-range"]) == (b"", "0-19/30")
    assert refusal(beyond) == (416, "PGRST103")


def test_a_single_object(ask: Ask, organization: str) -> None:
    """Exactly one row, or 406."""
    accept = {"accept": "application/vnd.pgrst.object+json"}
    one = ask("GET", f"{ORGANIZATIONS}?id=eq.{organization}&select=called:name", SERVICE_KEY, headers=accept)
    many = ask("GET", EVENTS, SERVICE_KEY, headers=accept)

    assert one.json() == {"called": "Tests"}
    assert refusal(many) == (406, "PGRST116")


def test_a_write_that_is_not_the_single_row_asked_for_is_taken_back(ask: Ask, organization: str) -> None:
    """Two rows changed are two too many."""
    headers = {**REPRESENTATION, "accept": "application/vnd.pgrst.object+json"}
    path = f"{EVENTS}?organization_id=eq.{organization}"

    assert refusal(ask("DELETE", path, SERVICE_KEY, headers=headers)) == (406, "PGRST116")
    assert len(ask("GET", path, SERVICE_KEY).json()) == 20


def test_rows_are_inserted_changed_and_deleted(ask: Ask) -> None:
    """One, many, with and without an answer."""
    one = ask("POST", ORGANIZATIONS, SERVICE_KEY, json={"name": "A"}, headers=REPRESENTATION)
    many = ask("POST", ORGANIZATIONS, SERVICE_KEY, json=[{"name": "B"}, {"name": "C"}])
    changed = ask("PATCH", f"{ORGANIZATIONS}?name=in.(B,C)", SERVICE_KEY, json={"name": "D"}, headers=REPRESENTATION)
    deleted = ask("DELETE", f"{ORGANIZATIONS}?name=eq.D", SERVICE_KEY, headers={"prefer": "count=exact"})
    left = ask("GET", ORGANIZATIONS, SERVICE_KEY)

    assert (one.status_code, [row["name"] for row in one.json()]) == (201, ["A"])
    assert (many.status_code, many.content) == (201, b"")
    assert (changed.status_code, [row["name"] for row in changed.json()]) == (200, ["D", "D"])
    assert (deleted.status_code, deleted.headers["content-range"]) == (204, "*/2")
    assert left.json() == one.json()


def test_rows_are_merged_or_left_alone(ask: Ask, organization: str) -> None:
    """By the primary key, or by the columns named."""
    row = {"id": organization, "name": "Changed"}
    ignored = ask(
        "POST",
        ORGANIZATIONS,
        SERVICE_KEY,
        json=row,
        headers={"prefer": "resolution=ignore-duplicates,return=representation"},
    )
    merged = ask(
        "POST",
        f"{ORGANIZATIONS}?on_conflict=id",
        SERVICE_KEY,
        json=[row],
        headers={"prefer": "resolution=merge-duplicates,return=representation"},
    )
    plain = ask("POST", ORGANIZATIONS, SERVICE_KEY, json=row)

    assert ignored.json() == []
    assert [(one["id"], one["name"]) for one in merged.json()] == [(organization, "Changed")]
    assert refusal(plain) == (409, "23505")


def test_a_key_left_out_is_null_or_its_default(ask: Ask, organization: str) -> None:
    """As the caller prefers; rows of different keys need the list of columns."""
    rows = [{"user_id": str(uuid.uuid4()), "organization_id": organization, "role": "viewer"}]
    path = "/rest/v1/org_subscriptions?columns=organization_id,plan_code"
    strict = ask("POST", path, SERVICE_KEY, json=[{"organization_id": organization}])
    filled = ask(
        "POST",
        path,
        SERVICE_KEY,
        json=[{"organization_id": organization}],
        headers={"prefer": "missing=default,return=representation"},
    )

    assert refusal(strict) == (400, "23502")
    assert filled.status_code == 201, filled.text
    assert filled.json()[0]["plan_code"] == "none"
    assert refusal(ask("POST", "/rest/v1/organization_members", SERVICE_KEY, json=rows)) == (409, "23503")
    assert refusal(ask("POST", ORGANIZATIONS, SERVICE_KEY, json=[{"name": "A"}, {}])) == (400, "PGRST102")


def test_nobody_but_the_backend_writes_events(ask: Ask, organization: str, member: Callable[[str | None], str]) -> None:
    """A member is refused with 403, a stranger with 401; neither deletes anything."""
    row = {"organization_id": organization, "event_type": "job.created", "entity_type": "job"}
    token = member(organization)
    deleted = ask("DELETE", f"{EVENTS}?entity_id=eq.01", token, headers=REPRESENTATION)

    assert refusal(ask("POST", EVENTS, token, json=row)) == (403, "42501")
    assert refusal(ask("POST", EVENTS, json=row)) == (401, "42501")
    assert deleted.json() == []
    assert ask("POST", EVENTS, SERVICE_KEY, json=row).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", "/rest/v1/nothing", None, (404, "PGRST205")),
        ("GET", "/rest/v1/users%22%3B", None, (404, "PGRST205")),
        ("GET", f"{EVENTS}?nothing=eq.1", None, (400, "42703")),
        ("GET", f"{EVENTS}?select=nothing", None, (400, "42703")),
        ("GET", f"{EVENTS}?id=eq.17", None, (400, "22P02")),
        ("GET", f"{EVENTS}?id=equals.17", None, (400, "PGRST100")),
        ("GET", f"{EVENTS}?id=like.1*", None, (404, "42883")),
        ("POST", ORGANIZATIONS, {"nothing": 1}, (400, "PGRST204")),
        ("POST", ORGANIZATIONS, [1], (400, "PGRST102")),
        ("PATCH", ORGANIZATIONS, {"name": "x"}, (400, "21000")),
        ("DELETE", ORGANIZATIONS, None, (400, "21000")),
        ("DELETE", f"{ORGANIZATIONS}?name=eq.x&limit=1", None, (400, "PGRST100")),
        ("PATCH", f"{ORGANIZATIONS}?name=eq.x", {}, (400, "PGRST102")),
        ("POST", "/rest/v1/rpc/cleanup", {}, (404, "PGRST202")),
        ("PUT", ORGANIZATIONS, {"name": "x"}, (404, "PGRST125")),
    ],
)
def test_refusals(ask: Ask, method: str, path: str, body: object, wanted: tuple[int, str]) -> None:
    """In PostgREST's form."""
    assert refusal(ask(method, path, SERVICE_KEY, **({} if body is None else {"json": body}))) == wanted


def test_a_schema_that_is_not_exposed(ask: Ask) -> None:
    """Passwords are not a table of the API's."""
    assert refusal(ask("GET", "/rest/v1/users", SERVICE_KEY, headers={"accept-profile": "auth"})) == (406, "PGRST106")


def test_tokens_that_prove_nothing(ask: Ask, clock: Clock, member: Callable[[str | None], str]) -> None:
    """401, with a challenge; a role that is not for callers is 403."""
    token = member(None)
    forged = ask("GET", ORGANIZATIONS, token[:-4] + "AAAA")
    owner = ask("GET", ORGANIZATIONS, jwt.encode({"role": "postgres"}, SECRET, "HS256"))
    clock.ahead_s = 3601
    expired = ask("GET", ORGANIZATIONS, token)

    assert refusal(forged) == (401, "PGRST301")
    assert refusal(expired) == (401, "PGRST303")
    assert expired.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert refusal(owner) == (403, "42501")
