"""What people do with their devices, drawn ahead from scenario and seed."""

from typing import Any

from loadtests.scenario.itinerary import Itineraries, Planned
from loadtests.scenario.model import Scenario
from loadtests.scenario.vocabulary import DeviceModel, Step

S = 1_000_000_000


def itineraries(count: int = 10, *, seed: int = 1, **changes: Any) -> Itineraries:
    """Return the plans of `count` subscribers during a load of 100 s."""
    scenario = Scenario.model_validate(
        {
            "name": "plans",
            "question": "Who does what, and when?",
            "organizations": {"count": 2},
            "subscribers": {"count": count, **changes.pop("subscribers", {})},
            "phases": [{"name": "load", "duration_s": 100, "mutations_per_s": 1}],
            **changes,
        }
    )
    return Itineraries(scenario, seed)


def who(plans: Itineraries, step: Step, count: int = 10) -> set[int]:
    """Return the subscribers that ever do a step."""
    return {index for index in range(count) if any(plan.step is step for plan in plans.of(index, DeviceModel.IOS))}


def test_a_share_is_exact_and_always_the_same_devices() -> None:
    """Half of ten is five; those who look away are those who come back; a smaller share are some of them."""
    plans = itineraries(
        lifecycle=[
            {"at_s": 10, "step": "background", "share": 0.5},
            {"at_s": 50, "step": "foreground", "share": 0.5},
            {"at_s": 60, "step": "kill", "share": 0.2},
        ]
    )
    away = who(plans, Step.BACKGROUND)

    assert len(away) == 5
    assert who(plans, Step.FOREGROUND) == away
    assert len(who(plans, Step.KILL)) == 2
    assert who(plans, Step.KILL) < away


def test_a_wave_takes_as_long_as_it_says() -> None:
    """Everybody opens the app at 20 s within 30 s: each at a moment of his own."""
    plans = itineraries(lifecycle=[{"at_s": 20, "step": "foreground", "within_s": 30}])
    moments = [plans.of(index, DeviceModel.WEB)[0].at_ns for index in range(10)]

    assert len(set(moments)) == 10
    assert 20 * S <= min(moments) < max(moments) <= 50 * S


def test_steps_may_be_for_some_models_alone() -> None:
    """The web stays where it is."""
    plans = itineraries(lifecycle=[{"at_s": 1, "step": "background", "models": ["ios"]}])

    assert plans.of(0, DeviceModel.IOS) == (Planned(1 * S, Step.BACKGROUND),)
    assert plans.of(0, DeviceModel.WEB) == ()


def test_who_is_at_home_is_logged_in_and_has_not_gone_to_the_other_organization() -> None:
    """Looks away do not count; a switch lasts over a logout, as on the device."""
    steps = ((1, "background"), (2, "switch"), (3, "logout"), (4, "login"), (5, "switch"), (6, "kill"), (7, "login"))
    plans = itineraries(organizations={"count": 2}, lifecycle=[{"at_s": at_s, "step": step} for at_s, step in steps])
    late = itineraries(lifecycle=[{"at_s": 5, "step": "login"}, {"at_s": 9, "step": "logout"}])
    ever = 1 << 62

    assert plans.at_home(0, DeviceModel.IOS) == [(-ever, 2 * S), (5 * S, 6 * S), (7 * S, ever)]
    assert late.at_home(0, DeviceModel.IOS) == [(5 * S, 9 * S)]
    assert itineraries(lifecycle=[]).at_home(0, DeviceModel.IOS) == [(-ever, ever)]


def test_whose_first_step_is_a_login_is_not_logged_in_before() -> None:
    """The others are."""
    plans = itineraries(
        lifecycle=[
            {"at_s": 5, "step": "login", "share": 0.3},
            {"at_s": 9, "step": "logout"},
            {"at_s": 12, "step": "login"},
        ]
    )

    assert sum(not plans.begins_logged_in(index, DeviceModel.IOS) for index in range(10)) == 3


def test_attention_comes_and_goes_and_is_back_when_the_load_ends() -> None:
    """Looking and looking away take turns; the draws follow the seed, each device has its own."""
    attention = {"attention": {"foreground_s": 10, "background_s": 5}}
    plans = itineraries(subscribers=attention)
    mine = plans.of(3, DeviceModel.IOS)

    assert [plan.step for plan in mine] == [Step.BACKGROUND, Step.FOREGROUND] * (len(mine) // 2)
    assert len(mine) >= 2
    assert all(plan.at_ns <= 100 * S for plan in mine)
    assert mine == itineraries(subscribers=attention).of(3, DeviceModel.IOS)
    assert mine != plans.of(4, DeviceModel.IOS)
    assert mine != itineraries(seed=2, subscribers=attention).of(3, DeviceModel.IOS)


def test_who_switches_is_a_member_of_both() -> None:
    """Only those who do."""
    plans = itineraries(lifecycle=[{"at_s": 5, "step": "switch", "share": 0.4}])

    assert sum(plans.switches(index, DeviceModel.IOS) for index in range(10)) == 4


def test_a_look_away_before_the_first_login_logs_nobody_in() -> None:
    """Who logs in at 50 s is not there before, however often people look away from their devices."""
    plans = itineraries(
        lifecycle=[{"at_s": 50, "step": "login"}], subscribers={"attention": {"foreground_s": 5, "background_s": 5}}
    )

    assert any(plans.of(index, DeviceModel.IOS)[0].step is Step.BACKGROUND for index in range(10))
    assert not any(plans.begins_logged_in(index, DeviceModel.IOS) for index in range(10))
