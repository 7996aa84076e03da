"""A backend's own paths and names, in both directions."""

from typing import Any

import orjson
import pytest

from loadtests.wire.routes import CONTRACT, LISTS, PLAIN, Routes, unknown_lists, unknown_routes

THEIRS = Routes(
    paths={"jobs": "/v2/work-orders", "job": "/v2/work-orders/{job}", "flag": "/v2/work-orders/{job}/attention"},
    query={"limit": "per_page"},
    fields={"revision": "version", "client_name": "customer"},
    envelope="result.items",
    lists={"audit": ""},
    pages="offset",
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("/api/jobs", "/v2/work-orders"),
        ("/api/jobs?page=1&limit=25", "/v2/work-orders?offset=0&per_page=25"),
        ("/api/jobs/0f9e/flag", "/v2/work-orders/0f9e/attention"),
        ("/api/jobs/0f9e", "/v2/work-orders/0f9e"),
        ("/api/jobs/0f9e/archive", "/api/jobs/0f9e/archive"),
        ("/api/audit/events?limit=50", "/api/audit/events?per_page=50"),
    ],
)
def test_paths_that_are_named_are_translated(ours: str, theirs: str) -> None:
    """With the job's id in its place; the others stay."""
    assert THEIRS.path(ours) == theirs
    assert PLAIN.path(ours) == ours


def test_the_first_page_is_asked_for_in_their_way() -> None:
    """By an offset of another name; and a path of theirs may have parameters of its own."""
    theirs = Routes(
        paths={"jobs": "/v2/work-orders?order=newest"},
        query={"limit": "top", "offset": "skip"},
        pages="offset",
    )

    assert theirs.path("/api/jobs?page=1&limit=25") == "/v2/work-orders?order=newest&skip=0&top=25"
    assert theirs.path("/api/jobs") == "/v2/work-orders?order=newest"
    assert Routes(first_page=0).path("/api/jobs?page=1&limit=25") == "/api/jobs?page=0&limit=25"
    assert Routes(pages="none").path("/api/jobs?page=1&limit=25") == "/api/jobs"


def test_an_answer_comes_in_the_contracts_shape() -> None:
    """Out of their envelope, by our names; whatever else stands in a job stays."""
    told = THEIRS.answer(b'{"result":{"items":[{"id":"a","version":3,"colour":"red"}],"total":1}}')

    assert orjson.loads(told) == {"data": [{"id": "a", "revision": 3, "colour": "red"}]}


def test_a_bare_answer_is_wrapped() -> None:
    """A list without an envelope, and a job that stands bare where others are wrapped."""
    assert orjson.loads(Routes(envelope="").answer(b'[{"id":"a"}]')) == {"data": [{"id": "a"}]}
    assert orjson.loads(THEIRS.answer(b'{"id":"a","version":4}')) == {"data": {"id": "a", "revision": 4}}


@pytest.mark.parametrize(
    ("routes", "of", "told", "ours"),
    [
        (Routes(lists={"jobs": "rows"}), "jobs", {"rows": [{"id": "a"}], "data": 1}, {"data": [{"id": "a"}]}),
        (Routes(lists={"documents": ""}), "documents", [{"id": "a"}], {"data": [{"id": "a"}]}),
        (Routes(lists={"audit": ""}), "audit", [{"id": "a"}], {"data": {"events": [{"id": "a"}]}}),
        (Routes(lists={"audit": "log.rows"}), "audit", {"log": {"rows": []}}, {"data": {"events": []}}),
        (Routes(envelope="result"), "audit", {"result": {"events": []}}, {"data": {"events": []}}),
        (Routes(envelope=""), "audit", {"events": []}, {"data": {"events": []}}),
        (Routes(lists={"audit": ""}), "jobs", {"data": []}, {"data": []}),
    ],
)
def test_each_list_has_a_place_of_its_own(routes: Routes, of: str, told: Any, ours: Any) -> None:
    """From the top of its answer; empty: the body itself is the list. What is not named is where it was."""
    assert orjson.loads(routes.answer(orjson.dumps(told), of)) == ours


@pytest.mark.parametrize("of", LISTS)
@pytest.mark.parametrize("content", [b'{"data":{"rows":3}}', b'{"rows":{"id":"a"}}', b"{}", b"[]", b"3"])
def test_a_list_that_is_not_in_its_place_is_not_guessed(of: str, content: bytes) -> None:
    """Whoever reads it says so, with what it found."""
    assert Routes(lists=dict.fromkeys(LISTS, "rows")).answer(content, of) == content


def test_what_is_no_answer_is_left_alone() -> None:
    """An error page; and every byte of a backend that is the contract's."""
    assert THEIRS.answer(b"<html>") == b"<html>"
    assert PLAIN.answer(b'{"data": [],  "request_id":"x"}') == b'{"data": [],  "request_id":"x"}'


def test_requests_are_made_by_their_names() -> None:
    """And a request without a body has none."""
    assert THEIRS.body({"client_name": "A", "location": "B"}) == {"customer": "A", "location": "B"}
    assert THEIRS.body(None) is None


def test_what_cannot_be_a_route_is_named() -> None:
    """A name that is none, a path that does not begin, an id that has no place."""
    wrong = {"joobs": "/x", "jobs": "x", "flag": "/flags", "archive": "/jobs/{job}/archive"}

    assert list(unknown_routes(wrong)) == [
        f"unknown route 'joobs'; there are: {', '.join(CONTRACT)}",
        "jobs = 'x' must begin with /",
        "flag = '/flags' must have {job} where the job's id stands",
    ]


def test_what_answers_no_list_is_named() -> None:
    """One job is no list."""
    assert list(unknown_lists(["audit", "job"])) == ["'job' answers no list; there are: jobs, documents, audit"]


def test_a_table_travels_as_json() -> None:
    """To the drivers, through a pipe."""
    assert Routes(**orjson.loads(orjson.dumps(THEIRS.to_json()))) == THEIRS
