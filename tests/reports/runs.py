"""Runs made by hand, for reports to be made of: a full one, a small one, an empty one, one that lost much."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from loadtests.analysis.results import Cost, Results, Series, Timeline
from loadtests.checks.gates import GateResult, Outcome
from loadtests.checks.verdict import Verdict
from loadtests.scenario.model import Scenario
from reports.input import ReportInput
from tests.reports.metrics_part import metrics_of
from tests.reports.series_part import empty_timeline, full_series, live_throughout

SCENARIO_TEXT = """\
# How soon do members of an organization see a colleague's change?
name = "smoke"
question = "How soon do members of an organization see a colleague's change, and what does it cost against polling?"
gates = ["push.visibility_ms.p95 < 1000", "delivery.missed_live == 0"]
"""
LEAK = {
    "path": "push",
    "event": "0f9e3c52-90a1-4a52-8c4e-6f6b0a1f6f0e",
    "of_organization": 3,
    "subscriber": 17,
    "in_organization": 4,
    "at_s": 12.5,
}
NOTHING = Cost(refreshes=0.0, requests=0.0, bytes=0.0, signals=0.0)


def scenario_of(**changes: Any) -> Scenario:
    """Return the scenario of all these runs, with some keys changed."""
    keys: dict[str, Any] = {
        "name": "smoke",
        "question": "How soon do members of an organization see a colleague's change, "
        "and what does it cost against polling?",
        "organizations": {"count": 40},
        "subscribers": {"count": 200, "control": 0},
        "pollers": [{"interval_s": 5, "count": 30}, {"interval_s": 10, "count": 30}],
        "phases": [
            {"name": "warm-up", "duration_s": 5, "mutations_per_s": 10, "warm_up": True},
            {"name": "load", "duration_s": 45, "mutations_per_s": 10},
        ],
        "gates": ["push.visibility_ms.p95 < 1000", "delivery.missed_live == 0"],
    }
    return Scenario.model_validate({**keys, **changes})


def manifest_of(scenario: Scenario, text: str = SCENARIO_TEXT) -> dict[str, Any]:
    """Return a manifest as the runner writes it."""
    return {
        "schema": "loadtests.manifest/1",
        "run_id": "smoke-0001",
        "seed": 1,
        "scenario": scenario.model_dump(mode="json"),
        "scenario_text": text,
        "overrides": ["subscribers.count=200"],
        "started_at": "2026-11-23T09:00:00+00:00",
        "versions": {"loadtests": "0.1.0", "python": "3.11.7", "postgresql": "18.6"},
        "host": {"processor": "AMD EPYC", "cpus": 2, "memory_bytes": 8_360_000_000, "load_average": [0.4, 0.3, 0.1]},
    }


def full(text: str = SCENARIO_TEXT, pairs: int = 2250) -> ReportInput:
    """Return a healthy run that passed."""
    scenario = scenario_of()
    series = full_series(pairs)
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario, text),
        results=Results(metrics=metrics_of(series, mutations=450, delivery={}), series=series),
        verdict=Verdict(
            value=Outcome.PASS,
            reasons=("all 2 gates hold",),
            gates=(
                GateResult(
                    text="push.visibility_ms.p95 < 1000", outcome=Outcome.PASS, measured=912.4, reason="measured 912.4"
                ),
                GateResult(text="delivery.missed_live == 0", outcome=Outcome.PASS, measured=0.0, reason="measured 0"),
            ),
        ),
    )


def empty() -> ReportInput:
    """Return a run whose driver died before anything was recorded: nulls and no series."""
    scenario = scenario_of()
    series = Series(
        push_visibility_ms=np.empty(0),
        polling_visibility_ms={},
        client_visibility_ms={},
        stages_ms={},
        push_cost=NOTHING,
        polling_cost={},
        timeline=empty_timeline(),
        states=live_throughout(bins=0, devices=0),
    )
    metrics = metrics_of(
        series, mutations=0, delivery={"causes": None, "table": None}, reasons=("swarm-0 died (signal 9)",)
    )
    metrics |= {"coalescing": None, "convergence": None}
    metrics["push"] |= {"signal_ms": None, "stages": None, "delays": None, "requests_per_subscriber_minute": None}
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario),
        results=Results(metrics=metrics, series=series),
        verdict=Verdict(
            value=Outcome.UNKNOWN,
            reasons=("The driver swarm-0 died (signal 9) 3.1 s into the run.",),
            gates=(
                GateResult(
                    text="push.visibility_ms.p95 < 1000",
                    outcome=Outcome.UNKNOWN,
                    measured=None,
                    reason="push.visibility_ms.p95 needs 200 distinct observations, there are 0",
                ),
                GateResult(
                    text="delivery.missed_live == 0",
                    measured=None,
                    outcome=Outcome.UNKNOWN,
                    reason="delivery.missed_live has no value in this run",
                ),
            ),
        ),
    )


def censored(share: float = 0.3) -> ReportInput:
    """Return a failed run in which a share of the pairs was never shown by push."""
    healthy = full()
    series = healthy.results.series
    lost = np.arange(len(series.push_visibility_ms)) < share * len(series.push_visibility_ms)
    timeline = series.timeline
    late = timeline.begin_s >= 30
    shown = replace(
        series,
        push_visibility_ms=np.where(lost, np.inf, series.push_visibility_ms),
        stages_ms={name: values[~lost] for name, values in series.stages_ms.items()},
        timeline=Timeline(
            bin_s=1.0,
            begin_s=timeline.begin_s,
            writes=timeline.writes,
            signals=np.where(late, 0, timeline.signals),
            refreshes=np.where(late, 0, timeline.refreshes),
            polls=timeline.polls,
            visibility_ms_p50=np.where(late, np.inf, timeline.visibility_ms_p50),
            visibility_ms_p95=np.where(
                late, np.inf, np.where(timeline.begin_s == 12, np.nan, timeline.visibility_ms_p95)
            ),
        ),
    )
    missed = round(2250 * share)
    delivery: dict[str, Any] = {
        "delivered_once": 2250 - missed,
        "missed_live": missed,
        "lost": missed,
        "causes": {"unexplained": missed},
    }
    delivery |= {"leaked": 2, "leaks": {"total": 2, "examples": [LEAK]}}
    return ReportInput(
        scenario=healthy.scenario,
        manifest=healthy.manifest,
        results=Results(metrics=metrics_of(shown, mutations=450, delivery=delivery), series=shown),
        verdict=Verdict(
            value=Outcome.FAIL,
            reasons=(
                "push.visibility_ms.p95 is never, the gate asks for less than 1000",
                f"delivery.missed_live is {missed}, the gate asks for 0",
            ),
            gates=(
                GateResult(
                    text="push.visibility_ms.p95 < 1000",
                    outcome=Outcome.FAIL,
                    measured=math.inf,
                    reason="measured never, not < 1,000",
                ),
                GateResult(
                    text="delivery.missed_live == 0",
                    outcome=Outcome.FAIL,
                    measured=float(missed),
                    reason=f"measured {missed}, not == 0",
                ),
            ),
        ),
    )


def small() -> ReportInput:
    """Return a run of 20 mutations without pollers: too few for a p95."""
    scenario = scenario_of(
        name="two-devices", pollers=[], organizations={"count": 1}, subscribers={"count": 1, "control": 0}
    )
    series = replace(full_series(20), polling_visibility_ms={}, polling_cost={}, states=live_throughout(50, 1))
    series = replace(series, client_visibility_ms={"ios": series.push_visibility_ms})
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario),
        results=Results(metrics=metrics_of(series, mutations=20, delivery={}), series=series),
        verdict=Verdict(value=Outcome.PASS, reasons=(), gates=()),
    )


def unattended() -> ReportInput:
    """Return a run with pollers only: no subscriber."""
    scenario = scenario_of(subscribers={"count": 0})
    series = replace(
        full_series(),
        push_visibility_ms=np.empty(0),
        client_visibility_ms={},
        stages_ms={},
        push_cost=NOTHING,
        states=live_throughout(50, 0),
    )
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario),
        results=Results(
            metrics=metrics_of(series, mutations=450, delivery={"expected": 0, "delivered_once": 0}), series=series
        ),
        verdict=Verdict(value=Outcome.PASS, reasons=(), gates=()),
    )
