"""How much jitter disperses the herd: the run's signals replayed with other jitters, each several times.

Everything but the jitter is the live policy's. A fetch takes as long as one of the run's own, drawn at random: a
replay does not know that an API answers sooner when fewer ask at once, nor that its slow moments last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.arrivals import Part
from loadtests.analysis.laboratory.carried_out import is_independent
from loadtests.analysis.laboratory.durations import read_durations
from loadtests.analysis.laboratory.engines import Engines
from loadtests.analysis.laboratory.herd import Peaks, peak_of
from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.traces import Traces
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NS_PER_MS, Ints
from loadtests.clients.models import ClientModel
from loadtests.clients.policy import RefreshPolicy

JITTERS_MS: Final = (0, 100, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 5000)
DRAWS: Final = 3
"""How often each jitter is replayed, with other chances."""
MOST_STEPS: Final = 15_000
"""Signals and lifetimes together: beyond that, all jitters would take longer to replay than everything else does."""
_COLUMNS_ARE_FASTER: Final = 15
"""So many steps through columns take as long as one through the state machines."""


@dataclass(frozen=True, slots=True)
class Herds:
    """The peaks of a run under the live policies and under others."""

    live: Peaks
    """With the jitter, if any, that each client model has: to be compared with what was measured."""
    jittered: Mapping[int, Peaks]
    """By jitter in milliseconds, ascending: the same for all client models."""

    def least_jitter_ms(self, limit: int) -> int | None:
        """Return the least of the jitters under which no draw exceeds the limit; None: there is none."""
        return next((jitter_ms for jitter_ms, peaks in self.jittered.items() if peaks.highest <= limit), None)


def replay_herds(
    run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...], *, more_ms: int | None
) -> Herds | None:
    """Return the peaks under each jitter of `JITTERS_MS`, and under one more.

    None: no fetch was answered, so that nobody knows how long one takes, or there are too many.
    """
    if not is_replayable(run, models):
        return None
    again = HerdBench(run, read_traces(run, models, names), models)
    jitters_ms = sorted({*JITTERS_MS, *(() if more_ms is None else (more_ms,))})
    return Herds(
        live=again.peaks({model: client.policy for model, client in models.items()}),
        jittered={jitter_ms: again.peaks(_jittered(models, jitter_ms)) for jitter_ms in jitters_ms},
    )


def is_replayable(run: Reconstruction, models: Mapping[int, ClientModel]) -> bool:
    """Return whether a herd can be lived again: a fetch was answered, and there are not too many."""
    return _is_answered(run) and _steps(run, models) <= MOST_STEPS


def _steps(run: Reconstruction, models: Mapping[int, ClientModel]) -> float:
    """Return how many signals and lifetimes there are, those that arrays replay counted for less."""
    device = np.concatenate([run.signals.device, run.presence.lifetimes.device])
    model = run.devices.model[device[run.devices.cohort[device] == SUBSCRIBER]]
    is_fast = np.isin(model, [each for each, client in models.items() if is_independent(client.discipline)])
    return float((~is_fast).sum() + is_fast.sum() / _COLUMNS_ARE_FASTER)


def _is_answered(run: Reconstruction) -> bool:
    requests = run.screens.requests
    return bool((requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER)).any())


def _jittered(models: Mapping[int, ClientModel], jitter_ms: int) -> Mapping[int, RefreshPolicy]:
    return {number: replace(model.policy, jitter_ns=jitter_ms * NS_PER_MS) for number, model in models.items()}


@dataclass(frozen=True)
class HerdBench:
    """A run that is lived again for when its subscribers fetch, and nothing else."""

    run: Reconstruction
    traces: Traces
    models: Mapping[int, ClientModel]

    @cached_property
    def draws(self) -> tuple[Engines, ...]:
        """The same traces with other chances."""
        return tuple(Engines(self.traces, self.models, read_durations(self.run, seed), seed) for seed in range(DRAWS))

    def peaks(self, policies: Mapping[int, RefreshPolicy]) -> Peaks:
        """Return the peaks under some policies."""
        return Peaks(tuple(sorted(peak_of(self._requested_ns(engines, policies)) for engines in self.draws)))

    def _requested_ns(self, engines: Engines, policies: Mapping[int, RefreshPolicy]) -> Ints:
        """Return when subscribers would have fetched in the window."""
        requested_ns = np.concatenate(
            [_started_ns(engines, part, policies[model], model) for model, part in engines.parts()]
        )
        inside: Ints = requested_ns[self.run.window.holds(requested_ns)]
        return inside


def _started_ns(engines: Engines, part: Part, policy: RefreshPolicy, model: int) -> Ints:
    if engines.is_fast(model):
        return engines.by_columns(part, engines.flushes(part, policy), policy, model).started_ns
    return engines.by_machines(part, policy, model).requests.started_ns
