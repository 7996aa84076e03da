"""Tables whose rows depend on what surrounds a run."""

from dataclasses import replace

from reports.input import ReportInput
from reports.tables import health_table


def test_the_newest_calibration_stands_beside_the_health(full_run: ReportInput) -> None:
    """And where the harness was never calibrated, nothing is said."""
    summary = "46 of 46 as planted, 0 wrong, 0 cannot be told (2026-01-01)"

    calibrated = [row[1] for row in health_table(replace(full_run, calibration=summary)).rows]
    uncalibrated = [row[1] for row in health_table(full_run).rows]

    assert summary in calibrated
    assert [text for text in calibrated if text != summary] == uncalibrated
