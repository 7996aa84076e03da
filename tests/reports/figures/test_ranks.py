"""Which points are drawn, and which pairs stand for the typical one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures.ranks import at_share, bands, cumulative


def test_a_curve_ends_below_one_when_pairs_were_never_shown() -> None:
    """One of four never happened: the curve ends at three quarters."""
    curve = cumulative(np.array([30.0, np.inf, 10.0, 20.0]))

    assert curve.value.tolist() == [10.0, 20.0, 30.0]
    assert curve.share.tolist() == [0.25, 0.5, 0.75]
    assert (curve.n, curve.never) == (4, 1)


@given(st.integers(1, 30_000), st.integers(10, 2000))
def test_thinning_keeps_both_ends_and_exact_ranks(observations: int, most: int) -> None:
    """Whatever is drawn is a true rank, and the slowest pairs are all there."""
    curve = cumulative(np.arange(observations, dtype=np.float64)[::-1], most)

    assert len(curve.value) <= max(most, 1)
    assert curve.value[0] == 0
    assert curve.value[-1] == observations - 1
    assert np.array_equal(curve.share, (curve.value + 1) / observations)


def test_a_rank_may_be_never() -> None:
    """Three quarters were shown, the p95 never was."""
    values = np.array([10.0, 20.0, 30.0, np.inf])

    assert [at_share(values, 0.5), at_share(values, 0.95), at_share(np.empty(0), 0.5)] == [20.0, math.inf, None]


def test_the_stages_of_a_band_add_up_to_its_total() -> None:
    """Means of the same pairs add up exactly, which medians of stages would not."""
    random = np.random.default_rng(1)
    stages = {"debounce_wait": random.exponential(500, 1000), "queued": random.normal(0, 1, 1000)}

    middle, slowest = bands(stages)

    assert (middle.pairs, slowest.pairs) == (100, 100)
    for band in (middle, slowest):
        assert sum(band.stages_ms.values()) == pytest.approx(band.total_ms)
    assert middle.total_ms < slowest.total_ms


@pytest.mark.parametrize("pairs", [1, 2, 3, 9, 11])
def test_few_pairs_still_have_a_middle_and_a_slowest(pairs: int) -> None:
    """No band is empty while there is a pair."""
    middle, slowest = bands({"queued": np.arange(pairs, dtype=np.float64)})

    assert middle.pairs >= 1
    assert slowest.total_ms == pairs - 1 or slowest.pairs > 1


def test_without_a_pair_there_is_no_band() -> None:
    """Neither for no stages nor for stages without a finite pair."""
    assert bands({}) == ()
    assert bands({"queued": np.empty(0)}) == ()
    assert bands({"queued": np.array([np.inf])}) == ()
