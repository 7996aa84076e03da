"""Whether the replay of the live policy makes as many refreshes as the run did, and if not, what may explain it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.policy_grid import Choice
from loadtests.analysis.laboratory.traces import Traces
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NEVER
from loadtests.clients.policy import Edge
from loadtests.scenario.vocabulary import DeviceModel

TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCheck:
    """Refreshes in the window, as recorded and as replayed."""

    recorded: Mapping[DeviceModel, int]
    replayed: Mapping[DeviceModel, int]
    reasons: tuple[str, ...]
    """What is known of the run that a replay cannot repeat."""

    @property
    def deviation(self) -> float | None:
        """Replayed ÷ recorded - 1; None: nothing was recorded."""
        recorded = sum(self.recorded.values())
        return sum(self.replayed.values()) / recorded - 1 if recorded else None

    @property
    def is_faithful(self) -> bool:
        """Whether the two agree within 1%; without a refresh the replay must make none either.

        What one client model makes too many of does not make up for what another one lacks.
        """
        models = {*self.recorded, *self.replayed}
        apart = sum(abs(self.replayed.get(model, 0) - self.recorded.get(model, 0)) for model in models)
        return apart <= TOLERANCE * sum(self.recorded.values())

    def to_json(self) -> dict[str, Any]:
        """Return everything."""
        models = sorted({*self.recorded, *self.replayed})
        return {
            "recorded": sum(self.recorded.values()),
            "replayed": sum(self.replayed.values()),
            "deviation": self.deviation,
            "is_faithful": self.is_faithful,
            "by_model": {
                model.key: {"recorded": self.recorded.get(model, 0), "replayed": self.replayed.get(model, 0)}
                for model in models
            },
            "reasons": list(self.reasons),
        }


def check_replay(
    run: Reconstruction, traces: Traces, live: Choice, *, recorded: Outcome, replayed: Outcome
) -> ReplayCheck:
    """Return how the two compare."""
    return ReplayCheck(
        recorded=recorded.by_model, replayed=replayed.by_model, reasons=tuple(_reasons(run, traces, live))
    )


def _reasons(run: Reconstruction, traces: Traces, live: Choice) -> list[str]:
    models = [DeviceModel(model) for model in np.unique(traces.arrivals.model).tolist()]
    reasons = [
        f"{model.key} draws up to {live.policies[model].jitter_ns // 1_000_000} ms of jitter for each flush, and the "
        "replay draws anew"
        for model in models
        if live.policies[model].jitter_ns
    ]
    requests = run.screens.requests
    failed = int((~requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER)).sum())
    if failed:
        reasons.append(f"{failed} re-fetches failed, and in a replay none does")
    if traces.nameless:
        reasons.append(f"{traces.nameless} signals did not tell what they were about")
    late = _taken_late(run, live)
    if late:
        reasons.append(f"{late} signals fell into a batch that was over, because its timer came late")
    asked = np.zeros(len(run.signals), dtype=np.bool_)
    asked[traces.asked] = True
    lost = int((run.signals.asks_refresh & ~asked).sum())
    if lost:
        reasons.append(f"{lost} signals asked for a refresh that they do not ask for in a replay")
    return reasons


def _taken_late(run: Reconstruction, live: Choice) -> int:
    """Return how many signals joined a batch of a trailing debounce although its window had ended before them."""
    signals = run.signals
    order = np.lexsort((signals.received_ns, signals.device))
    device, at_ns, batch = signals.device[order], signals.received_ns[order], signals.batch[order]
    window_ns = np.full(max(live.policies) + 1, NEVER, dtype=np.int64)
    for model, policy in live.policies.items():
        if policy.edge is Edge.TRAILING and not policy.jitter_ns:
            window_ns[model] = policy.window_ns
    # Batches have numbers of their own over all devices, so the last one that was joined tells the device too.
    joined = np.maximum.accumulate(np.where(batch > 0, np.arange(len(batch)), 0))
    goes_on = (batch[1:] > 0) & (batch[1:] == batch[joined[:-1]])
    return int((goes_on & (at_ns[1:] - at_ns[:-1] > window_ns[run.devices.model[device[1:]]])).sum())
