"""What `metrics.json` says of the runs made by hand: all keys that a report needs, in agreement with their series."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.results import METRICS_SCHEMA, Cost, Milliseconds, Series
from tests.reports.upstream_part import upstream_of

POPULATION: Final = {
    "subscribers": 200,
    "live_peak": 200,
    "pollers": 60,
    "mutators": 50,
    "organizations": 40,
    "duration_s": 45.0,
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
            cohort: _cohort(values, mutations, polling[cohort])
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
        "coalescing": _coalescing(expected),
        "connections": {"lost": 0},
        "clients": {model: _client(values, mutations) for model, values in series.client_visibility_ms.items()},
        "convergence": {
            "views": 260,
            "away_views": 0,
            "wrong_views": 0,
            "wrong_jobs": 0,
            "beyond_page": 0,
            "differences": {"total": 0, "by_what": {}, "by_delivery": {}, "examples": []},
        },
        "health": {
            "send_delay_ms_p99": 3.1 if measured else None,
            "loop_lag_ms_p99": 6.4 if measured else None,
            "clock_bound_ms": 0.4,
            "samples_ok": measured,
            "reasons": list(reasons),
            "remarks": [],
        },
        "phases": {"warm-up": _phase(50), "load": _phase(450)},
        "population": dict(POPULATION),
    }


def _coalescing(expected: int) -> dict[str, Any]:
    return {
        "signals": expected,
        "refreshes": round(expected / 1.31),
        "ratio": 1.31 if expected else None,
        "optimum": round(expected / 1.42),
        "efficiency": 0.923 if expected else None,
        "efficiency_by_bound": {"0.5s": 0.98, "1s": 0.81, "2s": 0.55} if expected else {},
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
        "leaked_answers": 0,
        "leaks": {"total": 0, "examples": []},
        "out_of_order": 0,
        "degraded": 0,
        "phantom": 0,
        "early": 0,
        "live_healed": 0,
        "missed_unhealed_outside_screen": 0,
        "missed_unhealed_left": 0,
        "lost": 0,
        "outside_screen": 0,
        "causes": {},
        "table": [],
    }


def _client(values: Milliseconds, mutations: int) -> dict[str, Any]:
    return {
        "devices": 100,
        "visibility_ms": quantiles_of(values, mutations),
        "staleness_ms": {**quantiles_of(values * 0.9, mutations), "mean": 12.0},
        "seen_within_1s": {"pairs": int((values <= 1000).sum()), "of_pairs": len(values)},
        "recovery_ms": quantiles_of(np.empty(0), 0),
        **_costs(Cost(refreshes=12.0, requests=12.0 + mutations / 450, bytes=160_000.0, signals=15.0)),
        "wasted_share": 0.04,
        "convergence": {"views": 100, "wrong_views": 0},
        "delivery": {"missed_live": 0, "missed_healed": 0, "missed_unhealed": 0},
        "signals_paused": 0,
        "signals_suppressed": 0,
        "not_fetched": dict.fromkeys(("deduped", "in_flight", "background", "ended", "nothing_missed"), 0),
    }


def _cohort(values: Milliseconds, mutations: int, cost: Cost) -> dict[str, Any]:
    return {
        "visibility_ms": quantiles_of(values, mutations),
        "staleness_ms": quantiles_of(values * 0.95, mutations),
        **_costs(cost),
        "computed_ms_mean": 2500.0,
        "mean_over_computed": 1.001,
        "computed_pairs": len(values),
        "check": "agrees",
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
