"""The account of a run's herd: peaks, what the API's latency does under them, and how much jitter would do.

Only what it comes to; peaks are defined in `herd`, and replayed in `herd_replay`.
"""

from typing import Any, Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.herd import Crowds, Peaks, peak_of_one, read_crowds
from loadtests.analysis.laboratory.herd_replay import replay_herds
from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NEVER, NS_PER_MS, Bools, Ints, elapsed_ms
from loadtests.clients.roles import models_of
from loadtests.history.history import History
from loadtests.scenario.model import Scenario

_UNPREDICTED: Final[dict[str, Any]] = {
    "jitters": {},
    "is_predicted": False,
    "peak_without_jitter": None,
    "limit_per_100ms": None,
    "least_jitter_ms": None,
    "replayed_over_measured": None,
}


def herd_metrics(run: Reconstruction, history: History, scenario: Scenario) -> dict[str, Any]:
    """Return the metrics under `herd`."""
    requests = run.screens.requests
    in_window = run.window.holds(requests.requested_ns)
    chosen = np.flatnonzero(in_window & (run.devices.cohort[requests.device] == SUBSCRIBER))
    requested_ns = requests.requested_ns[chosen]
    crowds = read_crowds(requested_ns)
    live_ms = _live_jitter_ms(run, scenario)
    return {
        "requests": len(chosen),
        "peak_per_100ms": crowds.peak,
        "peak_per_100ms_of_one_organization": peak_of_one(_organization(run, chosen), requested_ns),
        **_latencies(run, crowds, in_window),
        "live_jitter_ms": live_ms,
        **_predicted(run, history, scenario, measured=crowds.peak, live_ms=live_ms),
    }


def _organization(run: Reconstruction, chosen: Ints) -> Ints:
    """Return where the device of each request was logged in."""
    requests, lifetimes = run.screens.requests, run.presence.lifetimes
    device = requests.device[chosen]
    lifetime = lifetimes.at(device, requests.requested_ns[chosen])
    organization = run.devices.organization[device]
    organization[lifetime >= 0] = run.presence.organization[lifetime[lifetime >= 0]]
    return organization


def _latencies(run: Reconstruction, crowds: Crowds, in_window: Bools) -> dict[str, Any]:
    """Return how long all fetches took, pollers' too, in the crowds and outside of them."""
    requests = run.screens.requests
    rows = np.flatnonzero(in_window)
    took_ms = elapsed_ms(requests.requested_ns[rows], np.where(requests.is_ok[rows], requests.answered_ns[rows], NEVER))
    crowded = crowds.hold(requests.requested_ns[rows])
    return {
        "crowds": crowds.count,
        "crowded_ms": of_distinct(took_ms[crowded], distinct=int(crowded.sum())).to_json(),
        "others_ms": of_distinct(took_ms[~crowded], distinct=int((~crowded).sum())).to_json(),
    }


def _live_jitter_ms(run: Reconstruction, scenario: Scenario) -> int | None:
    """Return the jitter of the subscribers' client models; None: they differ, or there is no subscriber."""
    present = np.unique(run.devices.model[run.devices.cohort == SUBSCRIBER]).tolist()
    models = models_of(scenario)
    jitters = {models[model].policy.jitter_ns // NS_PER_MS for model in present}
    return jitters.pop() if len(jitters) == 1 else None


def _predicted(
    run: Reconstruction, history: History, scenario: Scenario, *, measured: int, live_ms: int | None
) -> dict[str, Any]:
    herds = replay_herds(run, models_of(scenario), history.names, more_ms=live_ms) if measured else None
    if herds is None:
        return _UNPREDICTED
    without = herds.jittered[0].median
    limit = scenario.subscribers.peak_per_100ms or max(without // 2, 1)
    return {
        "jitters": {str(jitter_ms): _told(peaks) for jitter_ms, peaks in herds.jittered.items()},
        "is_predicted": True,
        "peak_without_jitter": without,
        "limit_per_100ms": limit,
        "least_jitter_ms": herds.least_jitter_ms(limit),
        "replayed_over_measured": herds.live.median / measured,
    }


def _told(peaks: Peaks) -> dict[str, int]:
    return {"peak": peaks.median, "peak_min": peaks.lowest, "peak_max": peaks.highest}
