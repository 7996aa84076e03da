"""Quantiles by rank, and how many observations they need."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.quantiles import distribution, nearest_rank, of_distinct, p99_or_max


def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed() -> None:
    """Of 1 to 20, 19 is the p95: exactly 95 % do not exceed it."""
    values = np.arange(1.0, 21.0)

    assert [nearest_rank(values, share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)] == [10.0, 18.0, 19.0, 20.0, 20.0]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.inf), min_size=1), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_enough_values_do_not_exceed_a_quantile_and_too_few_stay_below_it(values: list[float], share: float) -> None:
    """The definition itself, with never among the values."""
    quantile = nearest_rank(np.array(values), share)

    assert quantile in values
    assert sum(value <= quantile for value in values) >= share * len(values) - 1e-9
    assert sum(value < quantile for value in values) < share * len(values)


@pytest.mark.parametrize(
    ("distinct", "told"),
    [
        (99, (True, False, False, False)),
        (100, (True, True, False, False)),
        (200, (True, True, True, False)),
        (1000, (True, True, True, True)),
    ],
)
def test_a_quantile_with_too_few_distinct_observations_is_not_told(distinct: int, told: tuple[bool, ...]) -> None:
    """p90 needs 100, p95 200, p99 1,000, however many pairs there are."""
    quantiles = of_distinct(np.arange(5000.0), distinct=distinct)

    assert tuple(value is not None for value in (quantiles.p50, quantiles.p90, quantiles.p95, quantiles.p99)) == told
    assert quantiles.max == 4999.0


def test_never_stays_in_the_sample_and_nothing_is_interpolated_towards_it() -> None:
    """Half of four values never happened: the median is finite, the maximum is never."""
    quantiles = distribution(np.array([1.0, math.inf, -2.0, math.inf]), np.array([1, 1, 2, 2]))

    assert quantiles.to_json() == {
        "p50": 1.0,
        "p90": None,
        "p95": None,
        "p99": None,
        "max": "never",
        "n": 2,
        "pairs": 4,
        "never": 2,
        "negative": 1,
    }


def test_an_empty_sample_has_no_quantiles() -> None:
    """Nothing observed: null, not 0."""
    quantiles = of_distinct(np.empty(0), distinct=0)

    assert (quantiles.p50, quantiles.max, quantiles.n) == (None, None, 0)


def test_health_uses_the_maximum_while_there_are_too_few_for_a_p99() -> None:
    """999 values: the worst; 1,000 values: the tenth worst from the end."""
    assert p99_or_max(np.arange(999.0)) == 998.0
    assert p99_or_max(np.arange(1000.0)) == 989.0
    assert p99_or_max(np.empty(0)) is None
