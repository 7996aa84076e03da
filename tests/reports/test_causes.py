"""The tables of causes."""

from dataclasses import replace
from typing import Any

from reports.causes import cause_table, delay_table
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.tables import every_number

ROW: dict[str, Any] = {
    "class": "missed_unhealed",
    "cause": "socket down",
    "began": "closed 1012",
    "pairs": 1200,
    "example": {
        "event": "f8440611-b6f5-44ab-bf06-9acb825ada33",
        "subscriber": 18,
        "committed_ms": 2394.0,
        "deadline_ms": 7394.0,
        "received_ms": None,
        "others_told_ms": 2401.5,
        "began_ms": 2300.0,
        "faults": ['fault: close {"code": 1012}'],
    },
}


def metrics_with(run: ReportInput, *path: str, value: Any) -> Metrics:
    """Return a run's metrics with one value in place of another."""
    first, second = path
    document = run.metrics.document
    return replace(run.metrics, document={**document, first: {**document[first], second: value}})


def test_a_cause_has_its_worst_example(full_run: ReportInput) -> None:
    """Event and subscriber as the command line wants them."""
    table = cause_table(metrics_with(full_run, "delivery", "table", value=[ROW, {**ROW, "began": ""}]))

    stamps = "cause began 2.300\u00a0s; committed 2.394\u00a0s; others told 2.401\u00a0s; deadline 7.394\u00a0s"
    assert table.rows[0] == (
        "missed while away, never healed",
        "socket down (closed 1012)",
        "1,200",
        stamps + '; never received; fault: close {"code": 1012}',
        "loadtests explain . --event f8440611-b6f5-44ab-bf06-9acb825ada33 --subscriber 18",
    )
    assert table.rows[1][1] == "socket down"


def test_a_late_delivery_ends_with_its_receipt(full_run: ReportInput) -> None:
    """In order of time, after the deadline."""
    late = {**ROW, "class": "late", "example": {**ROW["example"], "received_ms": 9000.0, "faults": []}}
    table = cause_table(metrics_with(full_run, "delivery", "table", value=[late]))

    assert table.rows[0][3].endswith("deadline 7.394\u00a0s; received 9.000\u00a0s")


def test_a_run_without_trouble_has_neither_table(full_run: ReportInput) -> None:
    """They are left out."""
    assert (cause_table(full_run.metrics).rows, delay_table(full_run.metrics).rows) == ((), ())


def test_the_most_frequent_cause_of_delays_comes_first(full_run: ReportInput) -> None:
    """With its median and its worst."""
    seldom = {"p50": 150.0, "p95": None, "p99": None, "max": 200.0, "n": 2, "pairs": 3}
    often = {**seldom, "pairs": 40, "n": 9}
    table = delay_table(metrics_with(full_run, "push", "delays", value={"api": seldom, "idle poll": often}))

    assert table.rows == (("idle poll", "150.0", "200.0", "9", "40"), ("api", "150.0", "200.0", "2", "3"))


def test_among_all_numbers_a_table_is_told_by_its_length(full_run: ReportInput) -> None:
    """Its rows stand elsewhere."""
    rows = every_number(metrics_with(full_run, "delivery", "table", value=[ROW, ROW])).rows

    assert [row[1] for row in rows if row[0] == "delivery.table"] == ["2 rows"]
