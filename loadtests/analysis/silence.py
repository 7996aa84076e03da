"""The pattern of what was missed: one frame, one channel that had gone silent, or the whole feed.

What others received tells these apart, and chance is told from silence by how much else was being lost at the time;
where there is nobody to compare with, nothing does. Knows patterns only: why a server was silent others see.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.hearing import Hearing
from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import NEVER, NS_PER_S, UNKNOWN, Bools, Floats, Ints

_RUN: Final = 3
"""Fewer misses in a row on one channel are no silence."""
_BY_CHANCE: Final = 0.01
"""What single losses would be expected to bring about less often than this is no chance."""
_NEIGHBOURHOOD_NS: Final = 2 * NS_PER_S
"""How far around a silence of the feed one looks for what else was being lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One entry per (event, device) that was not received though the device was there when others were told."""

    event: Ints
    device: Ints
    placed_ns: Ints

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True, slots=True)
class MissedRows:
    """Rows of misses on one channel: when the first and the last event of each were placed."""

    first_ns: Ints
    last_ns: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Rows of events that nobody received."""

    heard_ns: Ints
    """When the feed was heard last before it, or when its first event was placed if that was earlier."""
    first_ns: Ints
    """When its first event was placed."""
    back_ns: Ints
    """When the feed was heard next: written in order, what was lost was lost before. NEVER if it never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silences:
    """One entry per missed pair: the silences that it fell into."""

    of_channel: Bools
    """In a row of misses on its channel that is too long for chance, while others were heard."""
    row: Ints
    """Its place in `rows`."""
    of_feed: Bools
    """Nobody received the event, two devices at least should have, and chance does not explain that."""
    is_alone: Bools
    """Nobody received it, and there is no second device that missed anything at the time."""
    gap: Ints
    """Where either holds, its place in `gaps`."""
    rows: MissedRows
    gaps: Gaps


@dataclass(frozen=True, slots=True)
class _Stream:
    """The events that somebody was there for, in the order in which they were placed."""

    placed_ns: Ints
    heard_by: Ints
    missed_by: Ints
    told_ns: Ints
    place: Ints
    """Each event's place among them; one entry per event of the run."""

    @property
    def is_silent(self) -> Bools:
        """Whether nobody heard it."""
        is_silent: Bools = self.heard_by == 0
        return is_silent


@dataclass(frozen=True, slots=True)
class _Missing:
    """What was missed in each row of events that nobody received; what was heard lies between them."""

    of_pair: Ints
    """For each missed pair the gap that it is in, -1 for what others heard."""
    first_ns: Ints
    last_ns: Ints
    pairs: Ints
    is_shared: Bools
    """Two devices at least missed something in it: one alone may be what is wrong."""


def silences(missed: Missed, hearing: Hearing, placed_ns: Ints) -> Silences:
    """Return which silences the misses fell into; `placed_ns` has one entry per event."""
    stream = _stream(missed, hearing, placed_ns)
    gaps = _gaps(missed, stream)
    of_gap = np.maximum(gaps.of_pair, 0)
    may_be_feed = (gaps.of_pair >= 0) & gaps.is_shared[of_gap]
    row, first_ns, last_ns = _rows(missed, hearing)
    is_silent = _is_no_chance(missed, stream, rows=(row, first_ns, last_ns), counts=~may_be_feed)
    of_channel = is_silent[row] & ~may_be_feed
    single = (gaps.of_pair < 0) & ~of_channel
    by_chance = _chance_of_gaps(stream, gaps, single_by=np.bincount(missed.event[single], minlength=len(placed_ns)))
    heard_ns = stream.told_ns[~stream.is_silent]
    before_ns = np.concatenate(([UNKNOWN], heard_ns))
    return Silences(
        of_channel=of_channel,
        row=row,
        of_feed=may_be_feed & (by_chance[of_gap] < _BY_CHANCE),
        is_alone=(gaps.of_pair >= 0) & ~gaps.is_shared[of_gap],
        gap=of_gap,
        rows=MissedRows(first_ns, last_ns),
        gaps=Gaps(
            heard_ns=np.minimum(before_ns, gaps.first_ns),
            first_ns=gaps.first_ns,
            back_ns=np.concatenate((heard_ns, [NEVER])),
        ),
    )


