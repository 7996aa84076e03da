"""Where a run stands on the map: what its phases measured, beside the simulation."""

from typing import Any

import pytest

from loadtests.analysis.analyse import analyse
from loadtests.analysis.baseline.break_even_run import is_predictable, writing_of
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from tests.analysis.literal import Story, scenario_of
from tests.analysis.synthetic_history import record_run
from tests.analysis.synthetic_pipeline import SyntheticPipeline


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the phases of a run of 40 s: an update every 2 s, three iOS devices, pollers every 5 s."""
    plan = SyntheticPipeline(organizations=1, subscribers=3, pollers=2, intervals_s=(5.0,), rounds=20)
    path = record_run(plan, tmp_path_factory.mktemp("break-even") / "run")
    return analyse(History.read(path), plan.scenario, plan.population, replays=False).metrics["break_even"]["phases"]


def test_a_phase_is_told_by_its_writes_and_members(phases: Any) -> None:
    """The warm-up is none."""
    assert set(phases) == {"load"}
    assert phases["load"]["sizes"] == {}
    assert phases["load"]["writes_per_organization_minute"] == pytest.approx(30)
    assert phases["load"]["members_per_organization"] == 3


def test_what_was_requested_stands_beside_the_simulation(phases: Any) -> None:
    """One list for each update; the simulation draws its moments afresh, and a few fall into one flush."""
    ios = phases["load"]["clients"]["ios"]

    assert ios["requests_per_device_minute"] == pytest.approx(30, rel=0.05)
    assert ios["predicted_low"] < ios["requests_per_device_minute"] < ios["predicted_high"]
    assert ios["predicted_per_device_minute"] == pytest.approx(29.5, rel=0.03)


def test_push_is_compared_with_each_cohort_of_the_same_phase(phases: Any) -> None:
    """Thirty requests a minute against twelve: it loses eighteen twelfths."""
    polled = phases["load"]["polling"]["5s"]
    saved = phases["load"]["saved"]["ios"]["5s"]

    assert polled["requests_per_device_minute"] == pytest.approx(12, rel=0.1)
    assert saved["measured_share"] == pytest.approx(1 - 30 / 12, rel=0.15)
    assert saved["predicted_share"] == pytest.approx(1 - 29.5 / 12, rel=0.05)


def test_push_is_compared_with_conditional_cohorts_too(tmp_path: Any) -> None:
    """They ask as often as the plain ones."""
    plan = SyntheticPipeline(
        organizations=1, subscribers=1, pollers=1, intervals_s=(5.0, 2.5), conditional=True, rounds=15
    )
    path = record_run(plan, tmp_path / "run")
    metrics = analyse(History.read(path), plan.scenario, plan.population, replays=False).metrics
    saved = metrics["break_even"]["phases"]["load"]["saved"]["ios"]

    assert list(saved) == ["5s", "5s-conditional", "2.5s", "2.5s-conditional"]
    assert saved["5s-conditional"]["predicted_share"] == saved["5s"]["predicted_share"]
    assert saved["2.5s-conditional"]["measured_share"] == pytest.approx(1 - 30 / 24, rel=0.3)


def test_a_short_phase_is_left_out(tmp_path: Any) -> None:
    """It costs what its beginning and end cost."""
    plan = SyntheticPipeline(organizations=1, subscribers=1, rounds=5)
    path = record_run(plan, tmp_path / "run")

    assert (
        analyse(History.read(path), plan.scenario, plan.population, replays=False).metrics["break_even"]["phases"] == {}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"lifecycle": [{"at_s": 1, "step": "background"}]},
        {"organizations": {"count": 2, "sizes": "skewed"}},
        {"target": {"feed": "supabase"}},
        {"target": {"event_limit": "coalesce"}},
        {"faults": [{"kind": "drop", "at_s": 1, "count": 1}]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_simulation_does_not_live_is_not_predicted(changes: dict[str, Any]) -> None:
    """People who look away, unequal organizations, a feed that gathers, faults."""
    assert is_predictable(scenario_of())
    assert not is_predictable(scenario_of(**changes))


def test_even_writes_to_several_organizations_are_random_in_each() -> None:
    """To one they are even."""
    phase = {"name": "load", "duration_s": 10, "mutations_per_s": 1, "arrivals": "even"}
    one, two = (scenario_of(phases=[phase], organizations={"count": count, "jobs": 3}) for count in (1, 2))

    assert writing_of(one, one.phases[0]).arrivals == "even"
    assert writing_of(two, two.phases[0]).arrivals == "poisson"


def test_organizations_of_different_sizes_are_different_places() -> None:
    """One device in the first, which is written to twice in 20 s, two in the second, which is written to once."""
    load = [{"name": "load", "duration_s": 20, "mutations_per_s": 0.15}]
    organizations = {"count": 2, "jobs": 1, "members": [1, 2]}
    pollers = [{"interval_s": 30, "count": 2, "conditional": True}]
    story = Story(subscribers={"count": 3, "web": 0}, organizations=organizations, phases=load, pollers=pollers).clock()
    story.live(0).live(1, 2, organization=1).body("page", ("job", 2))
    for index, (due_ms, organization, devices) in enumerate([(1000, 0, (0,)), (5000, 0, (0,)), (9000, 1, (1, 2))]):
        story.mutation(index, due_ms, organization=organization)
        for device in devices:
            story.signal(device, f"e{index}", due_ms + 10, batch=index + 1)
            story.fetch(device, due_ms + 510, due_ms + 530, "page", batch=index + 1)
    story.row(Kind.ENDED, 20_000, flag=1)
    told = analyse(story.history, story.scenario, story.population, replays=False).metrics["break_even"]["phases"][
        "load"
    ]
    sizes, ios = told["sizes"], [each["clients"]["ios"] for each in told["sizes"].values()]

    assert [each["writes_per_organization_minute"] for each in sizes.values()] == [6.0, 3.0]
    assert [(key, each["members_per_organization"]) for key, each in sizes.items()] == [("1", 1.0), ("2", 2.0)]
    assert [each["requests_per_device_minute"] for each in ios] == [6.0, 3.0]
    assert [each["predicted_per_device_minute"] for each in ios] == pytest.approx([6.0, 3.0], rel=0.1)
    assert told["clients"]["ios"]["requests"] == sum(each["requests"] for each in ios) == 4
    # Against two polls a minute, conditional ones too; nobody polled in this history.
    assert [each["saved"]["ios"]["30s-conditional"]["predicted_share"] for each in sizes.values()] == pytest.approx(
        [1 - 6 / 2, 1 - 3 / 2], abs=0.3
    )
    # Four writes that three devices heard of in a third of a minute.
    assert told["clients"]["ios"]["predicted_per_device_minute"] == pytest.approx(4.0, rel=0.1)
