"""Faults of the jobs API, committed by a real pipeline: counted to the request."""

import time

import httpx
import pytest

from tests.pipeline.faults.stand import Stand

pytestmark = pytest.mark.e2e


def request_ids(responses: list[httpx.Response]) -> set[str]:
    """Return the ids of some requests."""
    return {response.headers["x-request-id"] for response in responses}


def test_failed_emissions_leave_the_mutation_done_and_no_event(stand: Stand) -> None:
    """The mutations succeed; exactly the named ones have no event."""
    organization, (user,) = stand.organization(1)
    with stand.planted("emission_fails", count=3, share=0.5) as number:
        responses = [stand.new_job(user) for _ in range(12)]
        truth = stand.truth(number)
    told = stand.execute("select payload->>'request_id' from realtime_events where organization_id = %s", organization)

    assert [response.status_code for response in responses] == [201] * 12
    assert truth["planted"] == 3
    assert len(told) == 9
    assert {one["request_id"] for one in truth["details"]} == request_ids(responses) - {row[0] for row in told}


def test_latency_hits_the_chosen_kind_of_route_alone(stand: Stand) -> None:
    """Two writes are late, the reads between them are not counted."""
    _, (user,) = stand.organization(1)
    with stand.planted("latency", ms=250, count=2, share=1.0, route="write") as number:
        before = time.monotonic()
        assert [stand.ask("GET", "/api/jobs", user).status_code for _ in range(3)] == [200] * 3
        responses = [stand.new_job(user) for _ in range(3)]
        waited_s = time.monotonic() - before
        truth = stand.truth(number)

    assert waited_s >= 0.5
    assert truth["planted"] == 2
    assert [response.status_code for response in responses] == [201] * 3
    assert {detail["method"] for detail in truth["details"]} == {"POST"}


def test_errors_are_answered_and_do_nothing(stand: Stand) -> None:
    """The named requests failed with the status that was asked for, and left no job."""
    organization, (user,) = stand.organization(1)
    with stand.planted("errors", status=502, count=4, share=0.5, route="write") as number:
        statuses = [stand.new_job(user).status_code for _ in range(14)]
        truth = stand.truth(number)
    ((jobs,),) = stand.execute("select count(*) from jobs where organization_id = %s", organization)

    assert sorted(statuses) == [201] * 10 + [502] * 4
    assert jobs == 10
    assert truth["planted"] == 4


def test_stale_reads_show_the_list_as_it_was(stand: Stand) -> None:
    """A new job is missing from exactly as many answers as were planted, then it is there."""
    _, (user,) = stand.organization(1)
    stand.new_job(user)
    with stand.planted("stale_reads", ms=1500, count=3) as number:
        begun_s = time.monotonic()
        stand.until(lambda: time.monotonic() - begun_s, lambda waited_s: waited_s > 1.7)  # until there is a past
        stand.new_job(user)
        totals = [stand.ask("GET", "/api/jobs", user).json()["pagination"]["total"] for _ in range(5)]
        truth = stand.truth(number)

    assert totals == [1, 1, 1, 2, 2]
    assert truth["planted"] == 3
    assert {detail["channel"] for detail in truth["details"]} == {user}
    assert stand.execute("select count(*) from pg_stat_activity where application_name = 'stale replica'") == [(0,)]


def test_answers_from_the_past_that_show_the_same_are_not_counted(stand: Stand) -> None:
    """Nothing changed, so nobody could tell."""
    _, (user,) = stand.organization(1)
    stand.new_job(user)
    with stand.planted("stale_reads", ms=50, duration_s=60) as number:
        begun_s = time.monotonic()
        stand.until(lambda: time.monotonic() - begun_s, lambda waited_s: waited_s > 0.3)
        assert stand.ask("GET", "/api/jobs", user).status_code == 200
        truth = stand.truth(number)

    assert truth["planted"] == 0
