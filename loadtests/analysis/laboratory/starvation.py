"""Starvation: how long signals wait for a quiet moment that does not come, and how long theory lets them wait.

A trailing debounce flushes when its window has passed without an event. While events keep coming closer than that it
never does, unless the policy has a maximal wait. It knows the batches of a run and nothing of refreshes.
"""

import math
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import find_exact, is_start
from loadtests.analysis.stamps import NEVER, Bools, Ints
from loadtests.history.history import History
from loadtests.history.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """One entry per batch of a subscriber, sorted by device, then batch."""

    device: Ints
    signal: Ints
    """Index of the signal that it began with."""
    first_ns: Ints
    """When that was received."""
    last_ns: Ints
    """When its last signal that asks for something was received."""
    ended_ns: Ints
    """When it was flushed or, if it never was, when the device looked away or left: it waited at least so long."""
    is_flushed: Bools

    def __len__(self) -> int:
        return len(self.device)

    @property
    def waited_ns(self) -> Ints:
        """How long its first signal waited; of a batch that was never flushed: at least."""
        waited: Ints = self.ended_ns - self.first_ns
        return waited


def read_batches(run: Reconstruction, history: History) -> Batches:
    """Return the batches of all subscribers."""
    signals = run.signals
    rows = np.flatnonzero(
        signals.asks_refresh & (signals.batch > 0) & (run.devices.cohort[signals.device] == SUBSCRIBER)
    )
    rows = rows[np.lexsort((signals.received_ns[rows], signals.batch[rows], signals.device[rows]))]
    device, batch = signals.device[rows], signals.batch[rows]
    begin = is_start(device) | is_start(batch) if len(rows) else np.zeros(0, dtype=np.bool_)
    first = rows[begin]
    last = rows[np.append(np.flatnonzero(begin)[1:] - 1, len(rows) - 1)] if len(rows) else first
    ended_ns, is_flushed = _ends(run, history, device=signals.device[first], batch=signals.batch[first], last=last)
    return Batches(
        device=signals.device[first],
        signal=first,
        first_ns=signals.received_ns[first],
        last_ns=signals.received_ns[last],
        ended_ns=ended_ns,
        is_flushed=is_flushed,
    )


def _ends(run: Reconstruction, history: History, *, device: Ints, batch: Ints, last: Ints) -> tuple[Ints, Bools]:
    flushes = history.of(Kind.FLUSH)
    flushes = flushes[np.lexsort((flushes["value"], flushes["actor"]))]
    place = find_exact(flushes["actor"].astype(np.int64), flushes["value"].astype(np.int64), device, batch)
    last_ns = run.signals.received_ns[last]
    foreground = run.presence.foreground
    look = foreground.at(device, last_ns)
    looked_ns = np.where(look >= 0, foreground.end_ns[look], last_ns) if len(foreground.end_ns) else last_ns
    is_flushed = place >= 0
    flushed_ns = flushes["at_ns"].astype(np.int64)[place] if len(flushes) else np.full(len(place), NEVER)
    return np.where(is_flushed, flushed_ns, looked_ns), is_flushed


def longest_by_device(batches: Batches, among: Bools) -> tuple[Ints, Ints]:
    """Return (device, nanoseconds): the longest wait of each of the devices `among` that had a batch in the selection.

    `among` has one entry per batch.
    """
    device, waited_ns = batches.device[among], batches.waited_ns[among]
    if not len(device):
        return device, waited_ns
    begin = np.flatnonzero(is_start(device))
    return device[begin], np.maximum.reduceat(waited_ns, begin)


def poisson_wait_s(events_per_s: float, window_s: float) -> float:
    """Return the mean time from a batch's first event to its flush if events come at random: (e^(r·w) - 1) / r.

    The time until a Poisson process of rate r leaves a gap of w, counted from an event and with that gap: the mean
    number of events that come too early is e^(r·w) - 1, and Wald's equation makes the rest. Without events it is w.
    """
    exponent = events_per_s * window_s
    if exponent < 1e-9:
        return window_s
    return math.expm1(exponent) / events_per_s if exponent < 700 else math.inf


def even_wait_s(events_per_s: float, window_s: float) -> float:
    """Return the same if events come evenly: the window, or never where they come closer than that."""
    return window_s if events_per_s * window_s < 1 else math.inf
