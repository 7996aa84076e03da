"""The exhibits of where push stops paying: what they say of a run, and what they leave out."""

import dataclasses
from typing import Any

from reports.break_even import break_even_exhibits
from reports.input import ReportInput


def with_phase(run: ReportInput, phase: dict[str, Any]) -> ReportInput:
    """Return a run with one phase on the map."""
    metrics = {**run.results.metrics, "break_even": {"phases": {"busy": phase}}}
    return dataclasses.replace(run, results=dataclasses.replace(run.results, metrics=metrics))


PHASE: dict[str, Any] = {
    "writes_per_organization_minute": 30.0,
    "members_per_organization": 5,
    "clients": {
        "ios": {
            "requests": 120,
            "requests_per_device_minute": 30.0,
            "predicted_per_device_minute": 28.0,
            "predicted_low": 24.0,
            "predicted_high": 32.0,
        },
        "web_as_built": {"requests": 0, "requests_per_device_minute": 0.0},
    },
    "polling": {"5s": {}},
    "saved": {"ios": {"5s": {"measured_share": -1.5, "predicted_share": -1.33}}},
}


def test_a_run_in_which_nothing_was_fetched_has_none(empty_run: ReportInput) -> None:
    """There is nobody to tell of."""
    assert break_even_exhibits(empty_run) == ()


def test_the_line_is_told_for_each_client(full_run: ReportInput) -> None:
    """IOS refreshes once for each write: 12 a minute is what polling every 5 s makes, 2 every 30 s."""
    line, organizations = break_even_exhibits(full_run)

    assert line.table is not None
    names = [row[0] for row in line.table.rows]
    ios = line.table.rows[names.index("iOS as designed")]
    assert ios[1].startswith("12.")
    assert ios[4].endswith("members")
    assert line.drawing is not None
    assert organizations.drawing is not None
    assert "Members multiply" in organizations.takeaway


def test_what_was_measured_stands_in_both_figures(full_run: ReportInput) -> None:
    """As circles on the lines, and as a dot on the map that says whether the simulation foresaw it."""
    line, organizations = break_even_exhibits(with_phase(full_run, PHASE))

    assert "are what this run measured, at 30.0 writes per organization-minute." in line.takeaway
    assert [table.caption for table in line.beneath] == ["This run on the map: requests per device-minute"]
    assert "Dots are where this run measured: 1 of 1 came to what the simulation says" in organizations.takeaway


def test_sizes_of_organizations_are_told_apart(full_run: ReportInput) -> None:
    """Small circles and large ones; a dot for each."""
    sizes = {"2": {**PHASE, "members_per_organization": 2.0}, "10": {**PHASE, "members_per_organization": 10.0}}
    line, organizations = break_even_exhibits(with_phase(full_run, {**PHASE, "sizes": sizes}))

    assert "small ones in organizations of 2 members and large ones of 10." in line.takeaway
    assert "2 of 2 came to" in organizations.takeaway


def test_an_older_run_has_no_place_on_the_map(full_run: ReportInput) -> None:
    """It was analysed before; the map is drawn all the same."""
    metrics = {key: value for key, value in full_run.results.metrics.items() if key != "break_even"}
    run = dataclasses.replace(full_run, results=dataclasses.replace(full_run.results, metrics=metrics))

    assert break_even_exhibits(run)[0].beneath == ()
