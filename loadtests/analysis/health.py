"""Is the measurement good: our own lateness, our own processes, the clocks, and whether the account adds up.

What the target did badly is a result; what we did badly makes a result worthless. Only the latter is judged here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.clock import Clock
from loadtests.analysis.metric_keys import find_metric
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.quantiles import p99_or_max
from loadtests.analysis.segments import expand
from loadtests.analysis.stamps import NS_PER_MS, UNKNOWN, Ints, elapsed_ms
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import Kind, Process, TruthSource, Unsent
from loadtests.scenario.model import Scenario

_OURS: Final = tuple(int(process) for process in (Process.RUNNER, Process.MUTATORS, Process.SWARM))
_MIB: Final = 1024 * 1024
_LAG_INTERVAL_NS: Final = 100 * NS_PER_MS
"""All of our processes sample their own lag that often; a process that lags samples later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Figures on the harness itself."""

    send_delay_ms_p99: float | None
    loop_lag_ms_p99: float | None
    without_lag: tuple[str, ...]
    """Names of those of our processes that had to sample their lag and did not: nothing says that they kept up."""
    receive_age_ms_p99: float | None
    clock_bound_ms: float | None
    clock_drift_ppm: float | None
    target_limited_share: float | None
    processes: Mapping[str, Mapping[str, float]]


def measure_health(
    history: History, scenario: Scenario, mutations: Mutations, *, clock: Clock, window: Window
) -> Health:
    """Return the figures over the window."""
    chosen = np.flatnonzero(mutations.in_window & (mutations.dispatched_ns != UNKNOWN))
    # The dispatcher waits for no response, so what it is late by is ours alone.
    late_ms = elapsed_ms(mutations.due_ns[chosen], mutations.dispatched_ns[chosen])
    return Health(
        send_delay_ms_p99=p99_or_max(late_ms),
        loop_lag_ms_p99=p99_or_max(_with_the_kept_waiting(_of_ours(history, Kind.LOOP_LAG, window)) / NS_PER_MS),
        without_lag=_without_lag(history, mutations, window, swarms=scenario.subscribers.processes),
        receive_age_ms_p99=p99_or_max(_of_ours(history, Kind.RECEIVE_AGE, window) / NS_PER_MS),
        clock_bound_ms=clock.bound_ms,
        clock_drift_ppm=clock.drift * 1e6 if clock.is_known else None,
        target_limited_share=_target_limited(mutations, scenario.health.send_delay_ms_p99),
        processes=_usage(history, window),
    )


def reasons_against(
    health: Health, scenario: Scenario, window: Window, *, source: TruthSource, truth_is_read: bool, missing_pairs: int
) -> list[str]:
    """Return why the measurement is not good enough, in words; none when it is.

    Where nobody may ask the database for its time, mutations bound the clocks as well as they can: then the bound
    spoils only gates whose limit lies within it.
    """
    limits, is_asked = scenario.health, source is TruthSource.DATABASE
    reasons = []
    if window.end_ns <= window.start_ns:
        reasons.append("the measurement window never began")
    for value, limit, what in (
        (health.send_delay_ms_p99, limits.send_delay_ms_p99, "our dispatcher sent mutations late: p99"),
        (health.loop_lag_ms_p99, limits.loop_lag_ms_p99, "our own event loops lagged: p99"),
        (health.clock_bound_ms if is_asked else None, limits.clock_bound_ms, "the clocks are not bounded well enough:"),
    ):
        if value is not None and value > limit:
            reasons.append(f"{what} {value:,.3g} ms, the scenario allows {limit:g} ms")
    if health.without_lag and window.end_ns > window.start_ns:
        names = ", ".join(health.without_lag)
        reasons.append(
            f"no sample tells how late our own event loops ran ({names}) in the measurement of "
            f"{window.duration_s:.3g} s: nothing says that they kept up"
        )
    if health.clock_bound_ms is None:
        reasons.append("the database's clock was never compared with ours: no commit can be placed in time")
    if not truth_is_read and source is not TruthSource.AGREEMENT:
        reasons.append("the database's truth was not read: nothing can be said about delivery and convergence")
    if missing_pairs:
        reasons.append(f"the accounting does not add up: {missing_pairs:+,} (event, subscriber) pairs")
    return reasons


def _of_ours(history: History, kind: Kind, window: Window) -> Ints:
    rows = history.of(kind)
    rows = rows[window.holds(rows["at_ns"]) & np.isin(rows["actor"], _OURS)]
    return rows["value"].astype(np.int64)


def _without_lag(history: History, mutations: Mutations, window: Window, *, swarms: int) -> tuple[str, ...]:
    """Return whose lag is not known: the runner, the mutators if they mutated, each swarm process if any had a device.

    In ledgers of old no swarm process numbers its rows: they tell of all of them together. A process that numbers them
    does so long before the load.
    """
    had_to = (
        (Process.RUNNER, 1, True),
        (Process.MUTATORS, 1, bool(mutations.in_window.any())),
        (Process.SWARM, swarms, len(history.of(Kind.LOGIN)) > 0),
    )
    rows = history.of(Kind.LOOP_LAG)
    numbered = set(rows["actor"][rows["flag"] > 0].tolist())
    rows = rows[window.holds(rows["at_ns"])]
    sampled = set(zip(rows["actor"].tolist(), rows["flag"].tolist(), strict=True))
    return tuple(
        process.name.lower() + (f"-{index}" if process in numbered else "")
        for process, count, had in had_to
        for index in range(count if process in numbered else 1)
        if had and (int(process), index) not in sampled
    )


def _with_the_kept_waiting(lag_ns: Ints) -> Ints:
    """Add to each lag those that would have been sampled meanwhile: one stall of a second is not one sample of many."""
    kept, position = expand(np.maximum(lag_ns // _LAG_INTERVAL_NS, 0))
    return np.concatenate([lag_ns, lag_ns[kept] - (position + 1) * _LAG_INTERVAL_NS])


def _target_limited(mutations: Mutations, patience_ms: float) -> float | None:
    """Return the share of mutations that waited for, or never got, a free user or their job: the target was slow."""
    chosen = np.flatnonzero(mutations.in_window)
    if not len(chosen):
        return None
    # An organization without a job to change is the scenario's doing, not the target's.
    unsent = np.isin(mutations.unsent[chosen], [int(Unsent.POOL_EXHAUSTED), int(Unsent.RUN_ENDED)])
    waited_ms = elapsed_ms(mutations.dispatched_ns[chosen], mutations.sent_ns[chosen])
    waited = (mutations.fate[chosen] != Fate.UNSENT) & (np.nan_to_num(waited_ms, nan=0.0) > patience_ms)
    return float((unsent | waited).mean())


def _usage(history: History, window: Window) -> dict[str, dict[str, float]]:
    """Return mean CPU cores used and peak resident memory of each process, by its name."""
    rows = history.of(Kind.USAGE)
    rows = rows[window.holds(rows["at_ns"])]
    usage: dict[str, dict[str, float]] = {}
    for actor, index in sorted({(int(row["actor"]), int(row["flag"])) for row in rows}):
        own = rows[(rows["actor"] == actor) & (rows["flag"] == index)]
        elapsed_ns = int(own["at_ns"][-1] - own["at_ns"][0])
        name = Process(actor).name.lower() + (f"-{index}" if index else "")
        usage[name] = {
            "cpu_cores": float((own["value"][-1] - own["value"][0]) / elapsed_ns) if elapsed_ns else 0.0,
            "memory_mib_max": float(own["due_ns"].max() / _MIB),
        }
    return usage


def samples_suffice(scenario: Scenario, metrics: Mapping[str, Any]) -> bool:
    """Return whether every number that a gate of the scenario uses is there: none has too few samples."""
    paths = [re.split(r"\s*[<>=!]", gate)[0].strip() for gate in scenario.gates]
    return all(_is_told(path, metrics) for path in paths)


def _is_told(path: str, metrics: Mapping[str, Any]) -> bool:
    try:
        return find_metric(path, metrics) is not None
    except KeyError:
        # What this run has no place for (a cause without a miss, health itself) has no samples to lack.
        return True


def health_json(health: Health, reasons: list[str], *, samples_ok: bool) -> dict[str, Any]:
    """Return the object `health` of `metrics.json`, without what others add."""
    return {
        "send_delay_ms_p99": health.send_delay_ms_p99,
        "loop_lag_ms_p99": health.loop_lag_ms_p99,
        "receive_age_ms_p99": health.receive_age_ms_p99,
        "clock_bound_ms": health.clock_bound_ms,
        "clock_drift_ppm": health.clock_drift_ppm,
        "target_limited_share": health.target_limited_share,
        "samples_ok": samples_ok,
        "reasons": reasons,
        "processes": health.processes,
    }
