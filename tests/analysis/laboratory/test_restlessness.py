"""Starvation in metrics.json, from whole histories."""

from typing import Any

import pytest

from loadtests.history.kinds import Kind
from tests.analysis.literal import Story


def story_of(rate_ms: int, changes: int, *, devices: int = 1, **target: Any) -> Story:
    """Return one iOS device that is looked at, and changes so many milliseconds apart that all fall into one batch."""
    phases = [{"name": "load", "duration_s": 10, "mutations_per_s": 1, "arrivals": "even"}]
    story = Story(subscribers={"count": devices, "web": 0}, phases=phases, target=target).clock().live(0)
    for number in range(changes):
        story.mutation(number, 1000 + number * rate_ms, revision=number + 2)
        story.signal(0, f"e{number}", 1010 + number * rate_ms, batch=1)
    return story


def test_a_restless_phase_starves_its_batch() -> None:
    """Ten changes 400 ms apart, flushed half a second after the last: the first one waited for 4.1 s."""
    told = story_of(400, 10).row(Kind.FLUSH, 1010 + 3600 + 500, actor=0, value=1).metrics()["starvation"]

    assert told["longest_ms"]["max"] == 4100
    assert told["waited_long"] == 1
    assert told["lives_on"] == "nothing"
    assert told["phases"]["load"] == {
        "batches": 1,
        "never_flushed": 0,
        "wait_ms_mean": 4100,
        "observations": 1,
        "wait_ms_standard_error": None,
        "events_per_s": 1.0,
        "theory_ms": 500,
    }


def test_a_batch_that_was_given_up_is_counted_apart() -> None:
    """Nobody flushed it: it is in no mean, and in the longest wait with what it waited at least."""
    told = story_of(400, 10).metrics()["starvation"]

    assert told["never_flushed"] == 1
    assert told["phases"]["load"]["wait_ms_mean"] is None
    assert told["longest_ms"]["max"] == pytest.approx(20_000 - 1010)


def test_events_come_so_often_while_somebody_looks() -> None:
    """Ten in the 4 s until the load was cut short; another device that nobody ever switched on heard none."""
    story = story_of(300, 10, devices=2).row(Kind.ENDED, 4000)

    assert story.metrics()["starvation"]["phases"]["load"]["events_per_s"] == 2.5


def test_what_comes_while_nobody_looks_is_no_event() -> None:
    """Of nine changes four come in the 5 s of looking, which are what the theory is of."""
    story = story_of(1000, 9).away(0, 4500, 9500)

    assert story.metrics()["starvation"]["phases"]["load"]["events_per_s"] == pytest.approx(4 / 5)


def test_a_gap_in_which_nobody_looked_ends_no_window() -> None:
    """Three changes a second apart leave two gaps; while one of these lasts, they look away and back."""
    assert story_of(1000, 3).metrics()["starvation"]["ending_gaps"] == 2
    assert story_of(1000, 3).away(0, 2200, 2800).metrics()["starvation"]["ending_gaps"] == 1


def test_on_a_polling_feed_there_is_no_theory() -> None:
    """Its batches are no random arrivals."""
    assert story_of(400, 10, feed="supabase").metrics()["starvation"]["phases"]["load"]["theory_ms"] is None
