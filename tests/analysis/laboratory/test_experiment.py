"""One run under many policies, by the way where it is small."""

from loadtests.analysis.analyse import analyse
from loadtests.analysis.laboratory.experiment import affordable_experiment, decisions
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def story_of(model: DeviceModel = DeviceModel.IOS, **shares: float) -> Story:
    """Return a device that received one signal and refreshed once."""
    story = Story(subscribers={"count": 1, "web": 0, **shares}).clock().live(0, model=model)
    story.body("page", ("job", 2)).mutation(0, 1000).signal(0, "e0", 1010, batch=1)
    return story.fetch(0, 1510, 1530, "page", batch=1)


def test_a_small_run_is_replayed_by_every_analysis() -> None:
    """The same history yields the same document."""
    story = story_of()
    once, again = (analyse(story.history, story.scenario, story.population).replay for _ in range(2))

    assert once is not None
    assert once == again
    assert (once["signals"], len(once["policies"]), once["check"]["is_faithful"]) == (1, 101, True)


def test_a_run_without_an_answer_has_nothing_to_replay() -> None:
    """How long a fetch takes is not known."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).mutation(0, 100).signal(0, "e0", 110, batch=1)

    assert affordable_experiment(story.run(), story.scenario, story.history.names) is None


def test_what_goes_through_state_machines_costs_more() -> None:
    """A hybrid's fetches depend on one another."""
    plain, hybrid = story_of(), story_of(DeviceModel.HYBRID, ios=0, hybrid=1)

    assert decisions(plain.run(), plain.scenario) == 103
    assert decisions(hybrid.run(), hybrid.scenario) == 103 * 50


def test_a_large_run_is_left_to_the_verb() -> None:
    """What an analysis may spend is bounded."""
    story = story_of()

    assert affordable_experiment(story.run(), story.scenario, story.history.names, affordable=102) is None
