"""The signals of all lifetimes as columns, and what about them is the same under every refresh policy.

Decided once here and shared by all policies: what each signal asks for, which earlier signal was about the same entity,
where the next signal of each kind lies. Within one lifetime at most one key of each kind is asked for (a screen has
one list, one open job, its documents, one feed), so what a signal asks for is a mask of kinds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.stamps import Ints
from loadtests.clients.requests import KeyKind

Masks = NDArray[np.uint8]
Places = NDArray[np.int32]
"""Indexes of arrivals, at half the memory of the others: there are many, and fewer than 2^31."""

MOST_IN_PART: Final = 500_000
"""Arrivals that are worked on at once: it bounds what a policy's columns take, and makes no difference to the time."""


def bit(kind: KeyKind) -> int:
    """Return a kind's bit in a mask."""
    return 1 << (kind - 1)


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Signals while somebody looked, by lifetime and time; the last five columns have an entry for each of them."""

    lifetime: Ints
    """The index in `Presence.lifetimes` of each subscriber's lifetime, also of those without a signal."""
    end_ns: Ints
    model: Ints
    key_of: Ints
    """(lifetimes, kinds): the number of the key of that kind, -1 where none is ever asked for."""
    begin: Ints
    """Where the signals of each lifetime begin, and behind the last where they end."""
    at_ns: Ints
    mask: Masks
    """The kinds of the keys that it asks for; 0: it asks for nothing."""
    meaning: Places
    """Which event it is, as clients understand it."""
    look: Places
    """During which look, an index in `look_end_ns`, it came."""
    signal: Ints
    """Its index among the run's signals."""
    entity: Ints
    """For each meaning, which entity clients coalesce it by."""
    look_end_ns: Ints

    def __len__(self) -> int:
        return len(self.at_ns)

    def parts(self, chosen: Ints) -> Iterator["Part"]:
        """Yield neighbours among some lifetimes (ascending places in `lifetime`), so many as are worked on at once."""
        sizes = self.begin[chosen + 1] - self.begin[chosen]
        is_torn = np.append(False, np.diff(chosen) != 1)
        first = 0
        count = 0
        for place, size in enumerate(sizes.tolist()):
            if place > first and (is_torn[place] or count + size > MOST_IN_PART):
                yield self._part(int(chosen[first]), int(chosen[place - 1]) + 1)
                first, count = place, 0
            count += size
        if len(chosen):
            yield self._part(int(chosen[first]), int(chosen[-1]) + 1)

    def _part(self, first: int, stop: int) -> "Part":
        known = self._parts.get((first, stop))
        if known is None:
            known = self._parts[first, stop] = Part(self, first, stop)
        return known

    @cached_property
    def _parts(self) -> dict[tuple[int, int], "Part"]:
        return {}


class Part:
    """Some neighbouring lifetimes of all, their arrivals counted from 0."""

    def __init__(self, arrivals: Arrivals, first: int, stop: int) -> None:
        self.lifetimes = slice(first, stop)
        """Where they stand in `Arrivals.lifetime`."""
        self.rows = slice(int(arrivals.begin[first]), int(arrivals.begin[stop]))
        """Where their arrivals stand."""
        self.begin = arrivals.begin[first : stop + 1] - arrivals.begin[first]
        self.at_ns = arrivals.at_ns[self.rows]
        self.mask = arrivals.mask[self.rows]
        self._arrivals = arrivals

    def __len__(self) -> int:
        return len(self.at_ns)

    @property
    def size(self) -> int:
        """How many lifetimes there are."""
        return len(self.begin) - 1

    @cached_property
    def owner(self) -> Places:
        """The lifetime of each arrival, counted from 0."""
        return np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self.begin))

    @property
    def look(self) -> Places:
        """During which look, an index in `every_look_end_ns`, each arrival came."""
        return self._arrivals.look[self.rows]

    @property
    def every_look_end_ns(self) -> Ints:
        """When each look of the run ends."""
        return self._arrivals.look_end_ns

    @cached_property
    def most_refreshes(self) -> int:
        """How many keys all arrivals ask for together."""
        return int(np.bitwise_count(self.mask).sum())

    def prepare(self) -> None:
        """Work out everything now that is the same under all policies."""
        _ = self.same_before, self.most_refreshes

    @cached_property
    def same_before(self) -> Places:
        """The arrival before each that asked for something because of the same entity; -1: none."""
        asking = np.flatnonzero(self.mask)
        entity = self._arrivals.entity[self._arrivals.meaning[self.rows][asking]]
        group = self.owner[asking].astype(np.int64) * (int(entity.max(initial=0)) + 1) + entity
        order = np.argsort(group, kind="stable")
        same = np.append(False, group[order][1:] == group[order][:-1])[: len(order)]
        before = np.full(len(self), -1, dtype=np.int32)
        before[asking[order[same]]] = asking[order[np.flatnonzero(same) - 1]]
        return before
