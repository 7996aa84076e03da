"""The table of causes, and the example that stands for each row."""

from typing import Any

from loadtests.history.kinds import DownCause, Kind
from tests.analysis.literal import MS, Story
from tests.analysis.voices import voices


def table_of(story: Story) -> Any:
    """Return `delivery.table` of a history."""
    return story.metrics()["delivery"]["table"]


def test_a_run_without_trouble_has_an_empty_table() -> None:
    """The usual case."""
    assert table_of(voices(["xxx", "xxx"])) == []


def test_rows_are_told_apart_by_class_cause_and_what_began_it() -> None:
    """Two closed with different codes, one expired, one lost frame."""
    story = voices(["x-x", "x-x", "x-x", "x-x", "xxx"])
    for device, cause, code in (
        (0, DownCause.CLOSED, 1012),
        (1, DownCause.CLOSED, 1006),
        (2, DownCause.TOKEN_EXPIRED, 0),
    ):
        story.row(Kind.DOWN, 90, actor=device, flag=cause, value=code).row(Kind.LIVE, 150, actor=device)

    rows = [(row["class"], row["cause"], row["began"], row["pairs"]) for row in table_of(story)]

    assert rows == [
        ("missed_live", "lost frame", "", 1),
        ("missed_unhealed", "socket down", "closed 1006", 1),
        ("missed_unhealed", "socket down", "closed 1012", 1),
        ("missed_unhealed", "token expired", "token expired", 1),
    ]


def test_the_example_of_misses_is_the_one_that_began_first() -> None:
    """Event, subscriber and stamps from the start of the load: enough to look it up."""
    (row,) = table_of(voices(["x-x-x", "xxxxx"]))

    assert row["pairs"] == 2
    assert row["example"] == {
        "event": "0.1",
        "subscriber": 0,
        "committed_ms": 100.0,
        "deadline_ms": 1100.0,
        "received_ms": None,
        "others_told_ms": 104.0,
        "began_ms": None,
        "faults": [],
    }


def test_the_example_of_late_ones_is_the_one_that_waited_longest() -> None:
    """1.5 s, 1.9 s."""
    (row,) = table_of(voices(["xLx.x", "xxxxx"]).signal(0, "0.3", 2200))

    assert (row["cause"], row["pairs"]) == ("late frame", 2)
    assert (row["example"]["event"], row["example"]["received_ms"]) == ("0.3", 2200.0)


def test_planted_faults_stand_beside_an_example_as_context() -> None:
    """The one that was over long before does not."""
    story = voices(["x-x", "xxx"])
    story.row(Kind.FAULT, 60, due_ns=50 * MS, value=1, entity='drop {"count": 1}')
    story.row(Kind.FAULT, -3000, due_ns=-3000 * MS, value=2, entity='deaf {"duration_s": 1.0}')

    (row,) = table_of(story)

    assert row["example"]["faults"] == ['fault: drop {"count": 1}']


def test_causes_are_counted_for_misses_and_for_late_ones_apart() -> None:
    """What `causes` has always meant are misses."""
    delivery = voices(["xL-x", "xxxx"]).metrics()["delivery"]

    assert (delivery["causes"], delivery["late_causes"]) == ({"lost frame": 1}, {"late frame": 1})
