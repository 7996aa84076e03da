"""What was possible beside what was measured, as tables."""

from typing import Any

from reports.laboratory import computed_polling_table, least_table
from reports.metrics import Metrics
from reports.wording import NO_NUMBER


def least(subscribers: int) -> dict[str, Any]:
    """Return the metrics of one way to count."""
    efficiency: dict[str, float | None] = dict.fromkeys(("efficiency", "efficiency_min", "efficiency_p50"), 0.5)
    counts = {"subscribers": subscribers, "optimum": 50, "actual": 100, "efficiency_max": 1.0}
    return {"achieved": {**efficiency, **counts}}


def test_each_way_to_count_is_a_row() -> None:
    """Half of the refreshes were needed, at the best subscriber all."""
    metrics = Metrics({"coalescing": {"least": {level: least(3) for level in ("entity", "request_key", "client")}}})

    rows = least_table(metrics).rows

    assert [row[0] for row in rows] == ["by entity", "by request key", "by client, all at once"]
    assert rows[0][1:3] == ("50", "100")
    assert rows[0][3].startswith("50")
    assert rows[0][6].startswith("100")


def test_what_nobody_refreshed_is_told_beside_it() -> None:
    """A policy that drops signals, or starves, is not cheap: it is silent."""
    told = {level: least(3) for level in ("entity", "request_key", "client")}
    metrics = Metrics({"coalescing": {"least": told, "never_refreshed": 7}, "push": {"signals_suppressed": 1200}})
    served = Metrics({"coalescing": {"least": told, "never_refreshed": 0}, "push": {"signals_suppressed": 0}})

    assert least_table(metrics).note.endswith(
        "than it was: 1,200 signals that its policy dropped, and 7 that no re-fetch followed."
    )
    assert "Left out" not in least_table(served).note


def test_where_nothing_was_to_be_refreshed_there_is_no_table() -> None:
    """An empty one is left out."""
    metrics = Metrics({"coalescing": {"least": {level: least(0) for level in ("entity", "request_key", "client")}}})

    assert least_table(metrics).rows == ()


def test_a_run_that_was_analysed_before_has_no_table() -> None:
    """It did not know of either."""
    metrics = Metrics({"coalescing": {}, "polling": {"5s": {}}})

    assert (least_table(metrics).rows, computed_polling_table(metrics).rows) == ((), ())


def test_a_cohort_stands_beside_its_arithmetic() -> None:
    """2% above."""
    told = {"computed_ms_mean": 2407.1, "mean_over_computed": 1.02, "computed_pairs": 31, "check": "agrees"}
    metrics = Metrics({"polling": {"5s": told}})

    assert computed_polling_table(metrics).rows == (("5\N{NO-BREAK SPACE}s", "2,407.1", "31", "1.020", "agrees"),)


def test_a_cohort_that_saw_nothing_is_not_left_out() -> None:
    """Its row says why there is no check."""
    told = {"computed_ms_mean": None, "mean_over_computed": None, "computed_pairs": 0, "check": "not applicable: x"}

    (row,) = computed_polling_table(Metrics({"polling": {"60s": told}})).rows

    assert row[2:] == ("0", NO_NUMBER, "not applicable: x")
