"""Polling at an interval with random phases: closed forms, and the mixture beside draws."""

import numpy as np
import pytest

from loadtests.analysis.baseline.random_phase import RandomPhase


def writes(*ahead_ms: float) -> RandomPhase:
    """Return writes of equal weight."""
    return RandomPhase(ahead_ms=np.array(ahead_ms), weight=np.ones(len(ahead_ms)))


def test_one_write_waits_for_half_an_interval_on_average() -> None:
    """Ahead by 10 ms, polled every 5 s: between 10 and 5,010 ms, evenly."""
    assert writes(10.0).quantile_ms(0.5, 5.0) == pytest.approx(2510.0)
    assert writes(10.0).quantile_ms(0.95, 5.0) == pytest.approx(4760.0)


def test_quantiles_are_those_of_many_devices() -> None:
    """Three writes, 200,000 random phases: the p95 lies within a thousandth of what was drawn."""
    ahead_ms = np.array([5.0, 40.0, 900.0])
    drawn = ahead_ms[:, None] + np.random.default_rng(3).random(200_000)[None, :] * 2000

    exact = writes(*ahead_ms).quantile_ms(0.95, 2.0)

    assert exact == pytest.approx(float(np.quantile(drawn, 0.95)), rel=0.001)


def test_the_interval_with_a_quantile_is_the_inverse() -> None:
    """What 7 s come to is found again."""
    some = writes(5.0, 40.0, 900.0)
    p95_ms = some.quantile_ms(0.95, 7.0)

    assert p95_ms is not None
    assert some.interval_s_with(0.95, p95_ms) == pytest.approx(7.0)


def test_no_interval_is_as_fresh_as_what_came_before_it_could() -> None:
    """Sooner than the change took effect: no polling shows it. And nothing is known without a write."""
    assert writes(100.0).interval_s_with(0.95, 90.0) is None
    assert writes().quantile_ms(0.5, 5.0) is None


def test_writes_of_no_weight_do_not_count() -> None:
    """They were not drawn."""
    some = RandomPhase(ahead_ms=np.array([0.0, 10_000.0]), weight=np.array([1.0, 0.0]))

    assert some.quantile_ms(0.5, 2.0) == pytest.approx(1000.0)
