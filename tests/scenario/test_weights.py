"""How everybody is spread over organizations: shares that sum to 1, and whole people that keep to them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.weights import member_weights, organization_weights, spread


def scenario(**keys: Any) -> Scenario:
    """Return a scenario that says only what a test is about."""
    load = {"name": "load", "duration_s": 1, "mutations_per_s": 1}
    return Scenario.model_validate({"name": "any", "question": "How many are where?", "phases": [load], **keys})


def test_members_may_differ_where_writes_and_pollers_do_not() -> None:
    """Organizations take the numbers in turn."""
    told = scenario(
        organizations={"count": 4, "members": [1, 5]},
        subscribers={"count": 24},
        pollers=[{"interval_s": 5, "count": 8}],
    )
    people = Population(told, seed=1, run_id="any")
    homes, polled = (Counter(each.organization for each in those) for those in (people.subscribers, people.pollers))

    assert homes == {0: 2, 1: 10, 2: 2, 3: 10}
    assert polled == {0: 2, 1: 2, 2: 2, 3: 2}
    assert member_weights(told) == pytest.approx([1 / 12, 5 / 12] * 2)
    assert organization_weights(told) == pytest.approx([0.25] * 4)


def test_skewed_weights_follow_zipfs_law() -> None:
    """The n-th organization gets the n-th part of the first."""
    weights = organization_weights(scenario(organizations={"count": 3, "sizes": "skewed"}))

    assert weights == pytest.approx([6 / 11, 3 / 11, 2 / 11])


@settings(max_examples=100)
@given(
    count=st.integers(0, 3000),
    weights=st.lists(st.floats(0.001, 1), min_size=1, max_size=60),
)
def test_spreading_keeps_the_number_and_the_proportions(count: int, weights: list[float]) -> None:
    """Everybody has a home, and no organization is off its exact share by one or more."""
    shares = np.array(weights) / sum(weights)
    homes = spread(count, shares)
    members = np.bincount(homes, minlength=len(weights))

    assert members.sum() == count
    assert np.all(np.abs(members - shares * count) < 1 + 1e-6)
    assert np.all(np.diff(homes) >= 0)
