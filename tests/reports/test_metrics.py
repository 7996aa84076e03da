"""Looking up metrics: null is an answer, a missing key is not."""

import math

import pytest

from reports.metrics import Metrics, MissingMetricError


def test_never_is_infinite() -> None:
    """The text "never" is what metrics.json holds for +inf."""
    assert Metrics({"push": {"max": "never"}}).number("push", "max") == math.inf


def test_null_at_any_depth_is_no_number() -> None:
    """A whole object may be null when nothing was measured."""
    metrics = Metrics({"push": None, "coalescing": {"ratio": None}})

    assert metrics.number("push", "visibility_ms", "p50") is None
    assert metrics.number("coalescing", "ratio") is None
    assert metrics.quantiles("push", "visibility_ms").n == 0
    assert metrics.keys("push", "stages") == ()


def test_a_missing_key_is_named() -> None:
    """A broken contract is not silently blank."""
    with pytest.raises(MissingMetricError, match=r"no 'push\.visibility_ms'"):
        Metrics({"push": {}}).number("push", "visibility_ms", "p50")


def test_numbers_beyond_the_contract_may_be_absent() -> None:
    """Metrics may carry more than the contract promises."""
    metrics = Metrics({"push": {"seen": {"of": 20}}})

    assert metrics.find("push", "seen", "of") == 20
    assert metrics.find("push", "herd_index") is None
    assert metrics.find("push", "seen", "of", "deeper") is None
