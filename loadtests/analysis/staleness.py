"""Staleness ("age of information"): how long the oldest change that a device should show has been promised.

0 while the screen is up to date, and only while somebody looks: who comes back to a device finds the age of what was
promised while they were away. What was shown once is known, even if the screen starts empty again. The distribution
is over time, not over changes: what a glance at a random moment would find. It is exact: pieces of slope 1, no
sampling.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.attention import Looks
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import SAMPLES_NEEDED
from loadtests.analysis.results import Quantiles
from loadtests.analysis.segments import expand, is_start, running_max
from loadtests.analysis.stamps import NS_PER_MS, UNKNOWN, Floats, Ints
from loadtests.analysis.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """Pieces of time in which devices were stale: in each the age grows from `from_ns` to `to_ns`."""

    from_ns: Ints
    to_ns: Ints
    intervals: int
    """Unbroken stretches of being stale."""
    changes: int
    """(mutation, device) pairs that a device was behind by at some time."""
    device_ns: int
    """Time in which devices could have been stale."""

    @property
    def mean_ms(self) -> float | None:
        """Time-weighted mean."""
        if not self.device_ns:
            return None
        low, high = self.from_ns.astype(np.float64), self.to_ns.astype(np.float64)
        return float(((high**2 - low**2) / 2).sum() / self.device_ns / NS_PER_MS)

    def quantiles(self) -> Quantiles:
        """Return the quantiles over time; n is the number of stale intervals, and the sample-size rule goes by it."""
        told: dict[float, float | None] = {}
        beyond = _TimeBeyond(self.from_ns, self.to_ns)
        for share in (0.5, 0.9, 0.95, 0.99):
            enough = self.device_ns > 0 and self.intervals >= SAMPLES_NEEDED.get(share, 0)
            told[share] = beyond.age_ns((1 - share) * self.device_ns) / NS_PER_MS if enough else None
        highest = float(self.to_ns.max(initial=0)) / NS_PER_MS if self.device_ns else None
        return Quantiles(
            p50=told[0.5],
            p90=told[0.9],
            p95=told[0.95],
            p99=told[0.99],
            max=highest,
            n=self.intervals,
            pairs=self.changes,
        )


def staleness(
    pairs: Pairs, mutations: Mutations, chosen: Ints, window: Window, *, looks: Looks, device_ns: int
) -> Staleness:
    """Return how stale the devices of the `chosen` pairs were in the window, while somebody looked.

    A change is promised from when it was acked; the promise ends when it is shown or its job leaves the screen.
    """
    mutation = pairs.mutation[chosen]
    return behind(
        Promises(
            device=pairs.device[chosen],
            organization=mutations.organization[mutation],
            promised_ns=mutations.promised_ns[mutation],
            ends_ns=np.minimum(pairs.shown_ns[chosen], pairs.leave_ns[chosen]),
        ),
        window,
        looks=looks,
        device_ns=device_ns,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """One entry per thing that a device of an organization should show from one stamp on, and until another did not."""

    device: Ints
    organization: Ints
    promised_ns: Ints
    """UNKNOWN: left out."""
    ends_ns: Ints
    """NEVER: it is still not shown in the end."""


def behind(promises: Promises, window: Window, *, looks: Looks, device_ns: int) -> Staleness:
    """Return how stale the devices were in the window, while somebody looked."""
    promised_ns, ends_ns = promises.promised_ns, promises.ends_ns
    open_ones = np.flatnonzero(
        (ends_ns > promised_ns) & (promised_ns != UNKNOWN) & (promised_ns < window.end_ns) & (ends_ns > window.start_ns)
    )
    row, span = _spans(
        looks,
        promises.device[open_ones],
        promises.organization[open_ones],
        begin_ns=promised_ns[open_ones],
        end_ns=np.minimum(ends_ns[open_ones], window.end_ns),
    )
    row = open_ones[row]
    row, span = (column[looks.end_ns[span] > window.start_ns] for column in (row, span))
    order = np.lexsort((promised_ns[row], span))
    row, span = row[order], span[order]
    promised_ns, first_ns = promised_ns[row], np.maximum(looks.begin_ns[span], window.start_ns)
    end_ns = np.minimum(np.minimum(ends_ns[row], looks.end_ns[span]), window.end_ns)
    # A change is the oldest one open from when all that were promised before it are shown.
    done_ns = first_ns.copy()
    done_ns[1:] = running_max(span, end_ns)[:-1]
    done_ns[is_start(span)] = first_ns[is_start(span)]
    leads_ns = np.maximum(np.maximum(promised_ns, done_ns), first_ns)
    leads = leads_ns < end_ns
    return Staleness(
        from_ns=(leads_ns - promised_ns)[leads],
        to_ns=(end_ns - promised_ns)[leads],
        intervals=int((is_start(span) | (np.maximum(promised_ns, first_ns) > done_ns))[leads].sum()),
        changes=len(np.unique(row)),
        device_ns=device_ns,
    )


def _spans(looks: Looks, device: Ints, organization: Ints, *, begin_ns: Ints, end_ns: Ints) -> tuple[Ints, Ints]:
    """Return (row, span) for each span of the row's device in its organization that touches [begin, end)."""
    holding = looks.holding(device, organization, begin_ns)
    first = np.where(holding >= 0, holding, looks.following(device, organization, begin_ns))
    last = looks.up_to(device, organization, end_ns)
    row, position = expand(np.where(first >= 0, np.maximum(last - first + 1, 0), 0))
    return row, first[row] + position


class _TimeBeyond:
    """How much time devices spent beyond an age: of each piece the part of [from, to] above it.

    It falls with the age, in straight lines between the ends of pieces.
    """

    def __init__(self, from_ns: Ints, to_ns: Ints) -> None:
        self._ends = tuple(np.sort(ends.astype(np.float64)) for ends in (from_ns, to_ns))
        self._sums = tuple(np.append(np.cumsum(ends[::-1])[::-1], 0.0) for ends in self._ends)

    def age_ns(self, time_ns: float) -> float:
        """Return the age beyond which devices were for so much time; 0 if they were stale for less."""
        low = 0.0
        if self._at(low) <= time_ns:
            return 0.0
        high = float(max(ends[-1] for ends in self._ends))
        for ends in self._ends:
            # The line that we look for lies between two neighbours among the ends of each kind.
            place = self._first_at_most(ends, time_ns)
            low = max(low, float(ends[place - 1])) if place else low
            high = min(high, float(ends[place])) if place < len(ends) else high
        at_low, at_high = self._at(low), self._at(high)
        return low + (high - low) * (at_low - time_ns) / (at_low - at_high)

    def _at(self, age: float) -> float:
        above = [
            float(sums[place] - (len(ends) - place) * age)
            for ends, sums in zip(self._ends, self._sums, strict=True)
            for place in (int(np.searchsorted(ends, age, side="right")),)
        ]
        return above[1] - above[0]

    def _first_at_most(self, ends: Floats, time_ns: float) -> int:
        """Return the place of the first end beyond which no more time was spent than that."""
        low, high = 0, len(ends)
        while low < high:
            middle = (low + high) // 2
            if self._at(float(ends[middle])) <= time_ns:
                high = middle
            else:
                low = middle + 1
        return low
