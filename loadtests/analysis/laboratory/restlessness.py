"""The account of a run's restlessness: longest starvation, time to flush beside theory, and what the debounce lives on.

Only what it comes to; batches, gaps and the theory are defined in `starvation` and `quiet`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.analysis.by_phase import Phases, read_phases
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.quiet import Quiet, read_quiet
from loadtests.analysis.laboratory.starvation import (
    Batches,
    even_wait_s,
    longest_by_device,
    poisson_wait_s,
    read_batches,
)
from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S, Bools, Floats, Ints
from loadtests.clients.policy import Edge
from loadtests.clients.roles import models_of
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.model import Phase, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseWait:
    """How long batches that began with a phase's signals waited for their flush."""

    batches: int
    never_flushed: int
    mean_ms: float | None
    """From the first signal to the flush, of those that were flushed; None: none was."""
    observations: int
    """First events of these: members of an organization share them, and what comes of them."""
    standard_error_ms: float | None
    """Of the mean over these; None: fewer than two."""
    events_per_s: float
    """Signals per second in which a subscriber was looked at, as received: whatever restarts the window."""
    theory_ms: float | None
    """What theory gives the designed debounce at that rate, +inf where it never fires; None: it does not apply."""


def restlessness(run: Reconstruction, history: History, scenario: Scenario) -> dict[str, Any]:
    """Return the metrics under `starvation`."""
    batches = read_batches(run, history)
    phases = read_phases(
        history, mutations=run.mutations, events=run.events, signals=run.signals, requests=run.screens.requests
    )
    in_window = run.window.holds(batches.first_ns)
    _, longest_ns = longest_by_device(batches, in_window)
    told = of_distinct(longest_ns / NS_PER_MS, distinct=len(longest_ns)).to_json()
    restful = quiet(run, batches, scenario)
    return {
        "longest_ms": told,
        "never_flushed": int((~batches.is_flushed & in_window).sum()),
        "batches": int(in_window.sum()),
        "lives_on": restful.lives_on.value if restful and restful.lives_on else None,
        "margin_ms_p5": restful.margin_ms_p5 if restful else None,
        "margin_ms_p50": restful.margin_ms_p50 if restful else None,
        "narrow_share": restful.narrow_share if restful else None,
        "ending_gaps": restful.ending if restful else 0,
        "waited_long": restful.waited_long if restful else 0,
        "phases": {
            phase.name: _told(_wait(run, batches, phases, scenario, index=index, lasted=_lasted(run, history, index)))
            for index, phase in enumerate(scenario.phases)
            if not phase.warm_up
        },
    }


def quiet(run: Reconstruction, batches: Batches, scenario: Scenario) -> Quiet | None:
    """Return what the designed debounce lives on in the window; None where no device has it."""
    designed = _designed(run, scenario)
    window_ns = scenario.subscribers.debounce_ms * NS_PER_MS
    signals = run.signals
    # A gap in which nobody looked lets no window end: each look stands for itself.
    look = run.presence.foreground.at(signals.device, signals.received_ns)
    heard = designed[signals.device] & run.window.holds(signals.received_ns) & (look >= 0)
    if not heard.any():
        return None
    among = designed[batches.device] & run.window.holds(batches.first_ns)
    return read_quiet(look[heard], signals.received_ns[heard], batches, among, window_ns=window_ns)


def _designed(run: Reconstruction, scenario: Scenario) -> Bools:
    """Return which devices have what the theory is of: a trailing debounce without a maximal wait or jitter."""
    plain = [
        int(number)
        for number, model in models_of(scenario).items()
        if model.policy.edge is Edge.TRAILING and model.policy.max_wait_ns is None and not model.policy.jitter_ns
    ]
    has: Bools = np.isin(run.devices.model, plain) & (run.devices.cohort == SUBSCRIBER)
    return has


def _lasted(run: Reconstruction, history: History, index: int) -> tuple[int, int]:
    """Return when a phase began and ended; a load that was cut short ended its last one sooner."""
    rows = history.of(Kind.PHASE)
    ends_ns = np.minimum(np.append(rows["at_ns"][1:], run.window.end_ns), run.window.end_ns)
    place = np.flatnonzero(rows["value"] == index)
    return (int(rows["at_ns"][place[0]]), int(ends_ns[place[0]])) if len(place) else (0, 0)


def _events_per_s(run: Reconstruction, heard: Bools, among: Bools, lasted: tuple[int, int]) -> float:
    """Return how often a signal of those `heard` came to a device of those `among` while somebody looked."""
    signals, foreground = run.signals, run.presence.foreground
    rows = np.flatnonzero(heard & among[signals.device])
    looked_at = int((foreground.at(signals.device[rows], signals.received_ns[rows]) >= 0).sum())
    looked_s = foreground.device_ns(*lasted, among) / NS_PER_S
    return looked_at / looked_s if looked_s else 0.0


def _wait(
    run: Reconstruction,
    batches: Batches,
    phases: Phases,
    scenario: Scenario,
    *,
    index: int,
    lasted: tuple[int, int],
) -> PhaseWait:
    phase = scenario.phases[index]
    designed = _designed(run, scenario)
    chosen = np.flatnonzero((phases.signal[batches.signal] == index) & designed[batches.device])
    flushed = chosen[batches.is_flushed[chosen]]
    flushed_ms = batches.waited_ns[flushed] / NS_PER_MS
    by_event_ms = _means(run.signals.event[batches.signal[flushed]], flushed_ms)
    rate = _events_per_s(run, phases.signal == index, designed, lasted)
    return PhaseWait(
        batches=len(chosen),
        never_flushed=int((~batches.is_flushed[chosen]).sum()),
        mean_ms=float(flushed_ms.mean()) if len(flushed_ms) else None,
        observations=len(by_event_ms),
        standard_error_ms=_standard_error(by_event_ms),
        events_per_s=rate,
        theory_ms=_theory_ms(phase, scenario, rate),
    )


def _standard_error(values: Floats) -> float | None:
    """Return the standard error of the mean; None: fewer than two values."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _means(groups: Ints, values: Floats) -> Floats:
    """Return the mean of each group."""
    _, member = np.unique(groups, return_inverse=True)
    means: Floats = np.bincount(member, weights=values) / np.maximum(np.bincount(member), 1)
    return means


def _theory_ms(phase: Phase, scenario: Scenario, events_per_s: float) -> float | None:
    if scenario.target.feed != "streaming" or scenario.organizations.count != 1 or not events_per_s:
        return None
    wait_s = poisson_wait_s if phase.arrivals == "poisson" else even_wait_s
    return wait_s(events_per_s, scenario.subscribers.debounce_ms / 1000) * 1000


def _told(wait: PhaseWait) -> dict[str, float | int | str | None]:
    theory = "never" if wait.theory_ms is not None and math.isinf(wait.theory_ms) else wait.theory_ms
    return {
        "batches": wait.batches,
        "never_flushed": wait.never_flushed,
        "wait_ms_mean": wait.mean_ms,
        "observations": wait.observations,
        "wait_ms_standard_error": wait.standard_error_ms,
        "events_per_s": wait.events_per_s,
        "theory_ms": theory,
    }
