"""What is said of push beside polling: from numbers by hand."""

from dataclasses import replace
from typing import Any

import pytest

from reports.comparison import answer, dominance_table, plane_exhibit
from reports.metrics import Metrics
from tests.reports.runs import empty


def bounded(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    """Return a number with its bounds."""
    return {"value": value, "low": low, "high": high}


def compared(**changes: Any) -> Metrics:
    """Return the metrics of a comparison, with some changed."""
    told = {
        "blocks": 12, "block_s": 5.0,
        "push_visibility_ms_p95": bounded(700.0), "push_requests_per_minute": bounded(15.0),
        "equal_cost": {"interval_s": bounded(4.0), "visibility_ms_p95": bounded(3850.0, 3600.0, 4100.0)},
        "equal_freshness": {"interval_s": bounded(0.72), "requests_per_minute": bounded(83.0, 80.0, 86.0)},
        "dominance": {}, "curve": [],
    }  # fmt: skip
    return Metrics({"comparison": {**told, **changes}})


def test_the_answer_has_both_fair_comparisons() -> None:
    """At equal cost with its interval, and at equal freshness."""
    said = answer(compared()).replace("\N{NO-BREAK SPACE}", " ")

    assert said == (
        "Push showed 95 % of the changes within 700 ms, for 15.0 requests per device and minute. For as many requests "
        "one can poll every 4.00 s, and sees them within 3.85 s (95 % interval 3.60 s to 4.10 s). To be as fresh, "
        "one has to poll every 720 ms: 83.0 requests a minute (95 % interval 80.0 to 86.0)."
    )


def test_what_no_polling_reaches_is_said() -> None:
    """And that nothing could be compared."""
    none = compared(equal_freshness={"interval_s": bounded(None), "requests_per_minute": bounded(None)})

    assert (
        answer(none).replace("\N{NO-BREAK SPACE}", " ").endswith("No polling interval of 100 ms or more is as fresh.")
    )
    assert "cannot be compared" in answer(Metrics({}))


def test_push_that_often_shows_nothing_is_less_fresh_than_any_polling() -> None:
    """Its p95 is never, so that no interval has the same: not because push is so good."""
    none = {"interval_s": bounded(None), "requests_per_minute": bounded(None)}
    said = answer(compared(push_visibility_ms_p95={**bounded(None), "value": "never"}, equal_freshness=none))

    assert said.replace("\N{NO-BREAK SPACE}", " ").startswith(
        "Push showed less than 95 % of the changes to those who were to see them, for 15.0 requests"
    )
    assert said.endswith("Polling shows them whatever its interval.")


@pytest.mark.parametrize(("p95_ms", "side"), [(3000.0, "below"), (700_000.0, "above")])
def test_the_side_of_the_curve_is_that_at_the_same_cost(p95_ms: float, side: str) -> None:
    """Even where push costs less than the slowest interval that is drawn."""
    curve = [{"interval_s": 120.0, "requests_per_minute": 0.5, "visibility_ms_p50": 6e4, "visibility_ms_p95": 1.1e5}]
    told = compared(
        push_visibility_ms_p95=bounded(p95_ms),
        push_requests_per_minute=bounded(0.1),
        equal_cost={"interval_s": bounded(600.0), "visibility_ms_p95": bounded(570_000.0)},
        curve=curve,
    )
    run = empty()
    drawn = plane_exhibit(replace(run, results=replace(run.results, metrics={**told.document, "polling": {}})))

    assert drawn is not None
    assert f"Push lies {side} the curve" in drawn.takeaway


def test_where_they_cross_is_told_by_quantile() -> None:
    """In ranges; a lone quantile by itself."""
    found = {"verdict": "crossing", "better_at": [0.2, 0.25, 0.3, 0.95], "worse_at": [0.05]}

    ((name, verdict, better, worse, _),) = dominance_table(compared(dominance={"5s": found})).rows

    assert (name, verdict) == ("polling 5\N{NO-BREAK SPACE}s", "they cross")
    assert better.replace("\N{NO-BREAK SPACE}", " ") == "20 % to 30 % and 95 %"
    assert worse.replace("\N{NO-BREAK SPACE}", " ") == "5.0 %"


def test_few_stretches_are_said_to_be_few() -> None:
    """No verdict."""
    rows = dominance_table(compared(dominance={"5s": {"verdict": None, "better_at": [], "worse_at": []}})).rows

    assert rows[0][1] == "too few stretches to say"
