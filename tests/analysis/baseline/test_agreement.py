"""When the harness may be held against arithmetic, and what that comes to."""

from collections.abc import Sequence
from typing import Any

import pytest

from loadtests.clients.requests import Cause
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def told(
    changes: int, *, late_ms: Sequence[float] = (0,) * 5, took_ms: float = 10, fails: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return what is told of one poller every 2 s, and the remarks; `late_ms`: how late each poll was sent."""
    story = Story(subscribers={"count": 0}, pollers=[{"interval_s": 2, "count": 1}]).clock()
    story.live(0, model=DeviceModel.POLLER).true_job("job", changes + 1)
    step_ms = 8000 / max(changes, 1)
    for change in range(changes):
        story.mutation(change, 50 + change * step_ms, revision=change + 2)
    for poll, late in enumerate(late_ms):
        at_ms = 500 + 2000 * poll
        stored = sum(53 + change * step_ms <= at_ms + late for change in range(changes))
        story.body(f"body {poll}", ("job", stored + 1))
        body = None if fails and poll == 3 else f"body {poll}"
        story.fetch(0, at_ms + late, at_ms + late + took_ms, body, cause=Cause.POLL, wanted_ms=at_ms)
    metrics = story.metrics()
    return metrics["polling"]["2s"], metrics["health"]["remarks"]


def test_a_harness_that_polls_on_time_agrees_with_arithmetic() -> None:
    """Forty changes, each seen by the next poll."""
    polling, remarks = told(40)

    assert (polling["check"], polling["computed_pairs"], remarks) == ("agrees", 40, [])
    assert polling["mean_over_computed"] == 1


def test_polls_that_wait_before_they_are_sent_are_no_low_load() -> None:
    """From due to answered counts: one poll of five waits for 300 ms, wherever."""
    polling, remarks = told(40, late_ms=(0, 0, 300, 0, 0))

    assert polling["check"].startswith("not applicable: the load is not low, 95% of the polls took up to 310 ms")
    assert remarks == []


def test_few_pairs_say_nothing() -> None:
    """Below thirty one late poll would be more than the band."""
    polling, _ = told(29)

    assert polling["check"] == "not applicable: 29 pairs were seen, it needs 30"


def test_a_poll_that_fails_is_no_fault_of_the_harness() -> None:
    """What it would have shown comes an interval later."""
    polling, _ = told(40, fails=True)

    assert polling["check"] == "not applicable: 1 of the polls failed"


def test_slow_answers_are_said_to_be_slow() -> None:
    """Within 2% of 2 s, 40 ms, a fetch may take what it will."""
    assert told(40, took_ms=40)[0]["check"] == "agrees"
    assert told(40, took_ms=41)[0]["check"].startswith("not applicable: the load is not low")


@pytest.mark.parametrize("missed", [1, 3])
def test_a_poll_left_out_is_found(missed: int) -> None:
    """It never was sent, so nothing was slow and nothing failed; what it would have shown came an interval late."""
    story = Story(subscribers={"count": 0}, pollers=[{"interval_s": 2, "count": 1}]).clock()
    story.live(0, model=DeviceModel.POLLER).true_job("job", 41)
    for change in range(40):
        story.mutation(change, 50 + change * 200, revision=change + 2)
    for poll in (poll for poll in range(6) if poll != missed):
        at_ms = 500 + 2000 * poll
        story.body(f"body {poll}", ("job", 1 + sum(53 + change * 200 <= at_ms for change in range(40))))
        story.fetch(0, at_ms, at_ms + 10, f"body {poll}", cause=Cause.POLL)
    metrics = story.metrics()

    assert metrics["polling"]["2s"]["check"] == "differs"
    assert metrics["health"]["remarks"][0].startswith(
        "the harness disagrees with itself: polling 2s was measured at 1."
    )
    assert metrics["health"]["reasons"] == []
