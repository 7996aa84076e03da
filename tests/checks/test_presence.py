"""Where each subscriber is and when, from its plan."""

from typing import Any

from loadtests.checks.presence import Stint, control_stints, stints
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population

ALL = {"name": "steady", "duration_s": 100, "mutations_per_s": 1}
END = 106.0
"""100 s of load, 5 s of deadline and one more."""


def told(count: int = 1, organizations: int = 1, **keys: Any) -> list[tuple[int, int, float, float, bool]]:
    """Return each stint: who, where, from, to, and whether on a socket of its own."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "organizations": {"count": organizations},
            "subscribers": {"count": count, "connects_per_s": 10, "web": 0, **keys.pop("subscribers", {})},
            "phases": [ALL],
            **keys,
        }
    )
    population = Population(scenario, seed=1, run_id="any")
    return [
        (each.subscriber, each.organization, round(each.begin_s, 6), each.end_s, each.is_new_socket)
        for each in stints(population)
    ]


def test_devices_log_in_one_after_another_before_the_load() -> None:
    """Ten a second, and all stay to the end of the drain."""
    assert told(count=2) == [(0, 0, -0.2, END, True), (1, 0, -0.1, END, True)]


def controls(*lifecycle: dict[str, Any]) -> list[Stint]:
    """Return where two official clients are that shadow the subscribers 0 and 2 of four in two organizations."""
    keys: dict[str, Any] = {
        "name": "any",
        "question": "What is the answer?",
        "organizations": {"count": 2},
        "subscribers": {"count": 4, "connects_per_s": 10, "control": 2},
        "phases": [ALL],
        "lifecycle": lifecycle,
    }
    return list(control_stints(Population(Scenario.model_validate(keys), seed=1, run_id="any")))


def control(shadows: int, organization: int, begin_s: float) -> Stint:
    """Return the stint of one that stays to the end."""
    return Stint(subscriber=shadows, organization=organization, begin_s=begin_s, end_s=END, is_new_socket=True)


def test_the_control_group_stays_though_those_leave_whom_it_shadows() -> None:
    """From the first login on, in their organizations."""
    assert controls({"at_s": 10, "step": "logout"}) == [control(0, 0, -0.4), control(2, 1, -0.4)]


def test_the_control_group_joins_with_those_whom_it_shadows() -> None:
    """Who logs in later is not awaited on the channel."""
    assert controls({"at_s": 10, "step": "login"}) == [control(0, 0, 10), control(2, 1, 10)]


def test_a_step_to_log_in_is_the_beginning() -> None:
    """Nothing before it; after a logout there may be another."""
    steps = [{"at_s": at_s, "step": step} for at_s, step in ((10, "login"), (20, "logout"), (50, "login"))]

    assert told(lifecycle=steps) == [(0, 0, 10, 20, True), (0, 0, 50, END, True)]


def test_in_the_background_a_device_keeps_its_channel() -> None:
    """The design; told to close it, it is away until somebody looks again."""
    steps = [{"at_s": 10, "step": "background"}, {"at_s": 30, "step": "foreground"}]
    closing = {"background": {"socket": "close"}}

    assert told(lifecycle=steps) == [(0, 0, -0.1, END, True)]
    assert told(lifecycle=steps, subscribers=closing) == [(0, 0, -0.1, 10, True), (0, 0, 30, END, True)]


def test_the_ios_app_as_built_does_not_come_back() -> None:
    """It unsubscribes, and forgets its organization."""
    steps = [{"at_s": 10, "step": "background"}, {"at_s": 30, "step": "foreground"}]

    assert told(lifecycle=steps, subscribers={"ios": 0, "ios_as_built": 1}) == [(0, 0, -0.1, 10, True)]


def test_a_switch_is_another_channel_on_the_same_socket() -> None:
    """There and back again."""
    steps = [{"at_s": at_s, "step": "switch"} for at_s in (10, 30)]

    assert told(organizations=2, lifecycle=steps) == [
        (0, 0, -0.1, 10, True),
        (0, 1, 10, 30, False),
        (0, 0, 30, END, False),
    ]


def test_who_is_logged_out_neither_looks_nor_returns() -> None:
    """A foreground after a logout brings nobody back."""
    steps = [{"at_s": 10, "step": "background"}, {"at_s": 20, "step": "logout"}, {"at_s": 30, "step": "foreground"}]

    assert told(lifecycle=steps, subscribers={"background": {"socket": "close"}}) == [(0, 0, -0.1, 10, True)]
