"""The life of an event in words that need no glossary, and as plain JSON."""

import orjson

from loadtests.analysis.explained import json_of, lines_of
from tests.analysis.lives import story_of_one
from tests.analysis.test_explain import explain, in_time


def test_each_stamp_is_a_line_in_ms_since_due() -> None:
    """The commit says how well the clocks are known."""
    lines = lines_of(explain(in_time()))

    assert lines[0] == "event e0: job_updated in organization 0, job job, update by mutation 0"
    assert lines[1] == "in ms since due, which was 5.000 s into the measurement"
    assert "          +5.0  committed  (± 0.05 ms, by the database's clock)" in lines
    assert "1 of its subscribers: delivered once, within the deadline" in lines
    assert "        +600.0  visible" in lines


def test_what_never_happened_says_so() -> None:
    """And why it counts as it does."""
    lines = lines_of(explain(story_of_one().live(0)))

    assert "subscriber 0: missed while live; cause: unexplained" in lines
    assert "         never  received" in lines


def test_the_rest_of_many_is_announced() -> None:
    """Five of seven are told."""
    lines = lines_of(explain(story_of_one(subscribers={"count": 7, "web": 0}).live(*range(7))))

    assert "the worst 5 of them follow; --subscriber N tells of another one" in lines


def test_the_same_is_plain_json() -> None:
    """It reads back as it was written."""
    told = json_of(explain(in_time()))

    assert orjson.loads(orjson.dumps(told)) == told
    assert told["subscribers"][0]["stamps"][2] == {"what": "received", "at_ms": 10.0, "detail": None}
    assert told["classes"] == {"delivered_once": 1}
