"""What answers say of themselves."""

import httpx
import pytest

from loadtests.targets.answers import answered, has_job, unanswered, unreadable_revision

URL = "https://api.example.com/api/jobs"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"code":"PLAN_GATE","message":"not in your plan"}', "PLAN_GATE"),
        (b'{"message":"Unauthorized - Invalid token"}', "Unauthorized - Invalid token"),
        (b'{"error":{"message":"too many","code":"RATE_LIMIT_EXCEEDED"}}', "RATE_LIMIT_EXCEEDED"),
        (b'{"error":"no"}', "no"),
        (b"[]", ""),
        (b"<html>", "no JSON"),
    ],
)
def test_a_refusal_is_told_by_its_code_or_its_words(content: bytes, says: str) -> None:
    """However it is nested."""
    told = answered(URL, httpx.Response(403, content=content))

    assert (told.status, told.says, told.is_understood) == (403, says, says != "no JSON")


def test_how_long_to_wait_is_told_by_who_asks_for_it() -> None:
    """And by nobody else."""
    headers = {"retry-after": "30"}

    assert (
        answered(URL, httpx.Response(429, content=b'{"code":"SLOW"}', headers=headers)).says == "SLOW, Retry-After: 30"
    )
    assert answered(URL, httpx.Response(503, content=b"{}", headers=headers)).says == "Retry-After: 30"
    assert answered(URL, httpx.Response(200, content=b"{}", headers=headers)).says == ""


@pytest.mark.parametrize("identifier", [41, "41"])
def test_a_list_shows_a_job_by_its_id_as_text_or_number(identifier: object) -> None:
    """What is no list of jobs shows none."""
    assert has_job([{"id": "40"}, {"id": identifier}], "41")
    assert not has_job([{"id": 40}, None, {}], "41")
    assert not has_job(None, "41")


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ({"revision": 7}, None),
        ({"revision": "7"}, None),
        ({"updated_at": "2026-03-06T12:00:01Z"}, None),
        ({}, None),
        ({"revision": "a4f"}, "the revision 'a4f' is no whole number"),
        ({"revision": 1_790_000_000_000}, "the revision 1790000000000 is none that counts changes"),
        ({"updated_at": "yesterday"}, "updated_at is no ISO timestamp: Invalid isoformat string"),
        ({"updated_at": 1_790_000_000}, "updated_at is no ISO timestamp: fromisoformat: argument must be str"),
    ],
)
def test_a_revision_that_nobody_could_read_is_told(job: dict[str, object], why: str | None) -> None:
    """Before each mutation would fail for it."""
    told = unreadable_revision(job)

    assert (told or "").startswith(why or "")
    assert (told is None) == (why is None)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectTimeout("timed out"), "api.example.com takes no connection in time, as where a firewall"),
        (httpx.ReadTimeout("timed out"), "api.example.com takes the connection and does not answer in time"),
        (httpx.RemoteProtocolError("no HTTP"), "no HTTP"),
    ],
)
def test_no_answer_has_a_reason(error: httpx.HTTPError, says: str) -> None:
    """And no status."""
    told = unanswered(URL, error)

    assert told.status == 0
    assert told.says.startswith(says)
