"""One line of the certificate, from two numbers."""

import pytest

from loadtests.calibration.finding import Comparison, Found

FOUND = Found(case="any", seed=3, truth=(), metrics={"delivery": {"leaked": 7, "phantom": None, "causes": {"x": 1}}})


@pytest.mark.parametrize(
    ("planted", "told", "verdict"),
    [
        (7, 7.0, Comparison.FOUND),
        (7, 6.0, Comparison.WRONG),
        (0, 0.0, Comparison.CANNOT_TELL),
        (7, None, Comparison.CANNOT_TELL),
    ],
)
def test_a_count_has_to_be_equal(planted: int, told: float | None, verdict: Comparison) -> None:
    """And there has to be something to find."""
    assert FOUND.exact("leak", "leaks", planted=planted, told=told).verdict is verdict


@pytest.mark.parametrize(
    ("told_ms", "verdict"),
    [(1090.0, Comparison.FOUND), (1101.0, Comparison.WRONG), (None, Comparison.CANNOT_TELL)],
)
def test_a_latency_has_to_be_near(told_ms: float | None, verdict: Comparison) -> None:
    """Within 100 ms."""
    assert FOUND.near("stalled", "latest", planted_ms=1000, told_ms=told_ms).verdict is verdict


def test_a_line_says_which_case_and_seed_it_is_of() -> None:
    """So that it can be run again."""
    finding = FOUND.exact("leak", "leaks", planted=7, told=7)

    assert (finding.case, finding.seed, finding.planted, finding.found) == ("any", 3, "7", "7")


def test_numbers_are_looked_up_as_they_are_told() -> None:
    """Null is not told; a count without a key is 0; an object of counts may be empty."""
    assert (FOUND.number("delivery.phantom"), FOUND.number("delivery.causes.y")) == (None, 0.0)
    assert FOUND.total(("delivery.leaked", "delivery.causes.x")) == 8.0
    assert (FOUND.counts("delivery.causes"), FOUND.counts("delivery.late_causes")) == ({"x": 1}, {})
