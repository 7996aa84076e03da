"""Stretches of the window and what resampling them says."""

import numpy as np
import pytest

from loadtests.analysis.baseline.blocks import Blocks, cut, weighted_quantile
from loadtests.analysis.window import Window

S = 1_000_000_000


def blocks_of(seconds: int, remembered_s: float = 0.0) -> Blocks:
    """Return the stretches of a window."""
    return cut(Window(start_ns=0, end_ns=seconds * S, load_ns=0), remembered_s=remembered_s, seed=1)


def test_stretches_are_as_long_as_what_is_remembered() -> None:
    """Ten-second polls in a minute: six of ten seconds. Never shorter than two seconds."""
    assert (blocks_of(60, 10.0).count, blocks_of(60, 10.0).length_s) == (6, 10.0)
    assert blocks_of(60).length_s == 2.0
    assert blocks_of(60, 7.0).length_s == 7.5


def test_each_stamp_lies_in_one() -> None:
    """The last one takes in the end."""
    assert blocks_of(60, 10.0).of(np.array([0, 9 * S, 10 * S, 60 * S])).tolist() == [0, 0, 1, 5]


def test_too_few_stretches_give_no_bounds() -> None:
    """The value is known, how much it varies is not."""
    interval = blocks_of(60, 10.0).interval(lambda weights: float(weights.sum()))

    assert (interval.value, interval.low, interval.high) == (6.0, None, None)


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation() -> None:
    """Hundred stretches of known spread: 1.96 standard errors each way, within a sixth."""
    counts = np.random.default_rng(5).poisson(50, size=100).astype(np.float64)
    blocks = blocks_of(200)

    interval = blocks.interval(lambda weights: float((counts * weights).sum() / weights.sum()))

    error = 1.96 * counts.std() / 10
    assert blocks.count == 100
    assert interval.low == pytest.approx(counts.mean() - error, abs=error / 6)
    assert interval.high == pytest.approx(counts.mean() + error, abs=error / 6)


def test_what_may_be_never_has_never_as_its_bound() -> None:
    """One stretch in which nothing became visible: in a third of the draws it is not there."""
    values = np.append(np.full(29, 7.0), np.inf)

    interval = blocks_of(60).interval(lambda weights: float(values[weights > 0].max()))

    assert (interval.value, interval.low, interval.high) == (np.inf, 7.0, np.inf)


def test_what_is_often_not_known_has_no_bounds() -> None:
    """A draw without the one stretch that tells says nothing: the others would be a choice of the luckier ones."""
    interval = blocks_of(60).interval(lambda weights: float(weights[3]) if weights[3] else None)

    assert (interval.value, interval.low, interval.high) == (1.0, None, None)


def test_an_interval_of_few_stretches_holds_the_truth_nearly_as_often_as_it_says() -> None:
    """Ten stretches of a known mean, two hundred times: nineteen of twenty, and no fewer than nine of ten."""
    blocks, held = blocks_of(20), 0
    for seed in range(200):
        counts = np.random.default_rng(seed).poisson(30, size=10).astype(np.float64)
        interval = blocks.interval(lambda weights, counts=counts: float(counts @ weights) / 10)  # type: ignore[misc]
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 30 <= interval.high

    assert held >= 180


def test_the_same_seed_draws_the_same() -> None:
    """So that a run analysed again gives the same bytes."""
    assert (blocks_of(60).draws() == blocks_of(60).draws()).all()


def test_a_weighted_quantile_is_that_of_repeated_values() -> None:
    """1, 1, 5, 5, 5: the median is 5."""
    assert weighted_quantile(np.array([1.0, 5.0]), np.array([2.0, 3.0]), 0.5) == 5.0
    assert weighted_quantile(np.array([1.0, 5.0]), np.array([2.0, 3.0]), 0.4) == 1.0
    assert weighted_quantile(np.array([1.0]), np.array([0.0]), 0.5) is None
