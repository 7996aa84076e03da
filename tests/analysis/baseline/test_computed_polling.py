"""Polling computed from commits alone: phases and intervals in, visibility out."""

import pytest

from loadtests.analysis.baseline.computed_polling import ComputedPolling, computed_polling
from loadtests.clients.requests import Cause
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def computed(story: Story) -> ComputedPolling:
    """Return the cohort that polls every 2 s."""
    run = story.run()
    return computed_polling(0, 2, pairs=run.pairs, mutations=run.mutations, requests=run.screens.requests)


def polled(*polls: tuple[float, float, str]) -> Story:
    """Return one poller and its polls: due, answered, body."""
    story = Story(subscribers={"count": 0}, pollers=[{"interval_s": 2, "count": 1}]).clock()
    story.live(0, model=DeviceModel.POLLER).true_job("job", 4)
    story.body("old", ("job", 1)).body("new", ("job", 2)).body("newer", ("job", 3))
    for due_ms, answered_ms, body in polls:
        story.fetch(0, due_ms, answered_ms, body, cause=Cause.POLL)
    return story


def test_a_change_is_seen_by_the_next_poll() -> None:
    """Polls at 500 and 2,500 ms take 10; what was due at 1,000 and stored 3 ms later is seen at 2,510."""
    result = computed(polled((500, 510, "old"), (2500, 2510, "new")).mutation(0, 1000))

    assert (result.computed_ms.tolist(), result.measured_ms.tolist()) == ([1510], [1510])
    assert result.measured_over_computed == 1


def test_a_harness_that_polls_late_is_found_out() -> None:
    """The second poll was due at 2,500 ms and came at 3,000: half a second too much."""
    result = computed(polled((500, 510, "old"), (3000, 3010, "new")).mutation(0, 1000))

    assert (result.computed_ms_mean, result.measured_ms.tolist()) == (1510, [2010])
    assert result.measured_over_computed == pytest.approx(2010 / 1510)


def test_what_is_stored_at_the_moment_of_a_poll_is_in_it() -> None:
    """Due at 497 and stored at 500 ms, when the poll asks."""
    result = computed(polled((500, 510, "new")).mutation(0, 497))

    assert result.computed_ms.tolist() == [13]


def test_what_was_there_before_the_first_poll_is_in_the_first_poll() -> None:
    """However long before."""
    result = computed(polled((4500, 4510, "new")).mutation(0, 100))

    assert result.computed_ms.tolist() == [4410]


def test_what_was_never_seen_is_left_out() -> None:
    """There is nothing to compare; the account of what is missed is another one."""
    result = computed(polled((500, 510, "old")).mutation(0, 1000))

    assert (result.computed_ms_mean, result.measured_over_computed) == (None, None)


def test_many_changes_have_one_mean() -> None:
    """Two changes within one interval are seen together."""
    story = polled((500, 510, "old"), (2500, 2510, "newer")).mutation(0, 1000).mutation(1, 2000, revision=3)

    assert computed(story).computed_ms_mean == (1510 + 510) / 2
