"""The run in equal bins of time: writes, signals, refreshes, polls, and how soon changes were visible."""

from dataclasses import dataclass
from math import ceil
from typing import Final, Self

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.devices import SUBSCRIBER, Devices
from loadtests.analysis.events import Signals
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import rank
from loadtests.analysis.results import Timeline
from loadtests.analysis.segments import starts
from loadtests.analysis.stamps import NS_PER_S, Bools, Floats, Ints
from loadtests.analysis.window import Window

_BINS_MAX: Final = 600


def timeline(
    mutations: Mutations, signals: Signals, requests: Requests, pairs: Pairs, *, devices: Devices, window: Window
) -> Timeline:
    """Return the timeline from the beginning of the load to the end of the window."""
    bins = Bins.of(window)
    is_subscriber = devices.cohort == SUBSCRIBER
    by_subscriber = is_subscriber[requests.device]
    # As in all latencies, but for the warm-up, which is shown too: who does not look does not wait.
    waits = pairs.is_awaited & ~pairs.is_away & ~pairs.is_interrupted
    chosen = np.flatnonzero(waits & (pairs.cohort == SUBSCRIBER))
    p50, p95 = bins.quantiles(mutations.due_ns[pairs.mutation[chosen]], pairs.visibility_ms[chosen])
    return Timeline(
        bin_s=bins.width_s,
        begin_s=bins.begin_s,
        writes=bins.counts(mutations.acked_ns, mutations.fate == Fate.ACKED),
        signals=bins.counts(signals.received_ns, np.ones(len(signals), dtype=np.bool_)),
        refreshes=bins.counts(requests.requested_ns, by_subscriber),
        polls=bins.counts(requests.requested_ns, ~by_subscriber),
        visibility_ms_p50=p50,
        visibility_ms_p95=p95,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Equal bins of whole seconds over the load: `before` of them warm-up."""

    first_ns: int
    width_ns: int
    before: int
    count: int

    @classmethod
    def of(cls, window: Window) -> Self:
        """Return bins that begin at the window's start, so that none mixes warm-up and measurement."""
        bin_s = max(1, ceil((window.end_ns - window.load_ns) / NS_PER_S / _BINS_MAX))
        before = ceil((window.start_ns - window.load_ns) / NS_PER_S / bin_s)
        after = ceil((window.end_ns - window.start_ns) / NS_PER_S / bin_s)
        width_ns = bin_s * NS_PER_S
        first_ns = window.start_ns - before * width_ns
        return cls(first_ns=first_ns, width_ns=width_ns, before=before, count=before + after)

    @property
    def width_s(self) -> float:
        """Length of each bin."""
        return self.width_ns / NS_PER_S

    @property
    def begin_s(self) -> Floats:
        """Where each bin begins, counted from the window's start."""
        return (np.arange(self.count, dtype=np.float64) - self.before) * self.width_s

    def _bin(self, at_ns: Ints) -> Ints:
        """Return each stamp's bin, -1 outside all of them."""
        inside = (at_ns >= self.first_ns) & (at_ns < self.first_ns + self.count * self.width_ns)
        return np.where(inside, (np.where(inside, at_ns, 0) - self.first_ns) // self.width_ns, -1)

    def counts(self, at_ns: Ints, chosen: Bools) -> Ints:
        """Return how many chosen stamps fall into each bin."""
        return np.bincount(self._bin(at_ns[chosen]) + 1, minlength=self.count + 1)[1:].astype(np.int64)

    def quantiles(self, at_ns: Ints, values_ms: Floats) -> tuple[Floats, Floats]:
        """Return p50 and p95 of the values in each bin, nan where there are none."""
        place = self._bin(at_ns)
        order = np.lexsort((values_ms, place))
        order = order[place[order] >= 0]
        ordered = values_ms[order]
        begin = starts(place[order])
        sizes = np.diff(np.append(begin, len(order)))
        p50, p95 = np.full(self.count, np.nan), np.full(self.count, np.nan)
        for first, size in zip(begin.tolist(), sizes.tolist(), strict=True):
            bin_ = place[order[first]]
            p50[bin_] = ordered[first + rank(size, 0.5)]
            p95[bin_] = ordered[first + rank(size, 0.95)]
        return p50, p95
