"""The load: a pure function of scenario and seed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.scenario.model import Scenario
from loadtests.scenario.schedule import Schedule, draw_schedule
from loadtests.scenario.vocabulary import MutationKind

SECOND = 1_000_000_000
COLUMNS = ("due_ns", "organization", "kind", "pick", "phase")


def scenario(*phases: dict[str, Any], organizations: dict[str, Any] | None = None) -> Scenario:
    """Return a scenario with these phases."""
    named = [{"name": f"phase-{index}", **phase} for index, phase in enumerate(phases)]
    return Scenario.model_validate(
        {"name": "any", "question": "What is due, and when?", "organizations": organizations or {}, "phases": named}
    )


def equal(one: Schedule, other: Schedule) -> bool:
    """Whether two schedules are the same, column by column."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def test_even_arrivals_are_equally_spaced() -> None:
    """Ten in a second: one each 100 ms, the first at once."""
    schedule = draw_schedule(scenario({"duration_s": 1, "mutations_per_s": 10, "arrivals": "even"}), seed=1)

    assert schedule.due_ns.tolist() == [number * SECOND // 10 for number in range(10)]


def test_a_phase_begins_where_the_one_before_ended() -> None:
    """Also after a phase in which nothing is due."""
    load = {"duration_s": 1, "mutations_per_s": 2, "arrivals": "even"}
    schedule = draw_schedule(scenario(load, {"duration_s": 4, "mutations_per_s": 0}, load), seed=1)

    assert schedule.due_ns.tolist() == [0, SECOND // 2, 5 * SECOND, 5 * SECOND + SECOND // 2]
    assert schedule.phase.tolist() == [0, 0, 2, 2]


def test_poisson_arrivals_have_the_rate_and_are_irregular() -> None:
    """Count and variation of the gaps are those of a Poisson process, within four standard errors."""
    schedule = draw_schedule(scenario({"duration_s": 1000, "mutations_per_s": 10}), seed=7)
    gaps = np.diff(schedule.due_ns) / SECOND

    assert len(schedule) == pytest.approx(10_000, abs=4 * 100)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.05)


def test_poisson_counts_vary_as_much_as_they_should() -> None:
    """The variance of the count is its mean: the number of arrivals is random, too."""
    one = scenario({"duration_s": 10, "mutations_per_s": 10})
    counts = [len(draw_schedule(one, seed)) for seed in range(400)]

    assert np.mean(counts) == pytest.approx(100, abs=2)
    assert np.var(counts) == pytest.approx(100, rel=0.3)


def test_the_same_seed_draws_the_same_load_and_another_one_another() -> None:
    """Every process draws its own copy: they must agree."""
    one = scenario({"duration_s": 20, "mutations_per_s": 10}, organizations={"count": 5})

    assert equal(draw_schedule(one, 3), draw_schedule(one, 3))
    assert not equal(draw_schedule(one, 3), draw_schedule(one, 4))


def test_devices_do_not_change_the_load() -> None:
    """Two scenarios that differ in their subscribers alone have the very same writes."""
    one = scenario({"duration_s": 20, "mutations_per_s": 10}, organizations={"count": 5})
    other = one.model_copy(update={"subscribers": one.subscribers.model_copy(update={"count": 77})})

    assert equal(draw_schedule(one, 3), draw_schedule(other, 3))


def test_the_mix_is_kept() -> None:
    """Kinds come in proportion to their weights, and a weight of 0 never comes."""
    mix = {"create": 0, "update": 3, "flag": 1}
    schedule = draw_schedule(scenario({"duration_s": 1000, "mutations_per_s": 8, "mix": mix}), seed=2)
    updates = np.count_nonzero(schedule.kind == MutationKind.UPDATE) / len(schedule)

    assert set(schedule.kind.tolist()) == {MutationKind.UPDATE, MutationKind.FLAG}
    assert updates == pytest.approx(0.75, abs=0.02)


def test_skewed_organizations_get_skewed_writes() -> None:
    """The second organization is hit half as often as the first."""
    skewed = {"count": 3, "sizes": "skewed"}
    schedule = draw_schedule(scenario({"duration_s": 1100, "mutations_per_s": 10}, organizations=skewed), seed=2)
    counts = np.bincount(schedule.organization)

    assert counts / len(schedule) == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=0.02)


def test_a_load_of_nothing_is_empty() -> None:
    """A scenario may watch an idle pipeline."""
    assert len(draw_schedule(scenario({"duration_s": 5, "mutations_per_s": 0}), seed=1)) == 0


@settings(max_examples=60, deadline=None)
@given(
    phases=st.lists(
        st.fixed_dictionaries(
            {
                "duration_s": st.floats(0.001, 30),
                "mutations_per_s": st.floats(0, 50),
                "arrivals": st.sampled_from(["even", "poisson"]),
            }
        ),
        min_size=1,
        max_size=5,
    ),
    organizations=st.integers(1, 40),
    seed=st.integers(0, 2**32),
)
def test_every_schedule_is_ordered_and_inside_its_phases(
    phases: list[dict[str, Any]], organizations: int, seed: int
) -> None:
    """Equally long columns, due times ascending, each within its phase; picks below 1."""
    drawn = scenario(*phases, organizations={"count": organizations})
    schedule = draw_schedule(drawn, seed)
    ends = np.cumsum([round(phase["duration_s"] * SECOND) for phase in phases])
    begins = ends - [round(phase["duration_s"] * SECOND) for phase in phases]

    assert {len(getattr(schedule, name)) for name in COLUMNS} == {len(schedule)}
    assert np.all(np.diff(schedule.due_ns) >= 0)
    assert np.all(schedule.due_ns >= begins[schedule.phase])
    assert np.all(schedule.due_ns < ends[schedule.phase])
    assert np.all((schedule.pick >= 0) & (schedule.pick < 1))
    assert np.all((schedule.organization >= 0) & (schedule.organization < organizations))