def _stream(missed: Missed, hearing: Hearing, placed_ns: Ints) -> _Stream:
    missed_by = np.bincount(missed.event, minlength=len(placed_ns))
    event = np.flatnonzero(hearing.heard_by + missed_by > 0)
    event = event[np.argsort(placed_ns[event], kind="stable")]
    place = np.full(len(placed_ns), -1, dtype=np.int64)
    place[event] = np.arange(len(event))
    return _Stream(placed_ns[event], hearing.heard_by[event], missed_by[event], hearing.told_ns[event], place)


def _gaps(missed: Missed, stream: _Stream) -> _Missing:
    is_silent = stream.is_silent
    number = np.cumsum(~is_silent)
    count = int(number.max(initial=0)) + 1
    place = stream.place[missed.event]
    of_pair = np.where(is_silent[place], number[place], -1)
    inside = of_pair >= 0
    width = int(missed.device.max(initial=0)) + 1
    members = np.unique(of_pair[inside] * width + missed.device[inside]) // width
    first_ns = np.full(count, NEVER, dtype=np.int64)
    last_ns = np.full(count, UNKNOWN, dtype=np.int64)
    np.minimum.at(first_ns, number[is_silent], stream.placed_ns[is_silent])
    np.maximum.at(last_ns, number[is_silent], stream.placed_ns[is_silent])
    return _Missing(
        of_pair=of_pair,
        first_ns=first_ns,
        last_ns=last_ns,
        pairs=np.bincount(of_pair[inside], minlength=count),
        is_shared=np.bincount(members, minlength=count) > 1,
    )


def _rows(missed: Missed, hearing: Hearing) -> tuple[Ints, Ints, Ints]:
    """Return for each pair its row of misses, and when each row's first and last event was placed.

    What the device heard ends a row; being away neither begins nor ends one, for nothing was to be heard then.
    """
    order = np.lexsort((missed.event, missed.placed_ns, missed.device))
    device, stamps = missed.device[order], missed.placed_ns[order]
    begins = is_start(device)
    begins[1:] |= hearing.between(device[1:], stamps[:-1], stamps[1:]) > 0
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.cumsum(begins) - 1
    at = np.flatnonzero(begins)
    return row, stamps[at], stamps[np.append(at[1:], len(stamps)) - 1]


def _is_no_chance(missed: Missed, stream: _Stream, *, rows: tuple[Ints, Ints, Ints], counts: Bools) -> Bools:
    """Return which rows are silences; a pair that the whole feed may have missed does not count for its channel."""
    row, first_ns, last_ns = rows
    lengths = np.bincount(row[counts], minlength=len(first_ns))
    begin = np.searchsorted(stream.placed_ns, first_ns)
    end = np.searchsorted(stream.placed_ns, last_ns, side="right")
    heard = _sums(stream.heard_by, begin, end)
    expected = heard + _sums(stream.missed_by, begin, end)
    single_ns = np.sort(missed.placed_ns[counts & (lengths < _RUN)[row]])
    single = np.searchsorted(single_ns, last_ns, side="right") - np.searchsorted(single_ns, first_ns)
    chance = expected * (single / expected) ** lengths
    is_silent: Bools = (lengths >= _RUN) & (heard > 0) & (chance < _BY_CHANCE)
    return is_silent


def _chance_of_gaps(stream: _Stream, gaps: _Missing, *, single_by: Ints) -> Floats:
    """Return how many gaps as large as each the single losses around it would bring about, if they hit at random."""
    heard = ~stream.is_silent
    stamps = stream.placed_ns[heard]
    begin = np.searchsorted(stamps, gaps.first_ns - _NEIGHBOURHOOD_NS)
    end = np.maximum(np.searchsorted(stamps, gaps.last_ns + _NEIGHBOURHOOD_NS, side="right"), begin)
    by_place = np.zeros(len(stream.placed_ns), dtype=np.int64)
    known = stream.place >= 0
    by_place[stream.place[known]] = single_by[known]
    lost = _sums(by_place[heard], begin, end)
    around = lost + _sums(stream.heard_by[heard], begin, end)
    rate = np.divide(lost, around, out=np.zeros(len(lost)), where=around > 0)
    chance: Floats = (end - begin) * rate**gaps.pairs
    return chance


def _sums(values: Ints, begin: Ints, end: Ints) -> Ints:
    total = np.concatenate(([0], np.cumsum(values)))
    sums: Ints = total[end] - total[begin]
    return sums
