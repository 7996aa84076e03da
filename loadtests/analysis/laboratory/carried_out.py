"""What flushes come to, for all lifetimes at once: which keys are fetched, when, and when each is answered.

It speaks for the disciplines under which one flush knows nothing of another: side by side, and one by one within a
flush (`loadtests.clients.fetching`). Under any other, a lifetime goes through the state machines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.laboratory.arrivals import Masks, Part, Places
from loadtests.analysis.laboratory.compiled import compiled
from loadtests.analysis.laboratory.schedule import Schedule
from loadtests.analysis.segments import starts
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

    def chosen(self, rows: Ints) -> "Requests":
        """Return some of them, or all in another order."""
        return Requests(
            owner=self.owner[rows],
            kind=self.kind[rows],
            is_flush=self.is_flush[rows],
            started_ns=self.started_ns[rows],
            answered_ns=self.answered_ns[rows],
        )


def is_independent(discipline: Discipline) -> bool:
    """Return whether what a flush comes to depends on nothing but the flush."""
    shares = discipline.single_flight is not SingleFlight.NONE and Cause.FLUSH in discipline.single_flight_causes
    return not shares and not discipline.dedupe_ns


def carry_out(
    part: Part, flushes: Schedule, policy: RefreshPolicy, *, is_sequential: bool, end_ns: Ints, takes: Takes
) -> Requests:
    """Return the requests of all flushes; what would start after a lifetime's end is left out."""
    flush, owner, kind, started_ns = _refreshes(part, flushes, policy)
    answered_ns = started_ns + takes(owner, kind, started_ns)
    if is_sequential:
        _one_by_one(flush, owner, kind, started_ns, answered_ns, takes)
    requests = Requests(
        owner=owner,
        kind=kind,
        is_flush=np.ones(len(flush), dtype=np.uint8),
        started_ns=started_ns,
        answered_ns=answered_ns,
    )
    made = started_ns <= end_ns[owner]
    return requests if made.all() else requests.chosen(np.flatnonzero(made))


def _refreshes(part: Part, flushes: Schedule, policy: RefreshPolicy) -> tuple[Ints, Ints, Masks, Ints]:
    """Return the flush, the lifetime, the kind and the due stamp of each refresh, in the order in which it is asked."""
    coalescing = Coalescing.NONE if policy.edge is Edge.NONE else policy.coalescing
    nobody = np.zeros(0, dtype=np.int32)
    return _ask(
        flushes.owner,
        flushes.first,
        flushes.last,
        flushes.due_ns,
        part.mask,
        part.same_before if coalescing is Coalescing.ENTITY else nobody,
        coalescing is Coalescing.REQUEST_KEY,
        part.most_refreshes,
    )


@compiled
def _ask(  # noqa: PLR0913, PLR0917 - columns, for the compiler
    owner: Ints,
    first: Ints,
    last: Ints,
    due_ns: Ints,
    mask: Masks,
    same_before: Places,
    is_by_key: bool,  # noqa: FBT001
    most: int,
) -> tuple[Ints, Ints, Masks, Ints]:
    """Return the columns of `_refreshes`, at most so many; `same_before` is empty but for coalescing by entity."""
    flushes, owners = np.empty(most, np.int64), np.empty(most, np.int64)
    kinds, dues_ns = np.empty(most, np.uint8), np.empty(most, np.int64)
    count = 0
    for flush in range(len(first)):
        known = np.int64(0)
        for each in range(first[flush], last[flush] + 1):
            if len(same_before) and same_before[each] >= first[flush]:
                continue
            asked = np.int64(mask[each]) & ~known
            if is_by_key:
                known |= asked
            kind = 1
            while asked:
                if asked & 1:
                    flushes[count], owners[count], kinds[count], dues_ns[count] = (
                        flush,
                        owner[flush],
                        kind,
                        due_ns[flush],
                    )
                    count += 1
                asked >>= 1
                kind += 1
    return flushes[:count], owners[:count], kinds[:count], dues_ns[:count]


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
