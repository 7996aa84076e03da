"""Each difference between a view and the truth names the event that should have put it right."""

from loadtests.clients.requests import Cause
from tests.analysis.lives import story_of_one


def test_each_difference_names_the_event_that_should_have_caused_it() -> None:
    """The change was missed while live; the seeded job was never there to be seen."""
    story = story_of_one().live(0).true_job("seeded", 1).fetch(0, 4000, 4010, "old", cause=Cause.CATCH_UP)

    told = story.metrics()["convergence"]["differences"]

    assert told["by_delivery"] == {"missed_live": 1, "no_event": 1}
    assert {"device": 0, "job": "job", "what": "old_revision", "event": "e0"}.items() <= told["examples"][0].items()
    assert (told["examples"][0]["committed_s"], told["examples"][0]["delivery"]) == (5.005, "missed_live")
    assert told["examples"][1]["what"] == "missing"
