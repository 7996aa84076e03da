"""A job's risk follows from its codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.risk import FACTORS, assess, level_of, score_detail


@pytest.mark.parametrize(
    ("codes", "score", "level"),
    [
        ([], 0, "low"),
        (["weather"], 5, "low"),
        (["height"], 25, "medium"),
        (["height", "electrical"], 50, "high"),
        (["height", "electrical", "asbestos"], 80, "critical"),
        (list(FACTORS), 100, "critical"),
        (["height", "height", "unheard of"], 25, "medium"),
    ],
)
def test_the_score_is_the_sum_of_the_weights(codes: list[str], score: int, level: str) -> None:
    """At most 100, each code once, unknown ones for nothing."""
    risk = assess(codes)

    assert (risk.score, risk.level) == (score, level)


@given(st.lists(st.sampled_from([*FACTORS, "unheard of"])))
def test_one_more_factor_never_lowers_the_score(codes: list[str]) -> None:
    """And the order of the codes does not matter."""
    score = assess(codes).score

    assert assess([*codes, "weather"]).score >= score
    assert assess(reversed(codes)).score == score
    assert level_of(score) == assess(codes).level


def test_a_job_without_a_score_has_no_detail() -> None:
    """Nor has one whose score nothing accounts for."""
    assert score_detail(["height"], None, None) is None
    assert score_detail([], 40, "medium") is None
    assert score_detail(["height"], 25, "medium") == {
        "overall_score": 25, "risk_level": "medium", "factors": [{"code": "height", "weight": 25}],
    }  # fmt: skip
