"""What is wrong with a target, from what one job met on its way."""

from dataclasses import replace

import pytest

from loadtests.checks.readiness import Answered, Observed, diagnose

LIST = Answered(url="https://api.example.com/api/jobs", status=200)
CREATED = Answered(url="https://api.example.com/api/jobs", status=201)
THROUGH = Observed(
    listed_before=LIST,
    realtime_url="wss://abc.supabase.co/realtime/v1/websocket",
    is_live=True,
    created=CREATED,
    is_signalled=True,
    is_listed=True,
)


def test_a_job_that_came_through_leaves_nothing_to_say() -> None:
    """Created, received by a live member, and on the list."""
    assert diagnose(THROUGH) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "cannot be reached"),
        (401, "keys.jwt_secret"),
        (402, "a plan gate"),
        (403, "the CSV file"),
        (404, "check api_url"),
        (418, "answers 418 (I am a teapot)"),
        (428, "terms are not accepted"),
        (429, "limits requests"),
        (500, "see its log"),
    ],
)
def test_each_refusal_of_the_api_says_what_to_do(status: int, said: str) -> None:
    """Of the list, and of a job that is to be created."""
    refused = replace(LIST, status=status, says="I am a teapot")

    for seen in (replace(THROUGH, listed_before=refused), replace(THROUGH, created=refused)):
        told = diagnose(seen)
        assert told is not None
        assert said in told
        assert told.startswith("https://api.example.com/api/jobs (")


def test_an_answer_of_another_route_is_told_from_a_refusal() -> None:
    """200, and no list of jobs."""
    told = diagnose(replace(THROUGH, listed_before=replace(LIST, is_understood=False, says="no JSON")))

    assert told is not None
    assert "answers 200 (no JSON): something else than expected" in told
    assert "envelope, lists and fields in [api]" in told


def test_a_page_that_is_too_short_is_told_before_screens_look_wrong() -> None:
    """The backend calls the page's size something else, or has its own idea of it."""
    told = diagnose(replace(THROUGH, jobs_listed=20, jobs_there=25))

    assert told is not None
    assert "shows 20 of 25 jobs" in told
    assert diagnose(replace(THROUGH, jobs_listed=25, jobs_there=25)) is None
    assert diagnose(replace(THROUGH, jobs_listed=40, jobs_there=3)) is None


def test_a_route_that_the_run_needs_and_the_target_lacks_is_named_last() -> None:
    """With what it is needed for."""
    answer = Answered(url="https://api.example.com/api/jobs/1/flag", status=404)

    told = diagnose(replace(THROUGH, refused=("a flag", answer)))

    assert told is not None
    assert told.startswith(f"{answer.url} (a flag, which this scenario needs) answers 404: no such path")


def test_what_never_came_to_an_end_is_named() -> None:
    """And comes before everything that was not seen because of it."""
    told = diagnose(
        replace(THROUGH, listed_before=replace(LIST, status=0), stuck_in="GET https://api.example.com/jobs")
    )

    assert told is not None
    assert told.startswith("GET https://api.example.com/jobs did not come to an end")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(THROUGH, socket_trouble="it answers 403"), "opens no WebSocket: it answers 403; check the URL and"),
        (replace(THROUGH, join_refusal="Unauthorized"), "refuses the channel: Unauthorized"),
        (replace(THROUGH, subscription_refusal="no such table"), "joins and then refuses the subscription"),
        (replace(THROUGH, is_live=False), "a cold project needs some seconds"),
        (replace(THROUGH, is_signalled=False, has_event_row=False), "holds no row for it: the backend does not emit"),
        (replace(THROUGH, is_signalled=False, has_event_row=True), "its event row is there"),
        (replace(THROUGH, is_signalled=False), "nobody may look"),
        (replace(THROUGH, is_listed=False), "the jobs list does not show it"),
        (replace(THROUGH, created=None), "no job was created"),
    ],
)
def test_the_first_step_that_failed_is_the_one_to_mend(seen: Observed, said: str) -> None:
    """Each has a sentence of its own."""
    told = diagnose(seen)

    assert told is not None
    assert said in told
