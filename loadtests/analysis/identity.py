"""Which mutation an event announces where its payload names no request.

It is that mutation of the event's job and type whose [sent, acked] holds the event's `created_at`; where several do,
the event is ambiguous and belongs to none. A mutation without an answer may have been done at any time after it was
sent. Knows rows and stamps, and nothing of how the truth was read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.anchors import subjects, types_announced
from loadtests.analysis.clock import Clock
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.segments import expand
from loadtests.analysis.stamps import NEVER, NS_PER_MS, UNKNOWN, Bools, Ints
from loadtests.history.history import Rows
from loadtests.history.kinds import NO_ENTITY, NOBODY

_ROUNDING_NS = NS_PER_MS
"""By agreement only the commit is told, and in whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Identified:
    """One entry per event."""

    mutation: Ints
    """NOBODY: it announces none of this run, or it cannot be told which."""
    is_ambiguous: Bools
    """Several may be meant."""


def identify(events: Rows, jobs: Ints, mutations: Mutations, clock: Clock) -> Identified:
    """Return the mutation of each TRUE_EVENT row; `jobs` holds the job of each, NO_ENTITY where it is not told."""
    mutation = np.where(events["revision"] < len(mutations), events["revision"], NOBODY).astype(np.int64)
    is_ambiguous = np.zeros(len(events), dtype=np.bool_)
    created_ns = clock.monotonic_ns(events["value"])
    told = np.flatnonzero((mutation == NOBODY) & (jobs != NO_ENTITY) & (created_ns != UNKNOWN))
    begin_ns, end_ns = _windows(mutations, (clock.bound_ns or 0) + _ROUNDING_NS)
    able = np.flatnonzero((begin_ns != UNKNOWN) & (mutations.fate != Fate.FAILED))
    able = able[np.argsort(begin_ns[able], kind="stable")]
    told_of = subjects(jobs[told], events["flag"][told])
    changed = subjects(mutations.job[able], types_announced(mutations.kind[able]))
    for one, other in _in_both(told_of, changed):
        event, own = told[one], able[other]
        row, place = _holding(begin_ns[own], end_ns[own], created_ns[event])
        held = np.bincount(row, minlength=len(event))
        is_only = held[row] == 1
        mutation[event[row[is_only]]] = own[place[is_only]]
        is_ambiguous[event[held > 1]] = True
    return Identified(mutation, is_ambiguous)


def _holding(begin_ns: Ints, end_ns: Ints, at_ns: Ints) -> tuple[Ints, Ints]:
    """Return (row, place) for each stamp and each window that holds it; windows ascend by their begin."""
    # One without an answer reaches over all later ones, which need not hold what it holds.
    first = np.searchsorted(np.maximum.accumulate(end_ns), at_ns, side="left")
    behind = np.searchsorted(begin_ns, at_ns, side="right")
    row, position = expand(np.maximum(behind - first, 0))
    place = first[row] + position
    holds = end_ns[place] >= at_ns[row]
    return row[holds], place[holds]


def _windows(mutations: Mutations, slack_ns: int) -> tuple[Ints, Ints]:
    """Return from when and until when each may have made its event; UNKNOWN for what was not sent."""
    sent_ns, acked_ns = mutations.sent_ns, mutations.acked_ns
    begin_ns = np.where(sent_ns == UNKNOWN, UNKNOWN, sent_ns - np.where(sent_ns == UNKNOWN, 0, slack_ns))
    end_ns = np.where(acked_ns == UNKNOWN, NEVER, acked_ns + np.where(acked_ns == UNKNOWN, 0, slack_ns))
    return begin_ns, end_ns


def _in_both(left: Ints, right: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the places of each value that stands in both, in their order."""
    left_order, right_order = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    left_sorted, right_sorted = left[left_order], right[right_order]
    for value in np.intersect1d(left, right):
        one = slice(*np.searchsorted(left_sorted, (value, value + 1)))
        other = slice(*np.searchsorted(right_sorted, (value, value + 1)))
        yield left_order[one], right_order[other]
