"""Plans and terms: off by default, exact when on."""

import asyncio
from collections.abc import Callable

import httpx
import psycopg
import pytest

from loadtests.pipeline.api.app import build_app
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.errors import Refusal
from loadtests.pipeline.api.gates import TERMS_VERSION, jobs_per_month
from loadtests.pipeline.settings import ApiOptions

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]

BODY = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}


@pytest.fixture
def options() -> ApiOptions:
    """Return options with both gates closed, and audit events on."""
    return ApiOptions(pool_size=4, plan_gates=True, require_terms=True, emit_audit_events=True)


@pytest.fixture
def subscribe(sql: psycopg.Connection, organization: str) -> Callable[..., None]:
    """Return a function that gives the organization a plan."""

    def take(plan: str, *, jobs: int | None = None, status: str = "active") -> None:
        sql.execute(
            "insert into org_subscriptions (organization_id, plan_code, jobs_limit_month, status) "
            "values (%s, %s, %s, %s)",
            (organization, plan, jobs, status),
        )

    return take


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
def test_terms_are_asked_for_until_they_are_accepted(prefix: str, ask: Ask, join: Join) -> None:
    """Under both prefixes the accepting route itself is open, and accepting twice is no mistake."""
    token = join()
    before = ask("GET", f"{prefix}/jobs", token)
    accepted = [ask("POST", f"{prefix}/legal/accept", token, json={}) for _ in range(2)]
    after = ask("GET", f"{prefix}/jobs", token)

    assert (before.status_code, before.json()["code"], before.json()["version"]) == (
        428,
        "LEGAL_ACCEPTANCE_REQUIRED",
        TERMS_VERSION,
    )
    assert [response.status_code for response in accepted] == [200, 200]
    assert accepted[0].json() == accepted[1].json()
    assert after.status_code == 200


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (None, 0),
        ({"plan_code": "none", "status": "active", "jobs_limit_month": None}, 0),
        ({"plan_code": "starter", "status": "active", "jobs_limit_month": None}, 10),
        ({"plan_code": "pro", "status": "trialing", "jobs_limit_month": None}, None),
        ({"plan_code": "business", "status": "active", "jobs_limit_month": 3}, 3),
        ({"plan_code": "pro", "status": "inactive", "jobs_limit_month": None}, 0),
    ],
)
def test_a_plan_allows_so_many_jobs_a_month(plan: dict[str, object] | None, expected: int | None) -> None:
    """The organization's own limit overrides its plan's."""
    assert jobs_per_month(plan) == expected


@pytest.mark.parametrize(
    ("status", "code"),
    [("past_due", "ENTITLEMENTS_PLAN_PAST_DUE"), ("canceled", "ENTITLEMENTS_PLAN_INACTIVE")],
)
def test_a_plan_that_is_not_paid_for_allows_nothing(status: str, code: str) -> None:
    """402, whatever the plan."""
    with pytest.raises(Refusal) as refused:
        jobs_per_month({"plan_code": "pro", "status": status, "jobs_limit_month": None})

    assert (refused.value.status, refused.value.code) == (402, code)


def test_concurrent_creates_stop_exactly_at_the_limit(
    ask: Ask, join: Join, subscribe: Callable[..., None], runner: asyncio.Runner, api: Api, sql: psycopg.Connection
) -> None:
    """Twelve at once against a limit of five make five jobs."""
    subscribe("starter", jobs=5)
    token = join()
    ask("POST", "/api/legal/accept", token)
    statuses = [response.status_code for response in runner.run(_create_many(api, token, 12))]

    assert sorted(statuses) == [201] * 5 + [403] * 7
    assert sql.execute("select count(*) from jobs").fetchone() == (5,)


def test_an_audit_event_follows_the_jobs_event_when_it_is_wanted(
    ask: Ask, join: Join, subscribe: Callable[..., None], sql: psycopg.Connection
) -> None:
    """It names the audit row and nobody as its cause."""
    subscribe("pro")
    token = join()
    ask("POST", "/api/legal/accept", token)
    ask("POST", "/api/jobs", token, json=BODY)
    events = sql.execute(
        "select e.event_type, e.entity_type, e.created_by is null, a.id is not null from realtime_events e "
        "left join audit_logs a on a.id::text = e.entity_id order by e.xmin::text::bigint"
    ).fetchall()

    assert events == [("job.created", "job", False, False), ("audit.appended", "audit", True, True)]


async def _create_many(api: Api, token: str, count: int) -> list[httpx.Response]:
    transport = httpx.ASGITransport(build_app(api))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://jobs", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        return await asyncio.gather(*(client.post("/api/jobs", json=BODY) for _ in range(count)))
