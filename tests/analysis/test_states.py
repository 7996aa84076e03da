"""Where the subscribers were, in bins of a second."""

import numpy as np
import pytest

from loadtests.analysis.results import States
from loadtests.analysis.states import device_states
from loadtests.history.kinds import Kind
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story

FOUR_SECONDS = [{"name": "load", "duration_s": 4, "mutations_per_s": 1}]


def states_of(story: Story) -> States:
    """Return where the subscribers of a story were."""
    run = story.run()
    return device_states(run.presence, run.devices, run.window)


def test_a_device_counts_for_the_part_of_a_bin_that_it_was_in_a_state() -> None:
    """One looks away from 0.5 s to 2.25 s; the other is cut off from 1 s to 1.25 s and logs out at 3.5 s."""
    story = Story(phases=FOUR_SECONDS).lives(0, -5000, 20_000).away(0, 500, 2250)
    states = states_of(story.lives(1, -5000, 3500).down(1, 1000, 1250))

    assert states.begin_s.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert states.away.tolist() == [0.5, 1.0, 0.25, 0.0]
    assert states.not_live.tolist() == [0.0, 0.25, 0.0, 0.0]
    assert states.logged_out.tolist() == [0.0, 0.0, 0.0, 0.5]
    assert states.live.tolist() == [1.5, 0.75, 1.75, 1.5]
    assert states.is_eventful


def test_who_is_cut_off_while_nobody_looks_is_away() -> None:
    """Nobody is kept waiting."""
    states = states_of(Story(phases=FOUR_SECONDS).live(0, 1).away(0, 1000, 3000).down(0, 1500, 3500))

    assert states.away.tolist() == [0.0, 1.0, 1.0, 0.0]
    assert states.not_live.tolist() == [0.0, 0.0, 0.0, 0.5]


def test_a_run_that_was_cut_short_is_told_until_then() -> None:
    """Stopped after 1.5 s, when all log out: that is no logout of theirs."""
    story = Story(phases=FOUR_SECONDS).lives(0, -5000, 1500).lives(1, -5000, 1500).away(1, 1000, 1250)
    states = states_of(story.row(Kind.ENDED, 1500))

    assert (states.live.tolist(), states.away.tolist()) == ([2.0, 1.5], [0.0, 0.5])
    assert states.logged_out.tolist() == [0.0, 0.0]


def test_pollers_are_in_no_state() -> None:
    """They have no connection; devices that never logged in are logged out."""
    story = (
        Story(phases=FOUR_SECONDS, pollers=[{"interval_s": 5, "count": 1}]).live(0).live(2, model=DeviceModel.POLLER)
    )
    states = states_of(story)

    assert (states.live.tolist(), states.logged_out.tolist()) == ([1.0] * 4, [1.0] * 4)


@pytest.mark.parametrize("seed", range(3))
def test_the_states_of_all_subscribers_add_up(seed: int) -> None:
    """Whatever they did: in each bin every device is in some state all the time."""
    random = np.random.default_rng(seed)
    story = Story(subscribers={"count": 20, "web": 0})
    for device in range(20):
        begin, away, back, cut, live, end = np.sort(random.uniform(-3000, 12_000, 6)).tolist()
        story.lives(device, begin, end).away(device, away, back).down(device, cut, live)
    states = states_of(story)

    assert states.is_eventful
    assert (states.live + states.away + states.not_live + states.logged_out).tolist() == pytest.approx([20.0] * 10)


def test_devices_that_are_live_all_the_time_are_uneventful() -> None:
    """There is nothing to draw."""
    assert not states_of(Story().live(0, 1)).is_eventful


def test_pairs_are_told_by_client_model() -> None:
    """Of each that takes part, and of no other."""
    story = Story(subscribers={"count": 2, "ios": 1, "web": 1, "web_open_job": 0}).clock().true_job("job", 2)
    models = [device.model for device in story.population.subscribers]
    story.live(0, model=models[0]).live(1, model=models[1]).mutation(0, 5000).body("new", ("job", 2))
    series = story.fetch(models.index(DeviceModel.IOS), 5500, 5600, "new").results().series

    assert {model: values.tolist() for model, values in series.client_visibility_ms.items()} == {
        "ios": [600.0],
        "web": [np.inf],
    }
