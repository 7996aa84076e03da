"""Gates: how they are written, and what comes of one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.checks.gates import COMPARISONS, GateError, Outcome, judge_gate, parse_gate, parse_gates
from loadtests.scenario.model import Scenario


def metrics_with(value: Any) -> dict[str, Any]:
    """Return a document in which the p95 of push is `value`."""
    return {"push": {"visibility_ms": {"p95": value, "n": 20}}}


def scenario_with(*gates: str, **changes: Any) -> Scenario:
    """Return a scenario with these gates."""
    keys: dict[str, Any] = {
        "name": "gated",
        "question": "Does it keep its limits?",
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
        "gates": gates,
    }
    return Scenario.model_validate({**keys, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "push.visibility_ms.p95 < 1000",
        "delivery.missed_live == 0",
        "push.seen_within_1s.mutations == 20",
        "polling.5s.visibility_ms.p50 <= 3000",
        "polling.2.5s.visibility_ms.p50 <= 3000",
        "push.stages.debounce_wait_ms.p50<=501.5",
        "coalescing.efficiency_by_bound.0.5s >= 0.5",
        "delivery.causes.socket down == 0",
        "push.staleness_ms.mean != 1e3",
        "push.requests_avoided.5s > -1",
    ],
)
def test_a_gate_is_a_metric_a_comparison_and_a_number(text: str) -> None:
    """Spaces around the comparison are optional; keys may hold dots and spaces of their own."""
    gate = parse_gate(text)

    assert gate.text == text
    assert gate.path in text
    assert gate.comparison in COMPARISONS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("push.visibility_ms.p59 < 1000", "push.visibility_ms.p95"),
        ("push.visibilty_ms.p95 < 1000", "push.visibility_ms.p95"),
        ("polling.5s.visibility.p95 < 1000", "polling.<interval>.visibility_ms.p95"),
        ("push.visibility_ms < 1000", "name one of its values"),
        ("delivery.missed == 0", "delivery.missed_live"),
        ("delivery.missed_live", "not of the form"),
        ("delivery.missed_live = 0", "not of the form"),
        ("delivery.missed_live == none", "not a number"),
        ("delivery.missed_live == nan", "not a number"),
        ("0 < delivery.missed_live < 3", "not of the form"),
        ("health.reasons == 0", "no metric"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused_with_what_comes_near(text: str, told: str) -> None:
    """Before anything is started."""
    with pytest.raises(GateError) as refused:
        parse_gate(text)

    assert told in str(refused.value)
    assert text in str(refused.value)


def test_a_gate_on_a_cohort_that_the_scenario_has_not_is_refused() -> None:
    """The scenario polls every 5 s, not every 10 s."""
    scenario = scenario_with("polling.5s.visibility_ms.p50 < 3000", pollers=[{"interval_s": 5, "count": 1}])

    assert len(parse_gates(scenario)) == 1
    with pytest.raises(GateError, match="10s; it has: 5s"):
        parse_gates(scenario, ["polling.10s.visibility_ms.p50 < 6000"])


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (999.9, Outcome.PASS),
        (1000.0, Outcome.FAIL),
        ("never", Outcome.FAIL),
        (None, Outcome.UNKNOWN),
        ("soon", Outcome.UNKNOWN),
        (math.nan, Outcome.UNKNOWN),
    ],
)
def test_a_gate_passes_fails_or_is_unknown(value: Any, outcome: Outcome) -> None:
    """Never is +infinity; null is not a number that could keep a limit."""
    assert judge_gate(parse_gate("push.visibility_ms.p95 < 1000"), metrics_with(value)).outcome is outcome


def test_a_quantile_with_too_few_samples_says_how_many_it_needs() -> None:
    """200 for a p95."""
    result = judge_gate(parse_gate("push.visibility_ms.p95 < 1000"), metrics_with(None))

    assert result.reason == "push.visibility_ms.p95 needs 200 distinct observations, there are 20"


def test_a_metric_that_was_not_measured_is_unknown_and_a_cause_without_a_miss_is_none() -> None:
    """Absent is not zero, except where only what happened is listed."""
    metrics: dict[str, Any] = {"delivery": {"causes": {}}}

    assert judge_gate(parse_gate("delivery.late == 0"), metrics).outcome is Outcome.UNKNOWN
    assert judge_gate(parse_gate("delivery.causes.socket down == 0"), metrics).outcome is Outcome.PASS


@given(st.floats(-1e9, 1e9) | st.just(math.inf), st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_a_wider_limit_never_fails_what_a_narrower_one_passed(value: float, limit: float, slack: float) -> None:
    """Monotone, in both directions."""
    for comparison, wider in (("<", limit + slack), ("<=", limit + slack), (">", limit - slack), (">=", limit - slack)):
        metrics = metrics_with("never" if math.isinf(value) else value)
        narrow = judge_gate(parse_gate(f"push.visibility_ms.p95 {comparison} {limit!r}"), metrics)
        wide = judge_gate(parse_gate(f"push.visibility_ms.p95 {comparison} {wider!r}"), metrics)

        assert wide.outcome is Outcome.PASS or narrow.outcome is Outcome.FAIL


def test_a_result_is_plain_json() -> None:
    """Never is written as a word."""
    result = judge_gate(parse_gate("push.visibility_ms.p95 < 1000"), metrics_with("never"))

    assert result.to_json() == {
        "text": "push.visibility_ms.p95 < 1000",
        "measured": "never",
        "outcome": "fail",
        "reason": "measured never, not < 1,000",
    }
