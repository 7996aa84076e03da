"""Answers that were older than what had caused them."""

from loadtests.analysis.freshness import Freshness, stale_answers
from loadtests.clients.requests import Cause
from tests.analysis.literal import Story


def freshness_of(story: Story) -> Freshness:
    """Return the stale answers of a story."""
    run = story.run()
    ends = run.screens.requests.by_batch(run.window.holds(run.screens.requests.requested_ns))
    return stale_answers(run.pairs, run.events, run.signals, ends)


def story_of_one() -> Story:
    """Return one event that one device heard of in its batch 1."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("job", 2).mutation(0, 100)
    return story.body("old", ("job", 1)).body("new", ("job", 2)).signal(0, "e0", 110, batch=1)


def test_an_answer_older_than_its_cause_is_stale_until_a_later_one_heals_it() -> None:
    """The flush was answered with revision 1 at 620 ms; revision 2 came at 900 ms."""
    story = story_of_one().fetch(0, 611, 620, "old", batch=1).fetch(0, 890, 900, "new", cause=Cause.CATCH_UP)

    fresh = freshness_of(story)

    assert (fresh.answered, fresh.stale, fresh.healed_ms.tolist()) == (1, 1, [280.0])


def test_an_answer_that_shows_its_cause_is_fresh() -> None:
    """Revision 2 for revision 2."""
    fresh = freshness_of(story_of_one().fetch(0, 611, 620, "new", batch=1))

    assert (fresh.answered, fresh.stale) == (1, 0)


def test_a_flush_whose_fetch_failed_is_not_stale() -> None:
    """It had no answer to judge."""
    assert freshness_of(story_of_one().fetch(0, 611, 620, None, batch=1)).answered == 0
