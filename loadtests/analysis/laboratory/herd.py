"""The herd: how many re-fetches come at the same moment, and how long the API takes to answer them then.

One event reaches all members of an organization within a few milliseconds, and the same debounce lets them re-fetch
together. It knows when requests were made and answered, and nothing of the signals behind them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.segments import is_start, search
from loadtests.analysis.stamps import NS_PER_MS, Bools, Ints

WIDTH_NS: Final = 100 * NS_PER_MS
"""Peaks are told per 100 ms: of any such stretch, wherever it begins."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The densest 100 ms under one policy, replayed with several draws of chance."""

    each: tuple[int, ...]
    """Of each draw, ascending."""

    @property
    def median(self) -> int:
        """The middle one."""
        return self.each[len(self.each) // 2]

    @property
    def lowest(self) -> int:
        """That of the luckiest draw."""
        return self.each[0]

    @property
    def highest(self) -> int:
        """That of the unluckiest draw."""
        return self.each[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowds:
    """The stretches in which requests were densest: every 100 ms with at least half as many as the densest."""

    peak: int
    """Requests of the densest 100 ms."""
    begin_ns: Ints
    """Ascending: where such stretches begin; each is `WIDTH_NS` long, and they overlap."""

    @property
    def count(self) -> int:
        """How many crowds there are, those counted as one that touch."""
        return int(1 + (np.diff(self.begin_ns) > WIDTH_NS).sum()) if len(self.begin_ns) else 0

    def hold(self, at_ns: Ints) -> Bools:
        """Return which stamps lie in one of the stretches."""
        if not len(self.begin_ns):
            return np.zeros(len(at_ns), dtype=np.bool_)
        place = np.searchsorted(self.begin_ns, at_ns, side="right") - 1
        within: Bools = (place >= 0) & (at_ns - self.begin_ns[np.maximum(place, 0)] < WIDTH_NS)
        return within


def read_crowds(requested_ns: Ints) -> Crowds:
    """Return when requests were densest; the stamps may stand in any order."""
    ordered = np.sort(requested_ns)
    followers = np.searchsorted(ordered, ordered + WIDTH_NS, side="left") - np.arange(len(ordered))
    peak = int(followers.max(initial=0))
    return Crowds(peak=peak, begin_ns=ordered[2 * followers >= peak])


def peak_of(requested_ns: Ints) -> int:
    """Return the most requests of any 100 ms."""
    return read_crowds(requested_ns).peak


def peak_of_one(organization: Ints, requested_ns: Ints) -> int:
    """Return the most requests that any single organization made in any 100 ms."""
    order = np.lexsort((requested_ns, organization))
    organization, requested_ns = organization[order], requested_ns[order]
    if not len(order):
        return 0
    group = np.cumsum(is_start(organization)).astype(np.int64)
    after = search(group, requested_ns, group, requested_ns + WIDTH_NS, side="left")
    return int((after - np.arange(len(order))).max())
