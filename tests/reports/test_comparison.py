"""What is said of push beside polling: from numbers by hand."""

from typing import Any

from reports.comparison import answer, dominance_table
from reports.metrics import Metrics


def bounded(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    """Return a number with its bounds."""
    return {"value": value, "low": low, "high": high}


def compared(**changes: Any) -> Metrics:
    """Return the metrics of a comparison, with some changed."""
    told = {
        "blocks": 12, "block_s": 5.0,
        "push_visibility_ms_p95": bounded(700.0), "push_requests_per_minute": bounded(15.0),
        "equal_cost": {"interval_s": bounded(4.0), "visibility_ms_p95": bounded(3850.0, 3600.0, 4100.0)},
        "equal_freshness": {"interval_s": bounded(0.72), "requests_per_minute": bounded(83.0)},
        "dominance": {}, "curve": [],
    }  # fmt: skip
    return Metrics({"comparison": {**told, **changes}})


def test_the_answer_has_both_fair_comparisons() -> None:
    """At equal cost with its interval, and at equal freshness."""
    said = answer(compared()).replace("\N{NO-BREAK SPACE}", " ")

    assert said == (
        "Push showed 95 % of the changes within 700 ms, for 15.0 requests per device and minute. For as many requests "
        "one can poll every 4.00 s, and sees them within 3.85 s (95 % interval 3.60 s to 4.10 s). To be as fresh, "
        "one has to poll every 720 ms: 83.0 requests a minute."
    )


def test_what_no_polling_reaches_is_said() -> None:
    """And that nothing could be compared."""
    none = compared(equal_freshness={"interval_s": bounded(None), "requests_per_minute": bounded(None)})

    assert answer(none).endswith("No polling interval is as fresh.")
    assert "cannot be compared" in answer(Metrics({}))


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
