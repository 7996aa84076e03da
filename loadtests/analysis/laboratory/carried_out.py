"""What flushes come to, for all lifetimes at once: which keys are fetched, when, and when each is answered.

It speaks for the disciplines under which one flush knows nothing of another: side by side, and one by one within a
flush (`loadtests.clients.fetching`). Under any other, a lifetime goes through the state machines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.laboratory.arrivals import Masks, Part, bit
from loadtests.analysis.laboratory.schedule import Schedule
from loadtests.analysis.segments import expand, starts
from loadtests.analysis.stamps import Ints
from loadtests.clients.fetching import Discipline, SingleFlight
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import Cause, KeyKind

Takes = Callable[[Ints, Masks, Ints], Ints]
"""How long the fetches of lifetimes of a part take, of keys of some kinds, that start at some stamps."""

OTHER_KEY: Final = 0
"""In place of a kind: a key that no signal of the lifetime asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """One entry per request of a part; those of one lifetime stand together, in the order of `owner`."""

    owner: Ints
    """The lifetime, counted from 0 in the part."""
    kind: Masks
    """The kind of the key, OTHER_KEY for one that no signal asks for."""
    is_flush: Masks
    """1: because of signals."""
    started_ns: Ints
    answered_ns: Ints

    def __len__(self) -> int:
        return len(self.owner)


def is_independent(discipline: Discipline) -> bool:
    """Return whether what a flush comes to depends on nothing but the flush."""
    shares = discipline.single_flight is not SingleFlight.NONE and Cause.FLUSH in discipline.single_flight_causes
    return not shares and not discipline.dedupe_ns


def carry_out(
    part: Part, flushes: Schedule, policy: RefreshPolicy, *, is_sequential: bool, end_ns: Ints, takes: Takes
) -> Requests:
    """Return the requests of all flushes; what would start after a lifetime's end is left out."""
    flush, kind = _refreshes(part, flushes, policy, is_ordered=is_sequential)
    owner, started_ns = flushes.owner[flush], flushes.due_ns[flush]
    answered_ns = started_ns + takes(owner, kind, started_ns)
    if is_sequential:
        _one_by_one(flush, owner, kind, started_ns, answered_ns, takes)
    made = np.flatnonzero(started_ns <= end_ns[owner])
    return Requests(
        owner=owner[made],
        kind=kind[made],
        is_flush=np.ones(len(made), dtype=np.uint8),
        started_ns=started_ns[made],
        answered_ns=answered_ns[made],
    )


def _refreshes(part: Part, flushes: Schedule, policy: RefreshPolicy, *, is_ordered: bool) -> tuple[Ints, Masks]:
    """Return the flush and the kind of each refresh, if it matters in the order in which the flush asks for them."""
    if policy.edge is not Edge.NONE and policy.coalescing is Coalescing.REQUEST_KEY:
        return _by_key(part, flushes, is_ordered=is_ordered)
    flush, position = expand(flushes.last - flushes.first + 1)
    arrival = flushes.first[flush] + position
    chosen = part.asks[arrival]
    if policy.edge is not Edge.NONE and policy.coalescing is Coalescing.ENTITY:
        chosen &= part.same_before[arrival] < flushes.first[flush]
    flush, arrival = flush[chosen], arrival[chosen]
    if len(part.kinds) == 1:
        return flush, np.full(len(flush), part.kinds[0], dtype=np.uint8)
    rows = [np.flatnonzero(part.mask[arrival] & bit(kind)) for kind in part.kinds]
    kinds = np.repeat(np.array(part.kinds, dtype=np.uint8), [len(each) for each in rows])
    row = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    order = np.argsort(row, kind="stable")
    return flush[row[order]], kinds[order]


def _by_key(part: Part, flushes: Schedule, *, is_ordered: bool) -> tuple[Ints, Masks]:
    """Each kind that any signal of the flush asks for, by the first one that does."""
    if len(part.kinds) == 1:
        return np.arange(len(flushes), dtype=np.int64), np.full(len(flushes), part.kinds[0], dtype=np.uint8)
    asked_at = [part.next_of_kind[kind][flushes.first] for kind in part.kinds]
    rows = [np.flatnonzero(place <= flushes.last) for place in asked_at]
    kinds = np.repeat(np.array(part.kinds, dtype=np.uint8), [len(each) for each in rows])
    flush = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    if is_ordered:
        place = np.concatenate([place[row] for place, row in zip(asked_at, rows, strict=True)] or [flush])
        order = np.lexsort((kinds, place, flush))
    else:
        order = np.argsort(flush, kind="stable")
    return flush[order], kinds[order]


def _one_by_one(  # noqa: PLR0917 - columns that are filled in place
    flush: Ints, owner: Ints, kind: Masks, started_ns: Ints, answered_ns: Ints, takes: Takes
) -> None:
    """Let each refresh but the first of a flush start when the one before it is answered."""
    begin = starts(flush)
    sizes = np.diff(np.append(begin, len(flush)))
    order = np.argsort(-sizes, kind="stable")
    begin, sizes = begin[order], sizes[order]
    for position in range(1, int(sizes.max(initial=0))):
        row = begin[: np.searchsorted(-sizes, -position)] + position
        started_ns[row] = answered_ns[row - 1]
        answered_ns[row] = started_ns[row] + takes(owner[row], kind[row], started_ns[row])


def kinds_of(part_keys: Ints, keys: Ints) -> Masks:
    """Return the kind of each key of a lifetime, given as its row of `Arrivals.key_of`; OTHER_KEY: none of them."""
    kinds = np.full(len(keys), OTHER_KEY, dtype=np.uint8)
    for kind in KeyKind:
        kinds[(part_keys[:, kind - 1] == keys) & (keys >= 0)] = kind
    return kinds
