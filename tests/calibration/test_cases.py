"""The cases: each is a scenario that can be run, and together they plant every kind."""

from typing import get_args

import pytest

from loadtests.calibration.cases import CALM, CASES, Case, cases_for
from loadtests.scenario.faults import FaultKind


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_a_short_scenario(case: Case) -> None:
    """Load and drain take at most 15 s, with any seed."""
    scenario = case.scenario_file(3).scenario

    assert scenario.duration_s + scenario.effective_drain_s <= 15
    assert {fault.kind for fault in scenario.faults} == case.kinds


def test_every_kind_is_planted() -> None:
    """None is left out of the certificate."""
    assert frozenset().union(*(case.kinds for case in CASES)) == set(get_args(FaultKind))


def test_the_calm_case_comes_first_whatever_is_asked_for() -> None:
    """Latencies are told against it."""
    assert [case.name for case in cases_for(["leak", "kill"])] == [CALM, "frames", "killed-realtime", "slot-and-api"]
    assert cases_for([]) == CASES


def test_all_that_is_left_to_chance_follows_from_the_seed() -> None:
    """Population, load, and each fault's victims, which no two faults of a case share."""
    first, second = (CASES[1].scenario_file(seed).scenario for seed in (1, 2))
    seeds = [fault.seed for scenario in (first, second) for fault in scenario.faults]

    assert (first.seed, second.seed) == (1, 2)
    assert len(set(seeds)) == len(seeds)
    assert [fault.parameters for fault in first.faults] == [fault.parameters for fault in second.faults]
