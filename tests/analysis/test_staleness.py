"""How long the oldest change that a device should show has been promised, over time."""

from typing import Any

import numpy as np

from loadtests.analysis.attention import read_looks
from loadtests.analysis.staleness import Staleness, staleness
from loadtests.clients.requests import Cause
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story


def staleness_of(story: Story) -> Staleness:
    """Return the staleness of all devices of a story in its 10 s."""
    run = story.run()
    chosen = np.flatnonzero(run.pairs.on_screen)
    looks = read_looks(run.presence, run.devices)
    return staleness(
        run.pairs, run.mutations, chosen, run.window, looks=looks, device_ns=len(run.devices) * 10_000 * MS
    )


def story_of_one(**changes: Any) -> Story:
    """Return one device and a job of revision 3."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().live(0).true_job("job", 3)
    return story.body("two", ("job", 2)).body("three", ("job", 3))


def test_age_grows_from_the_ack_until_the_change_is_shown() -> None:
    """Acked at 1,000 ms, shown at 3,000 ms: a triangle of 2 s in 10 s is 200 ms on average."""
    story = story_of_one().mutation(0, 990).fetch(0, 2990, 3000, "two")

    stale = staleness_of(story)

    assert (stale.intervals, stale.changes, stale.mean_ms) == (1, 1, 200.0)
    assert stale.quantiles().max == 2000.0


def test_the_oldest_open_change_tells_the_age() -> None:
    """Changes acked at 1 and 2 s, shown together at 3 s: one interval; the second adds nothing."""
    story = story_of_one().mutation(0, 990).mutation(1, 1990, revision=3).fetch(0, 2990, 3000, "three")

    stale = staleness_of(story)

    assert (stale.intervals, stale.changes, stale.mean_ms) == (1, 2, 200.0)


def test_the_next_change_tells_the_age_once_the_oldest_is_shown() -> None:
    """Acked at 1 and 2 s, shown at 3 and 5 s: ages 0 to 2, then 1 to 3: (2 + 4) s² in 10 s."""
    story = story_of_one().mutation(0, 990).mutation(1, 1990, revision=3)
    story.fetch(0, 2990, 3000, "two").fetch(0, 4990, 5000, "three")

    stale = staleness_of(story)

    assert (stale.intervals, stale.mean_ms) == (1, 600.0)
    assert stale.quantiles().max == 3000.0


def test_a_job_that_still_stands_on_the_screen_after_its_archive_is_stale() -> None:
    """The archive itself takes the job off page 1; the screen is right only when it no longer shows the job."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("job", 2, is_archived=True)
    story.mutation(0, 990, kind=MutationKind.ARCHIVE).body("empty").fetch(0, 2990, 3000, "empty")

    stale = staleness_of(story)

    assert (stale.intervals, stale.changes, stale.mean_ms) == (1, 1, 200.0)


def test_a_change_that_is_never_shown_is_stale_to_the_end_of_the_window() -> None:
    """Acked at 8 s of 10."""
    assert staleness_of(story_of_one().mutation(0, 7990)).quantiles().max == 2000.0


def test_a_change_shown_before_its_ack_is_not_stale() -> None:
    """The answer overtook the response."""
    stale = staleness_of(story_of_one().mutation(0, 990).fetch(0, 994, 996, "two"))

    assert (stale.intervals, stale.mean_ms, stale.quantiles().max) == (0, 0.0, 0.0)


def test_staleness_ends_when_the_job_leaves_the_screen() -> None:
    """25 newer jobs push it off the page at 3 s."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("job", 2).mutation(0, 990)
    for number in range(24):
        story.true_job(f"newer-{number}", 1, created_ms=-1000 + number)
    story.true_job("newest", 1, created_ms=3000)

    assert staleness_of(story).quantiles().max == 2000.0


def test_the_median_over_time_counts_time_and_not_changes() -> None:
    """Stale for 6 of 10 s, from age 0 to 6 s: for half of the time the age is at most 1 s."""
    story = story_of_one().mutation(0, 1990).fetch(0, 7990, 8000, "two", cause=Cause.CATCH_UP)

    assert staleness_of(story).quantiles().p50 == 1000.0
