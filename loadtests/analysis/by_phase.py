"""What each phase of the load cost each client model: signals and refreshes that its mutations led to.

A refresh belongs to the phase of the mutation whose signal came last in its batch, however much later it was made.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import Cause
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, Kind

NO_PHASE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCost:
    """What one phase cost the devices of one model."""

    devices: int
    signals: int
    refreshes: int

    @property
    def refreshes_per_device(self) -> float:
        """What one device did on average; a model that takes part has one."""
        return self.refreshes / self.devices


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """For each mutation, signal and re-fetch the index of its phase in the scenario, or NO_PHASE."""

    mutation: Ints
    signal: Ints
    request: Ints

    def mutations(self, phase: int) -> int:
        """Return how many mutations were due in a phase."""
        return int((self.mutation == phase).sum())

    def cost(self, phase: int, *, signals: Signals, requests: Requests, among: Bools) -> PhaseCost:
        """Return what a phase cost the devices `among` (one entry per device)."""
        return PhaseCost(
            devices=int(among.sum()),
            signals=int((among[signals.device] & (self.signal == phase)).sum()),
            refreshes=int((among[requests.device] & (self.request == phase)).sum()),
        )


def read_phases(
    history: History, *, mutations: Mutations, events: Events, signals: Signals, requests: Requests
) -> Phases:
    """Return which phase everything belongs to."""
    rows = history.of(Kind.PHASE)
    index = np.append(rows["value"].astype(np.int64), NO_PHASE)
    of_mutation = index[np.searchsorted(rows["at_ns"], mutations.due_ns, side="right") - 1]
    of_event = _looked_up(of_mutation, events.mutation, absent=NOBODY)
    of_signal = _looked_up(of_event, signals.event, absent=NOBODY)
    return Phases(mutation=of_mutation, signal=of_signal, request=_of_requests(of_signal, signals, requests))


def _looked_up(phases: Ints, index: Ints, *, absent: int) -> Ints:
    if not len(phases):
        return np.full(len(index), NO_PHASE, dtype=np.int64)
    return np.where(index != absent, phases[index], NO_PHASE)


def _of_requests(of_signal: Ints, signals: Signals, requests: Requests) -> Ints:
    """Return the phase of the last signal in each request's batch; batches are numbered over all shards."""
    of_batch = np.full(int(max(signals.batch.max(initial=0), requests.batch.max(initial=0))) + 1, NO_PHASE, np.int64)
    in_batch = signals.batch > 0
    # Signals stand in the order of their receipt: of equal batches the last assignment stays.
    of_batch[signals.batch[in_batch]] = of_signal[in_batch]
    return np.where(requests.cause == Cause.FLUSH, of_batch[requests.batch], NO_PHASE)
