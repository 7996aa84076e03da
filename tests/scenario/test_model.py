"""What a scenario may say, and which combinations make no sense."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from loadtests.pipeline.settings import FeedName
from loadtests.scenario.model import Scenario, Target
from loadtests.wire.plans import PlanName

STEADY = {"name": "steady", "duration_s": 10, "mutations_per_s": 5}
WARM = {"name": "warm-up", "duration_s": 5, "mutations_per_s": 5, "warm_up": True}


def scenario(**keys: Any) -> Scenario:
    """Return a scenario that says only what a test is about."""
    return Scenario.model_validate({"name": "any", "question": "What is the answer?", "phases": [STEADY], **keys})


def complaint(**keys: Any) -> str:
    """Return what is wrong with a scenario."""
    with pytest.raises(ValidationError) as caught:
        scenario(**keys)
    return str(caught.value)


def test_a_scenario_survives_the_manifest() -> None:
    """Drivers rebuild from JSON exactly what the runner validated."""
    told = scenario(pollers=[{"interval_s": 5, "count": 2}], gates=["delivery.leaked == 0"], subscribers={"count": 9})

    assert Scenario.model_validate(told.model_dump(mode="json")) == told


@pytest.mark.parametrize(("key", "type_"), [("feed", FeedName), ("plan", PlanName)])
def test_the_target_can_be_whatever_the_pipeline_offers(key: str, type_: object) -> None:
    """The scenario repeats the pipeline's words, which it must not import."""
    told = {getattr(scenario(target={key: word}).target, key) for word in get_args(type_)}

    assert told == set(get_args(type_))
    assert set(get_args(Target.model_fields[key].annotation)) == told


def test_the_duration_is_the_load_alone() -> None:
    """Warm-up counts, drain does not."""
    assert scenario(phases=[WARM, STEADY]).duration_s == 15


def test_the_drain_outlasts_the_deadline_and_every_pollers_interval() -> None:
    """Left out, the drain is the shortest that lets the accounting close."""
    assert scenario(deadline_ms=3000).effective_drain_s == 4
    assert scenario(deadline_ms=3000, pollers=[{"interval_s": 10, "count": 1}]).effective_drain_s == 11
    assert scenario(drain_s=30).effective_drain_s == 30


def test_a_drain_that_is_too_short_is_refused() -> None:
    """The text names both lengths."""
    assert "drain_s = 2 is shorter" in complaint(drain_s=2)
    assert "(6 s)" in complaint(drain_s=2)


def test_warm_up_comes_first_and_is_not_everything() -> None:
    """The measurement window is one stretch at the end of the load."""
    assert "warm-up phases come first" in complaint(phases=[STEADY, WARM])
    assert "warm-up phases come first" in complaint(phases=[WARM])


def test_a_scenario_without_load_is_refused() -> None:
    """The text says what to add."""
    assert "at least one [[phases]]" in complaint(phases=[])


def test_two_cohorts_of_one_interval_are_refused() -> None:
    """Metrics are keyed by the interval."""
    assert "join them into one" in complaint(pollers=[{"interval_s": 5, "count": 1}, {"interval_s": 5.0, "count": 2}])


def test_two_cohorts_of_one_interval_may_differ_in_kind() -> None:
    """Each has a name of its own."""
    pollers = [{"interval_s": 2.5, "count": 1}, {"interval_s": 2.5, "count": 2, "conditional": True}]

    assert [cohort.name for cohort in scenario(pollers=pollers).pollers] == ["2.5s", "2.5s-conditional"]
    assert "join them into one" in complaint(pollers=[*pollers, pollers[1]])


def test_changing_jobs_that_do_not_exist_is_refused() -> None:
    """Without jobs, and without a create among the mutations, nothing could be changed."""
    text = complaint(organizations={"jobs": 0}, phases=[{**STEADY, "mix": {"update": 1}}])

    assert "phase 'steady' changes jobs but there are none" in text
    assert scenario(organizations={"jobs": 0}).organizations.jobs == 0


def test_a_control_group_needs_somebody_to_shadow() -> None:
    """Not more official clients than devices."""
    assert "control = 3: each shadows another subscriber, and there are 2" in complaint(
        subscribers={"count": 2, "control": 3}
    )


def test_an_unknown_mutation_is_refused_by_name() -> None:
    """The text lists those that exist."""
    text = complaint(phases=[{**STEADY, "mix": {"delete": 1}}])

    assert "unknown mutation 'delete'; there are: create, update, archive, flag, document" in text


def test_a_mix_of_nothing_is_refused() -> None:
    """Weights that are all 0 choose nothing."""
    assert "needs a weight above 0" in complaint(phases=[{**STEADY, "mix": {"update": 0}}])


def test_devices_need_a_model() -> None:
    """Subscribers of no client model at all are nothing."""
    assert "cannot all be 0: there would be no device" in complaint(subscribers={"count": 1, "ios": 0, "web": 0})
    assert scenario(subscribers={"count": 0, "ios": 0, "web": 0}).subscribers.count == 0


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("subscribers", "count", "many"),
        ("subscribers", "count", True),
        ("subscribers", "count", 1.5),
        ("subscribers", "ios", float("inf")),
        ("subscribers", "web_open_job", 1.01),
        ("organizations", "count", 0),
        ("organizations", "sizes", "odd"),
        ("mutators", "timeout_s", "10"),
        ("health", "loop_lag_ms_p99", float("nan")),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_refused(table: str, key: str, value: object) -> None:
    """Nothing is converted silently: true is no number, and a text is not a number either."""
    assert f"{table}.{key}" in complaint(**{table: {key: value}})


def test_phases_are_told_apart_by_names_that_fit_a_metrics_key() -> None:
    """Each name stands in keys of metrics and in gates."""
    assert "two phases have the same name" in complaint(phases=[STEADY, STEADY])
    assert "phases.0.name" in complaint(phases=[{**STEADY, "name": "a.b"}])
