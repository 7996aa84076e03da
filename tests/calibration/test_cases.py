"""The cases: each is a scenario that can be run, and together they plant every kind."""

from typing import get_args

import pytest

from loadtests.calibration.cases import CALM, CASES, Case, cases_for
from loadtests.scenario.faults import FaultKind


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_a_short_scenario(case: Case) -> None:
    """Load and drain take at most 15 s."""
    scenario = case.scenario_file().scenario

    assert scenario.duration_s + scenario.effective_drain_s <= 15
    assert {fault.kind for fault in scenario.faults} == case.kinds


def test_every_kind_is_planted() -> None:
    """None is left out of the certificate."""
    assert frozenset().union(*(case.kinds for case in CASES)) == set(get_args(FaultKind))


def test_the_calm_case_comes_first_whatever_is_asked_for() -> None:
    """Latencies are told against it."""
    assert [case.name for case in cases_for(["drop"])] == [CALM, "frames"]
    assert cases_for([]) == CASES
