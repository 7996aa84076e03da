"""A tag stands for what an answer shows: equal tags and equal bodies are the same thing, whatever happens between."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests.pipeline.api.conditional import entity_tag, is_known
from loadtests.pipeline.settings import ApiOptions

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, Any]]

LIST = "/api/jobs?page=1&limit=25"
DOCUMENT = {"file_name": "a.jpg", "file_path": "p/a.jpg", "file_size": 1, "mime_type": "image/jpeg"}


def content(response: httpx.Response) -> bytes:
    """Return an answer's body without its request id."""
    assert response.status_code == 200, response.text
    return orjson.dumps({key: value for key, value in response.json().items() if key != "request_id"})


def again(ask: Ask, path: str, token: str, known: httpx.Response) -> httpx.Response:
    """Ask once more, naming the answer that one has."""
    return ask("GET", path, token, headers={"If-None-Match": known.headers["etag"]})


def test_what_one_has_already_comes_without_a_body(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Of the list and of one job; tag and request id are told all the same."""
    token = join()
    job = new_job(token)
    for path in (LIST, f"/api/jobs/{job['id']}"):
        first = ask("GET", path, token)
        second = again(ask, path, token, first)

        assert (second.status_code, second.content) == (304, b"")
        assert second.headers["etag"] == first.headers["etag"]
        assert "x-request-id" in second.headers
        assert "content-length" not in second.headers


def test_the_request_id_is_no_part_of_what_is_shown(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Each answer has another, and the tag stays."""
    token = join()
    new_job(token)
    one, other = (ask("GET", LIST, token, headers={"X-Request-ID": name}) for name in ("one", 'o"ther'))

    assert one.content != other.content
    assert one.headers["etag"] == other.headers["etag"]


def archive(ask: Ask, token: str, job: str) -> None:
    """Archive a job; the second time is refused and changes nothing."""
    ask("POST", f"/api/jobs/{job}/archive", token)


CHANGES: dict[str, Callable[[Ask, str, str], object]] = {
    "nothing": lambda ask, token, job: ask("GET", f"/api/jobs/{job}", token),
    "update": lambda ask, token, job: ask("PATCH", f"/api/jobs/{job}", token, json={"title": "Another"}),
    "score": lambda ask, token, job: ask("PATCH", f"/api/jobs/{job}", token, json={"risk_score": 40}),
    "archive": archive,
    "flag": lambda ask, token, job: ask("PATCH", f"/api/jobs/{job}/flag", token, json={"flagged": True}),
    "document": lambda ask, token, job: ask("POST", f"/api/jobs/{job}/documents", token, json=DOCUMENT),
    "delete": lambda ask, token, job: ask("DELETE", f"/api/jobs/{job}", token),
}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 2)), max_size=6))
def test_tags_are_equal_exactly_if_bodies_are(
    ask: Ask, join: Join, new_job: NewJob, story: Sequence[tuple[str, int]]
) -> None:
    """Of all answers of a story, each with each: a 304 never hides a difference, and never misses a sameness."""
    token = join()
    jobs = [str(new_job(token, client_name=name)["id"]) for name in "ABC"]
    seen = [ask("GET", LIST, token)]
    for change, job in story:
        CHANGES[change](ask, token, jobs[job])
        seen.append(ask("GET", LIST, token))

    for one in seen:
        for other in seen:
            assert (one.headers["etag"] == other.headers["etag"]) == (content(one) == content(other))


def test_a_name_that_another_table_holds_changes_the_tag(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """The assignee's name stands in the list, though no job is touched when it changes."""
    token = join()
    job = new_job(token)
    sql.execute("update jobs set assigned_to_id = created_by where id = %s", (job["id"],))
    before = ask("GET", LIST, token)
    sql.execute(
        "update users set full_name = 'Another Name' where id = (select created_by from jobs where id = %s)",
        (job["id"],),
    )

    assert again(ask, LIST, token, before).status_code == 200


class TestAsBuilt:
    """Scores come after the event: no revision is enough to tell two lists apart."""

    @pytest.fixture
    def options(self) -> ApiOptions:
        """Return today's code."""
        return ApiOptions(pool_size=3, as_built=True)

    def test_a_score_changes_the_tag(self, ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
        """Even one that leaves the revision alone."""
        token = join()
        job = new_job(token)
        before = ask("GET", LIST, token)
        sql.execute("update jobs set risk_score = 70, risk_level = 'high' where id = %s", (job["id"],))

        assert again(ask, LIST, token, before).status_code == 200


def test_the_tag_of_an_earlier_list_is_another(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Who holds the old list is given the new one."""
    token = join()
    old = ask("GET", LIST, token)
    new_job(token)
    new = ask("GET", LIST, token)

    assert old.headers["etag"] != new.headers["etag"]
    assert again(ask, LIST, token, old).status_code == 200
    assert again(ask, LIST, token, new).status_code == 304


def test_a_304_spares_bytes_and_no_reads(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Membership and list: two statements, with and without a body."""
    token = join()
    new_job(token)
    first = ask("GET", LIST, token)
    second = again(ask, LIST, token, first)

    assert [response.headers["x-database-reads"] for response in (first, second)] == ["2", "2"]


def test_an_empty_list_asks_once_more(ask: Ask, join: Join) -> None:
    """Without a row nothing has said how many there are."""
    assert ask("GET", LIST, join()).headers["x-database-reads"] == "3"


def test_tags_are_compared_as_the_standard_says() -> None:
    """One of several, weak or strong, or any at all."""
    tag = entity_tag(b'{"data":[]}', "id")

    assert is_known(tag, f'"other", W/{tag.decode()}')
    assert is_known(tag, "*")
    assert not is_known(tag, '"other"')
    assert not is_known(tag, None)
