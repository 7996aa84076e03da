"""What each phase of the load cost each client model."""

from typing import Any

from loadtests.history.kinds import Kind
from tests.analysis.literal import Story

TWO_PHASES = [
    {"name": "first", "duration_s": 5, "mutations_per_s": 1},
    {"name": "second", "duration_s": 5, "mutations_per_s": 1},
]


def phases_of(story: Story) -> Any:
    """Return the part of metrics.json that tells of the phases `first` (from 0 s) and `second` (from 5 s)."""
    return story.row(Kind.PHASE, 5000, value=1).metrics()["phases"]


def test_a_refresh_belongs_to_the_phase_of_the_mutation_that_led_to_it() -> None:
    """The mutation was due at the end of the first phase, the refresh came in the second."""
    story = Story(phases=TWO_PHASES).clock().live(0, 1).mutation(0, 4900).body("new", ("job", 2))
    story.signal(0, "e0", 4910, batch=1).signal(1, "e0", 4910, batch=2)
    story.fetch(0, 5411, 5420, "new", batch=1).fetch(1, 5411, 5420, "new", batch=2)

    told = phases_of(story)

    assert told["first"]["mutations"] == 1
    assert told["first"]["ios"] == {"devices": 2, "signals": 2, "refreshes": 2, "refreshes_per_device": 1.0}
    assert told["second"]["ios"]["refreshes"] == 0


def test_a_batch_over_two_phases_belongs_to_its_last_signal() -> None:
    """One refresh for two mutations: the second restarted the debounce."""
    story = Story(phases=TWO_PHASES).clock().live(0).mutation(0, 4900).mutation(1, 5100, revision=3)
    story.body("new", ("job", 3)).signal(0, "e0", 4910, batch=1).signal(0, "e1", 5110, batch=1)
    story.fetch(0, 5611, 5620, "new", batch=1)

    told = phases_of(story)

    assert (told["first"]["ios"]["signals"], told["first"]["ios"]["refreshes"]) == (1, 0)
    assert (told["second"]["ios"]["signals"], told["second"]["ios"]["refreshes"]) == (1, 1)


def test_models_that_take_part_are_told_and_no_others() -> None:
    """Nobody is not the same as a device that never refreshed."""
    models = {"count": 2, "ios": 1, "web": 0, "ios_as_built": 1}
    story = Story(phases=TWO_PHASES, subscribers=models).clock().live(0, 1).mutation(0, 100)

    told = phases_of(story)

    assert list(told["first"]) == ["mutations", "ios", "ios_as_built"]
    assert told["first"]["ios_as_built"] == {"devices": 1, "signals": 0, "refreshes": 0, "refreshes_per_device": 0.0}
