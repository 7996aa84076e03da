"""Runs made by hand, for reports to be made of: a full one, a small one, an empty one, one that lost much."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.results import METRICS_SCHEMA, Cost, Milliseconds, Results, Series, Timeline
from loadtests.checks.gates import GateResult, Outcome
from loadtests.checks.verdict import Verdict
from loadtests.scenario.model import Scenario
from reports.input import ReportInput
from tests.reports.upstream_part import upstream_of

SCENARIO_TEXT = """\
# How soon do members of an organization see a colleague's change?
name = "smoke"
question = "How soon do members of an organization see a colleague's change, and what does it cost against polling?"
gates = ["push.visibility_ms.p95 < 1000", "delivery.missed_live == 0"]
"""
NOTHING = Cost(refreshes=0.0, requests=0.0, bytes=0.0, signals=0.0)


def scenario_of(**changes: Any) -> Scenario:
    """Return the scenario of all these runs, with some keys changed."""
    keys: dict[str, Any] = {
        "name": "smoke",
        "question": "How soon do members of an organization see a colleague's change, "
        "and what does it cost against polling?",
        "organizations": {"count": 40},
        "subscribers": {"count": 200},
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


def quantiles_of(values: Milliseconds, n: int) -> dict[str, Any]:
    """Return a distribution as metrics.json holds it."""
    return of_distinct(values, distinct=n).to_json()


def metrics_of(
    series: Series, *, mutations: int, delivery: Mapping[str, Any], reasons: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a whole metrics.json that agrees with the series."""
    expected = mutations * 5
    push, polling = series.push_cost, series.polling_cost
    measured = mutations > 0
    return {
        "schema": METRICS_SCHEMA,
        "push": {
            "visibility_ms": quantiles_of(series.push_visibility_ms, mutations),
            "signal_ms": quantiles_of(series.stages_ms.get("signal_latency", np.empty(0)), mutations),
            "staleness_ms": quantiles_of(series.push_visibility_ms * 0.9, mutations),
            **_stages(series, mutations),
            **_costs(push),
        },
        "polling": {
            cohort: {
                "visibility_ms": quantiles_of(values, mutations),
                "staleness_ms": quantiles_of(values * 0.95, mutations),
                **_costs(polling[cohort]),
            }
            for cohort, values in series.polling_visibility_ms.items()
        },
        "mutations": {
            "due": mutations,
            "sent": mutations,
            "acked": mutations,
            "failed": 0,
            "unknown": 0,
            "unsent": 0,
            "without_event": 0,
            "ambiguous": 0,
        },
        "upstream": upstream_of(quantiles_of, mutations),
        "notifications": {
            **dict.fromkeys(("due", "delivered", "pending", "forgotten", "given_up", "attempts"), 0),
            "delivered_ms": quantiles_of(np.empty(0), 0),
        },
        "delivery": {**_all_delivered(expected), **delivery},
        "coalescing": {
            "signals": expected,
            "refreshes": round(expected / 1.31),
            "ratio": 1.31 if measured else None,
            "optimum": round(expected / 1.42),
            "efficiency": 0.923 if measured else None,
            "efficiency_by_bound": {"0.5s": 0.98, "1s": 0.81, "2s": 0.55} if measured else {},
        },
        "convergence": {"views": 260, "wrong_views": 0},
        "health": {
            "send_delay_ms_p99": 3.1 if measured else None,
            "loop_lag_ms_p99": 6.4 if measured else None,
            "clock_bound_ms": 0.4,
            "samples_ok": measured,
            "reasons": list(reasons),
        },
        "phases": {"warm-up": _phase(50), "load": _phase(450)},
        "population": {
            "subscribers": 200,
            "live_peak": 200,
            "pollers": 60,
            "mutators": 50,
            "organizations": 40,
            "duration_s": 45.0,
        },
    }


def _stages(series: Series, mutations: int) -> dict[str, Any]:
    stages = {f"{name}_ms": quantiles_of(values, mutations) for name, values in series.stages_ms.items()}
    return {"stages": stages, "delays": {}}


def _all_delivered(expected: int) -> dict[str, Any]:
    return {
        "expected": expected,
        "delivered_once": expected,
        "duplicate": 0,
        "late": 0,
        "missed_live": 0,
        "missed_healed": 0,
        "missed_unhealed": 0,
        "outside": 0,
        "leaked": 0,
        "out_of_order": 0,
        "degraded": 0,
        "phantom": 0,
        "early": 0,
        "live_healed": 0,
        "outside_screen": 0,
        "causes": {},
        "table": [],
    }


def _phase(mutations: int) -> dict[str, Any]:
    costs = {
        "devices": 100,
        "signals": 5 * mutations,
        "refreshes": 4 * mutations,
        "refreshes_per_device": mutations / 25,
    }
    return {"mutations": mutations, "ios": costs, "web": costs}


