"""Tables whose rows depend on what surrounds a run."""

from dataclasses import replace

from reports.input import ReportInput
from reports.tables import health_table
from reports.wording import NO_NUMBER


def test_the_newest_calibration_stands_beside_the_health(full_run: ReportInput) -> None:
    """And where the harness was never calibrated, nothing is said."""
    summary = "46 of 46 as planted, 0 wrong, 0 cannot be told (2026-01-01)"

    calibrated = [row[1] for row in health_table(replace(full_run, calibration=summary)).rows]
    uncalibrated = [row[1] for row in health_table(full_run).rows]

    assert summary in calibrated
    assert [text for text in calibrated if text != summary] == uncalibrated


def test_the_control_group_stands_beside_the_health(full_run: ReportInput) -> None:
    """What it lacks, what it has too much, how far it lies apart and how far it may; without one, nothing."""
    told = {
        "subscribers": 3,
        "n": 1200,
        "missing": 0,
        "surplus": 2,
        "tolerance_ms_p50": 20.0,
        "tolerance_ms_p95": 31.0,
        "signal_ms": {"p50": 8.5, "p95": None},
        "lean_signal_ms": {"p50": 7.2, "p95": None},
        "signal_difference_ms_p50": 1.3,
        "signal_difference_ms_p95": None,
        "ready_ms_p50": 54.0,
        "lean_ready_ms_p50": 50.0,
        "ready_difference_ms": 4.0,
        "ready_tolerance_ms": 1000.0,
    }

    def rows(control: int) -> list[tuple[str, ...]]:
        subscribers = full_run.scenario.subscribers.model_copy(update={"control": control})
        run = replace(
            full_run,
            scenario=full_run.scenario.model_copy(update={"subscribers": subscribers}),
            results=replace(full_run.results, metrics={**full_run.results.metrics, "control": told}),
        )
        return [row for row in health_table(run).rows if row[0].startswith("official clients")]

    assert rows(3) == [
        ("official clients: of 1,200 receipts, missing and surplus", "0 and 2", "0 and 0"),
        ("official clients: signal latency differs by, p50, ms", "1.3 (8.5 beside 7.2)", "±20.0"),
        ("official clients: signal latency differs by, p95, ms", NO_NUMBER, "±31.0"),
        ("official clients: readiness differs by, p50, ms", "4.0 (54.0 beside 50.0)", "±1,000.0"),
    ]
    assert rows(0) == []
