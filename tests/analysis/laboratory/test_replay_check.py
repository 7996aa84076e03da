"""Whether the replay of the live policy makes as many refreshes as the run did."""

from typing import Any

from loadtests.analysis.laboratory.policy_grid import live
from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.replay_check import ReplayCheck, check_replay
from loadtests.analysis.laboratory.what_if import laboratory_of, recorded
from loadtests.clients.roles import models_of
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def check_of(story: Story) -> ReplayCheck:
    """Return the check of a story."""
    run, models = story.run(), models_of(story.scenario)
    traces = read_traces(run, models, story.history.names)
    laboratory = laboratory_of(run, traces, models, seed=1)
    own = live(story.scenario)
    return check_replay(run, traces, own, recorded=recorded(run, laboratory), replayed=laboratory.replay(own))


def one_signal(model: DeviceModel = DeviceModel.IOS, **subscribers: Any) -> Story:
    """Return a signal at 110 ms that asks for a refresh."""
    story = Story(subscribers={"count": 1, "web": 0, **subscribers}).clock().live(0, model=model)
    return story.body("page", ("job", 2)).mutation(0, 100).signal(0, "e0", 110, batch=1)


def test_a_run_that_kept_to_its_policy_is_repeated() -> None:
    """One refresh, as recorded."""
    check = check_of(one_signal().fetch(0, 610, 620, "page", batch=1))

    assert (check.deviation, check.is_faithful, check.reasons) == (0.0, True, ())


def test_a_run_that_did_not_is_found_out() -> None:
    """Recorded twice, where the policy makes one: half of it is missing."""
    check = check_of(one_signal().fetch(0, 610, 620, "page", batch=1).fetch(0, 640, 650, "page", batch=1))

    assert (check.deviation, check.is_faithful) == (-0.5, False)


def test_two_models_that_are_wrong_do_not_make_one_that_is_right() -> None:
    """A hundred in all, as recorded: two too many here, two too few there."""
    recorded = {DeviceModel.IOS: 50, DeviceModel.WEB: 50}
    check = ReplayCheck(recorded=recorded, replayed={DeviceModel.IOS: 52, DeviceModel.WEB: 48}, reasons=())

    assert (check.deviation, check.is_faithful) == (0.0, False)
    assert ReplayCheck(recorded=recorded, replayed={DeviceModel.IOS: 51, DeviceModel.WEB: 50}, reasons=()).is_faithful
    assert not ReplayCheck(recorded={}, replayed={DeviceModel.IOS: 1}, reasons=()).is_faithful


def test_failures_are_a_reason() -> None:
    """In a replay nothing fails."""
    check = check_of(one_signal().fetch(0, 610, 620, None, batch=1).fetch(0, 640, 650, "page", batch=1))

    assert check.reasons == ("1 re-fetches failed, and in a replay none does",)


def test_jitter_is_a_reason() -> None:
    """It is drawn anew."""
    hybrid = one_signal(DeviceModel.HYBRID, ios=0, hybrid=1).fetch(0, 610, 620, "page", batch=1)

    assert check_of(hybrid).reasons == (
        "hybrid draws up to 250 ms of jitter for each flush, and the replay draws anew",
    )


def test_late_timers_are_a_reason() -> None:
    """The window ended at 610 ms, and what came at 700 was still taken in."""
    story = (
        one_signal().mutation(1, 690, revision=3).signal(0, "e1", 700, batch=1).fetch(0, 1200, 1210, "page", batch=1)
    )

    check = check_of(story)

    assert (check.deviation, check.is_faithful) == (1.0, False)
    assert check.reasons == ("1 signals fell into a batch that was over, because its timer came late",)


def test_signals_that_are_not_understood_again_are_a_reason() -> None:
    """A signal of an event that nobody ever named, which asked for a refresh all the same."""
    story = one_signal().fetch(0, 610, 620, "page", batch=1).signal(0, "nobody knows", 3000, batch=2)

    assert check_of(story).reasons == ("1 signals asked for a refresh that they do not ask for in a replay",)


def test_it_is_told_by_model() -> None:
    """With the sums beside it."""
    told = check_of(one_signal().fetch(0, 610, 620, "page", batch=1)).to_json()

    assert told["by_model"] == {"ios": {"recorded": 1, "replayed": 1}}
    assert (told["recorded"], told["replayed"], told["is_faithful"]) == (1, 1, True)
