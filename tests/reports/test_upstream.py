"""Tables of what the run was made against, and of what emission left out."""

from dataclasses import replace
from typing import Any

from reports.input import ReportInput
from reports.metrics import Metrics
from reports.target import target_table
from reports.upstream import notification_table, silent_table, upstream_table
from tests.reports.runs import scenario_of


def spoiled(run: ReportInput, **upstream: Any) -> Metrics:
    """Return a run's metrics with some upstream keys changed."""
    document = run.results.metrics
    return Metrics({**document, "upstream": {**document["upstream"], **upstream}})


def test_the_target_is_described_with_its_defaults(full_run: ReportInput) -> None:
    """A reader does not know them."""
    told = dict(target_table(full_run).rows)

    assert told["behaviour"] == "as designed"
    assert told["an organization's events beyond 100 a minute"].startswith("stored all the same")
    assert told["events older than 24\u00a0h removed"] == "every 1\u00a0h"
    assert told["push notifications"] == "none"


def test_what_was_asked_for_stands_in_the_description(full_run: ReportInput) -> None:
    """In the scenario's own numbers."""
    target = {"as_built": True, "events_per_minute": 20, "retention_s": 60, "retention_every_s": 5}
    told = dict(target_table(replace(full_run, scenario=scenario_of(target=target))).rows)

    assert told["behaviour"] == "as built: today's code"
    assert "an organization's events beyond 20 a minute" in told
    assert told["events older than 1\u00a0min removed"] == "every 5\u00a0s"


def test_a_silent_failure_is_named(full_run: ReportInput) -> None:
    """With its request id, by which a log can be searched; what never happened has no number."""
    failure = {"mutation": 7, "request_id": "r-7", "kind": "update", "job": "j-1", "due_s": 2.5}
    metrics = spoiled(full_run, silent=[{**failure, "screens": 5, "never_seen_by": 5, "last_seen_ms": None}])

    assert silent_table(metrics).rows == (("r-7", "update", "j-1", "2.50", "5", "5", "\u2013"),)


def test_where_nothing_failed_and_nobody_was_notified_there_is_no_table(full_run: ReportInput) -> None:
    """An empty one would only be read."""
    assert silent_table(full_run.metrics).rows == ()
    assert notification_table(full_run.metrics).rows == ()


def test_a_distribution_without_observations_has_no_row(full_run: ReportInput) -> None:
    """And one that never came to its end says how often."""
    never = {"p50": 120.0, "p90": None, "p95": None, "p99": None, "max": "never", "n": 3, "pairs": 9, "never": 4}
    name = "from a job without its score to the score, on one screen"
    told = dict(upstream_table(spoiled(full_run, score_shown_ms=never)).rows)

    assert not [row for row in dict(upstream_table(full_run.metrics).rows) if row.startswith(name)]
    assert told[f"{name}: half within"] == "120\u00a0ms"
    assert told[f"{name}: never"] == "4"
