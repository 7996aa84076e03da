"""The latency of the original backend's calls to other services, as counted on it."""

from collections.abc import Callable

import httpx
import pytest

from loadtests.pipeline.api import endpoint
from loadtests.pipeline.settings import ApiOptions

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, object]]

DOCUMENT = {"name": "roof.jpg", "file_path": "a/roof.jpg", "file_size": 12, "mime_type": "image/jpeg"}


@pytest.fixture
def options() -> ApiOptions:
    """Return options with a latency of 1 ms a call."""
    return ApiOptions(pool_size=3, upstream_latency_ms=1, as_built=True)


@pytest.fixture
def waited_ms(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list of all waits, none of which is waited."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(round(seconds * 1000, 6))

    monkeypatch.setattr(endpoint.asyncio, "sleep", note)
    return waits


def test_each_route_waits_for_its_calls(ask: Ask, join: Join, new_job: NewJob, waited_ms: list[float]) -> None:
    """A creation for 13, a list for 8, a change for 11, a read of one for 7; naming the organization is one more."""
    token = join()
    job = new_job(token)
    ask("GET", "/api/jobs", token)
    ask("PATCH", f"/v1/jobs/{job['id']}", token, json={})
    ask("GET", f"/api/jobs/{job['id']}", token, headers={"X-Organization-Id": str(job["organization_id"])})

    assert waited_ms == [13, 8, 11, 8]


def test_a_new_jobs_risk_takes_calls_of_its_own(join: Join, new_job: NewJob, waited_ms: list[float]) -> None:
    """Three more, after the event: who asks again meanwhile finds a job without a score."""
    new_job(join(), risk_factor_codes=["height"])

    assert waited_ms == [13, 3]


def test_pages_wait_for_each_of_their_rows(ask: Ask, join: Join, new_job: NewJob, waited_ms: list[float]) -> None:
    """Documents one call each, audit rows two: 22 for a page of 10."""
    token = join()
    path = f"/api/jobs/{new_job(token)['id']}"
    for _ in range(9):
        ask("POST", f"{path}/documents", token, json=DOCUMENT)
    waited_ms.clear()
    ask("GET", f"{path}/documents", token)
    ask("GET", "/api/audit/events?limit=10", token)

    assert waited_ms == [8, 9, 2, 20]


def test_a_bulk_change_waits_job_by_job_as_built(ask: Ask, join: Join, new_job: NewJob, waited_ms: list[float]) -> None:
    """Three calls before each event: the events of one request trickle."""
    token = join()
    jobs = [new_job(token)["id"] for _ in range(4)]
    waited_ms.clear()
    ask("POST", "/api/jobs/bulk/status", token, json={"job_ids": jobs, "status": "on_hold"})

    assert waited_ms == [6, 3, 3, 3, 3]
