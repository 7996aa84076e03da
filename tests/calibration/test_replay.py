"""What faults come to when several of them hit the same frame."""

from typing import Any

from loadtests.calibration.replay import replay


def fault_of(kind: str, *frames: str, **parameters: Any) -> dict[str, Any]:
    """Return the account of a fault; each frame is one event for one subscriber."""
    details = [{"event": frame, "channel": "anna"} for frame in frames]
    return {"kind": kind, "parameters": parameters, "planted": len(details), "details": details}


def test_each_fault_alone_comes_to_its_count() -> None:
    """One frame each."""
    expected = replay(
        [
            fault_of("drop", "a", "b"),
            fault_of("duplicate", "c"),
            fault_of("degraded", "d"),
            fault_of("delay", "e", ms=9),
        ],
        deadline_ms=5,
    )

    assert (expected.missed, expected.duplicate, expected.degraded, expected.late) == ({"drop": 2}, 1, 1, 1)
    assert expected.stacked == 0


def test_a_degraded_frame_that_is_doubled_is_degraded_twice() -> None:
    """And is one duplicate, however late its double was."""
    expected = replay(
        [fault_of("degraded", "a"), fault_of("duplicate", "a"), fault_of("delay", "a", ms=9)], deadline_ms=5
    )

    assert (expected.degraded, expected.duplicate, expected.late, expected.stacked) == (2, 1, 0, 1)


def test_a_frame_delayed_twice_may_be_late_though_neither_delay_was_long() -> None:
    """3 ms and 3 ms; and one of 4 ms alone is in time."""
    expected = replay([fault_of("delay", "a", "b", ms=3), fault_of("delay", "a", ms=3)], deadline_ms=5)

    assert expected.late == 1


def test_what_was_withheld_counts_for_the_kind_that_did_it() -> None:
    """Whatever else is said of other frames."""
    expected = replay([fault_of("deaf", "a", "b"), fault_of("discard", "c"), fault_of("leak", "c")], deadline_ms=5)

    assert expected.missed == {"deaf": 2, "discard": 1}


def test_the_same_event_for_somebody_else_is_another_frame() -> None:
    """Two subscribers lost it."""
    drop = fault_of("drop", "a")
    other = {**drop, "details": [{"event": "a", "channel": "otto"}]}

    assert replay([drop, other], deadline_ms=5).missed == {"drop": 2}
