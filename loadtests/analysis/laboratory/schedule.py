"""When a policy flushes, for all lifetimes at once: what `loadtests.clients.gathering` decides signal by signal.

Where a batch that begins with some signal ends is a function of the stamps alone, of which signals ask for anything,
and of the looks. So it is worked out for every signal that may begin one, and then all lifetimes walk in step, each
from one batch to its next. Only after a leading edge with a trailing one the end depends on the batch before; there
each step works its own out. Nothing is rounded and nothing is assumed about lifetimes that look alike: the stamps that
come out are those of the state machine, to the nanosecond.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from loadtests.analysis.laboratory.arrivals import Part, Places, next_true
from loadtests.analysis.stamps import Bools, Floats, Ints
from loadtests.clients.policy import Edge, RefreshPolicy

Jitter = Callable[[Ints, Ints], Floats]
"""What lifetimes of a part (counted from 0) draw for batches that begin at some stamps, in [0, 1)."""

_FAR: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The flushes of a part under a policy, by lifetime and time."""

    owner: Ints
    first: Ints
    """The first signal of the batch, an arrival of the part."""
    last: Ints
    """The last one; those in between that ask for something belong to it."""
    due_ns: Ints
    suppressed: int
    """Signals that asked for something and were dropped."""

    def __len__(self) -> int:
        return len(self.owner)


class _Batches(NamedTuple):
    """What becomes of batches that begin at some arrivals."""

    last: Ints
    due: Ints
    """Packed, as all stamps are here, so that one search serves all lifetimes."""
    is_flushed: Bools
    """Not given up because they look away before."""
    following: Ints
    """The first arrival that may begin the next one."""

    def at(self, chosen: Bools) -> "_Batches":
        """Return some of them."""
        return _Batches(self.last[chosen], self.due[chosen], self.is_flushed[chosen], self.following[chosen])


def schedule(part: Part, policy: RefreshPolicy, jitter: Jitter) -> Schedule:
    """Return every flush."""
    ends = _Ends(part, policy, jitter)
    if policy.edge is Edge.LEADING_AND_TRAILING:
        return _told(part, *_step_by_step(part, ends, policy.window_ns))
    asking = np.flatnonzero(part.asks)
    batches = ends.of(asking, part.owner[asking].astype(np.int64), np.zeros(0, dtype=np.int64))
    taken = _walked(part, batches.following)
    return _told(part, asking[taken], batches.at(taken))


def _walked(part: Part, following: Ints) -> Bools:
    """Return which of the signals that ask for something really begin a batch, given what follows if they do."""
    # The rank among those that ask; one more for "none", which follows itself.
    count = len(following)
    rank = part.asked_before
    stop = rank[part.begin[1:]][part.owner[part.asks]]
    step = rank[following]
    step = np.append(np.where(step < stop, step, count), count)
    begins = np.zeros(count + 1, dtype=np.bool_)
    at = rank[part.begin[:-1]]
    at = at[at < rank[part.begin[1:]]]
    while len(at):
        for _ in range(_STRIDE):
            begins[at] = True
            at = step[at]
        at = at[at < count]
    return begins[:-1]


_STRIDE: Final = 16
"""Steps between two looks at who has arrived at the end."""


def _step_by_step(part: Part, ends: "_Ends", window_ns: int) -> tuple[Ints, _Batches]:
    """Walk with what each batch leaves behind for its next: until when the window after its flush is open."""
    owner = np.arange(part.size, dtype=np.int64)
    stop = part.begin[1:].astype(np.int64)
    open_until = np.full(part.size, -_FAR, dtype=np.int64)
    at = part.next_asking[part.begin[:-1]].astype(np.int64)
    nothing = np.zeros(0, dtype=np.int64)
    told = [(nothing, _Batches(nothing, nothing, np.zeros(0, dtype=np.bool_), nothing))]
    while len(at):
        goes_on = at < stop
        at, owner, stop, open_until = at[goes_on], owner[goes_on], stop[goes_on], open_until[goes_on]
        batches = ends.of(at, owner, open_until)
        told.append((at, batches))
        open_until = np.where(batches.is_flushed, batches.due + window_ns, open_until)
        at = part.next_asking[batches.following].astype(np.int64)
    first = np.concatenate([each for each, _ in told])
    order = np.argsort(first, kind="stable")
    columns = zip(*(batches for _, batches in told), strict=True)
    return first[order], _Batches(*(np.concatenate(column)[order] for column in columns))


def _told(part: Part, first: Ints, batches: _Batches) -> Schedule:
    asked = part.asked_before
    suppressed = int((asked[batches.following] - asked[batches.last + 1]).sum())
    flushed = np.flatnonzero(batches.is_flushed)
    owner = part.owner[first[flushed]].astype(np.int64)
    return Schedule(
        owner=owner,
        first=first[flushed],
        last=batches.last[flushed],
        due_ns=batches.due[flushed] - (owner * part.span_ns - part.first_ns),
        suppressed=suppressed,
    )