def _costs(cost: Cost) -> dict[str, float]:
    return {
        "refreshes_per_subscriber_minute": cost.refreshes,
        "requests_per_subscriber_minute": cost.requests,
        "bytes_per_subscriber_minute": cost.bytes,
        "signals_per_subscriber_minute": cost.signals,
    }


def timeline_of(bins: int, warm_up: int, random: np.random.Generator) -> Timeline:
    """Return a lively timeline in bins of one second."""
    middle = 600 + 40 * random.standard_normal(bins)
    return Timeline(
        bin_s=1.0,
        begin_s=np.arange(-warm_up, bins - warm_up, dtype=np.float64),
        writes=random.poisson(10, bins),
        signals=random.poisson(50, bins),
        refreshes=random.poisson(44, bins),
        polls=random.poisson(9, bins),
        visibility_ms_p50=middle,
        visibility_ms_p95=middle + 180 + 90 * random.random(bins),
    )


def empty_timeline() -> Timeline:
    """Return a timeline without a bin."""
    counts, numbers = np.empty(0, dtype=np.int64), np.empty(0)
    return Timeline(
        bin_s=1.0,
        begin_s=numbers,
        writes=counts,
        signals=counts,
        refreshes=counts,
        polls=counts,
        visibility_ms_p50=numbers,
        visibility_ms_p95=numbers,
    )


def full_series(pairs: int = 2250) -> Series:
    """Return what a healthy run of some ten mutations a second looks like."""
    random = np.random.default_rng(7)
    stages = {
        "send_delay": random.exponential(1.2, pairs),
        "emission_delay": 4 + random.exponential(2, pairs),
        "signal_latency": 2 + random.exponential(6, pairs),
        "debounce_wait": 500 + np.where(random.random(pairs) < 0.2, random.uniform(0, 420, pairs), 1.5),
        "queued": random.exponential(0.8, pairs),
        "refresh_latency": 8 + random.gamma(2, 9, pairs),
    }
    return Series(
        push_visibility_ms=np.sum(list(stages.values()), axis=0),
        polling_visibility_ms={
            "5s": random.uniform(10, 5030, pairs * 3 // 10),
            "10s": random.uniform(10, 10_030, pairs * 3 // 10),
        },
        stages_ms=stages,
        push_cost=Cost(refreshes=11.4, requests=13.2, bytes=171_000.0, signals=15.1),
        polling_cost={
            "5s": Cost(refreshes=12.0, requests=12.0, bytes=148_000.0, signals=0.0),
            "10s": Cost(refreshes=6.0, requests=6.0, bytes=74_000.0, signals=0.0),
        },
        timeline=timeline_of(50, 5, random),
    )


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
        stages_ms={},
        push_cost=NOTHING,
        polling_cost={},
        timeline=empty_timeline(),
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
    shown = Series(
        push_visibility_ms=np.where(lost, np.inf, series.push_visibility_ms),
        polling_visibility_ms=series.polling_visibility_ms,
        stages_ms={name: values[~lost] for name, values in series.stages_ms.items()},
        push_cost=series.push_cost,
        polling_cost=series.polling_cost,
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
    delivery = {"delivered_once": 2250 - missed, "missed_live": missed, "causes": {"unexplained": missed}, "leaked": 2}
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
    scenario = scenario_of(name="two-devices", pollers=[], organizations={"count": 1}, subscribers={"count": 1})
    whole = full_series(20)
    series = Series(
        push_visibility_ms=whole.push_visibility_ms,
        polling_visibility_ms={},
        stages_ms=whole.stages_ms,
        push_cost=whole.push_cost,
        polling_cost={},
        timeline=whole.timeline,
    )
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario),
        results=Results(metrics=metrics_of(series, mutations=20, delivery={}), series=series),
        verdict=Verdict(value=Outcome.PASS, reasons=(), gates=()),
    )


def unattended() -> ReportInput:
    """Return a run with pollers only: no subscriber."""
    scenario = scenario_of(subscribers={"count": 0})
    whole = full_series()
    series = Series(
        push_visibility_ms=np.empty(0),
        polling_visibility_ms=whole.polling_visibility_ms,
        stages_ms={},
        push_cost=NOTHING,
        polling_cost=whole.polling_cost,
        timeline=whole.timeline,
    )
    return ReportInput(
        scenario=scenario,
        manifest=manifest_of(scenario),
        results=Results(
            metrics=metrics_of(series, mutations=450, delivery={"expected": 0, "delivered_once": 0}), series=series
        ),
        verdict=Verdict(value=Outcome.PASS, reasons=(), gates=()),
    )
