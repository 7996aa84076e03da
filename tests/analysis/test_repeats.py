"""Jobs that stand twice on a screen."""

from loadtests.analysis.repeats import repeating_answers
from tests.analysis.literal import Story


def test_a_list_with_a_job_twice_is_counted_for_each_device_that_got_it() -> None:
    """Two devices were given it, one of them twice; the other list holds each job once."""
    story = Story().clock().live(0, 1)
    story.body("twice", ("job", 1), ("other", 1), ("job", 1)).body("once", ("job", 1), ("other", 1))
    story.fetch(0, 100, 110, "twice").fetch(0, 200, 210, "twice").fetch(1, 100, 110, "twice").fetch(1, 300, 310, "once")

    assert repeating_answers(story.run().screens) == 3