class _Ends:
    """Where batches end under a policy."""

    def __init__(self, part: Part, policy: RefreshPolicy, jitter: Jitter) -> None:
        self._part = part
        self._policy = policy
        self._jitter = jitter
        self._quiet = _quiet_from(part, policy.window_ns) if policy.edge is Edge.TRAILING else None

    def of(self, at: Ints, owner: Ints, open_until: Ints) -> _Batches:
        """Return what becomes of batches of lifetimes; only LEADING_AND_TRAILING asks until when a window is open."""
        part, policy = self._part, self._policy
        begins = part.packed[at]
        jitter_ns = np.zeros(len(at), dtype=np.int64)
        if policy.jitter_ns:
            jitter_ns = (policy.jitter_ns * self._jitter(owner, part.at_ns[at])).astype(np.int64)
        last, due = self._end(at, begins, jitter_ns, open_until)
        last = np.minimum(last, part.last_of_look[at])
        is_flushed = due - (owner * part.span_ns - part.first_ns) <= part.look_end_at(at)
        following = last + 1
        if policy.edge is Edge.LEADING:
            # What comes inside the window after a flush is dropped.
            allowed = np.searchsorted(part.packed, due + policy.window_ns)
            allowed = np.minimum(allowed, part.begin[owner + 1])
            following = np.where(is_flushed, np.maximum(allowed, following), following)
        return _Batches(last, due, is_flushed, following)

    def _end(self, at: Ints, begins: Ints, jitter_ns: Ints, open_until: Ints) -> tuple[Ints, Ints]:
        """Return the last signal, looks left aside, and the due stamp of batches."""
        edge, window_ns, max_wait_ns = self._policy.edge, self._policy.window_ns, self._policy.max_wait_ns
        latest = np.full(len(at), _FAR) if max_wait_ns is None else begins + max_wait_ns
        if edge is Edge.TRAILING:
            return self._trailing(at, latest, jitter_ns)
        if edge is Edge.FLUSH_ON_CANCEL:
            return self._on_cancel(at, begins, latest, jitter_ns)
        if edge is Edge.FIXED_WINDOW:
            ends = begins + window_ns
        elif edge is Edge.LEADING_AND_TRAILING:
            ends = np.maximum(begins, open_until)
        else:
            ends = begins
        due: Ints = np.minimum(ends, latest) + jitter_ns
        return self._before(due, at), due

    def _before(self, due: Ints, at_least: Ints) -> Ints:
        """Return the last arrival before a stamp; a batch holds what began it, also when it is due at once."""
        return np.maximum(np.searchsorted(self._part.packed, due) - 1, at_least)

    def _trailing(self, at: Ints, latest: Ints, jitter_ns: Ints) -> tuple[Ints, Ints]:
        """The batch ends with the first signal that is followed by enough quiet, or at the latest that is allowed."""
        part, policy = self._part, self._policy
        assert self._quiet is not None, "it was worked out for this edge"
        following, gap_ns = self._quiet
        last = following[at].astype(np.int64)
        if policy.jitter_ns:
            short = np.flatnonzero(gap_ns[last] < policy.window_ns + jitter_ns)
            while len(short):
                last[short] = following[last[short] + 1]
                short = short[gap_ns[last[short]] < (policy.window_ns + jitter_ns)[short]]
        if policy.max_wait_ns is not None:
            last = np.minimum(last, self._before(latest + jitter_ns, at))
        due: Ints = np.minimum(part.packed[last] + policy.window_ns, latest) + jitter_ns
        return last, due

    def _on_cancel(self, at: Ints, begins: Ints, latest: Ints, jitter_ns: Ints) -> tuple[Ints, Ints]:
        """A batch is due at its next event, or at once if an event came less than a window before it."""
        packed, window_ns = self._part.packed, self._policy.window_ns
        is_later = at > self._part.begin[self._part.owner[at]]
        before = packed[np.maximum(at - 1, 0)]
        ends = np.where(is_later & (begins < before + window_ns), begins, begins + window_ns)
        due: Ints = np.minimum(ends, latest) + jitter_ns
        after = np.minimum(at + 1, self._part.last_of_look[at])
        joins = (after > at) & (packed[after] < due)
        ends = np.where(joins, np.minimum(ends, packed[after]), ends)
        due = np.minimum(ends, latest) + jitter_ns
        return self._before(due, at + joins), due


def _quiet_from(part: Part, window_ns: int) -> tuple[Places, Ints]:
    """Return the first arrival from each on that a window of quiet follows, and how long the quiet after each is."""
    gap_ns = np.full(len(part), _FAR, dtype=np.int64)
    np.subtract(part.at_ns[1:], part.at_ns[:-1], out=gap_ns[:-1])
    is_last = part.last_of_look == np.arange(len(part), dtype=np.int32)
    gap_ns[is_last] = _FAR
    return next_true(gap_ns >= window_ns), gap_ns
