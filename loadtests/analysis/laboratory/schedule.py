"""When a policy flushes, for all lifetimes at once: what `loadtests.clients.gathering` decides signal by signal.

When a batch begins and ends is a function of the stamps alone, of which signals ask for anything, and of the looks. So
all lifetimes walk in step, each from one batch to its next: a step finds for every lifetime where its batch ends by
searching its sorted stamps. Nothing is rounded and nothing is assumed about lifetimes that look alike: the stamps that
come out are those of the state machine, to the nanosecond.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.laboratory.arrivals import Part, Places, next_true
from loadtests.analysis.stamps import Bools, Floats, Ints
from loadtests.clients.policy import Edge, RefreshPolicy

Jitter = Callable[[Ints, int], Floats]
"""What a lifetime of a part (counted from 0) draws for its n-th batch (from 0), in [0, 1)."""

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


def schedule(part: Part, policy: RefreshPolicy, jitter: Jitter) -> Schedule:
    """Return every flush."""
    walk = _Walk(part, policy, jitter)
    while walk.goes_on:
        walk.step()
    return walk.schedule()


class _Walk:
    """The lifetimes of a part on their way from batch to batch; stamps are packed, so that one search serves all."""

    def __init__(self, part: Part, policy: RefreshPolicy, jitter: Jitter) -> None:
        self._part = part
        self._policy = policy
        self._jitter = jitter
        self._batch = 0
        self._owner: Ints = np.arange(part.size, dtype=np.int64)
        self._stop: Ints = part.begin[1:].astype(np.int64)
        self._base: Ints = self._owner * part.span_ns - part.first_ns
        """What makes a stamp of the lifetime a packed one."""
        self._open_until: Ints = np.full(part.size, -_FAR, dtype=np.int64)
        """For leading edges: when the window after the last flush ends."""
        self._at: Ints = part.next_asking[part.begin[:-1]].astype(np.int64)
        self._suppressed = 0
        self._told: list[tuple[Ints, Ints, Ints, Ints]] = []
        self._quiet = _quiet_from(part, policy.window_ns) if policy.edge is Edge.TRAILING else None
        self._keep(self._at < self._stop)

    @property
    def goes_on(self) -> bool:
        """Whether any lifetime has a batch to come."""
        return len(self._owner) > 0

    def step(self) -> None:
        """Take every lifetime from the beginning of a batch to that of its next."""
        part, at = self._part, self._at
        begins = part.packed[at]
        jitter_ns = np.zeros(len(at), dtype=np.int64)
        if self._policy.jitter_ns:
            jitter_ns = (self._policy.jitter_ns * self._jitter(self._owner, self._batch)).astype(np.int64)
        last, due = self._end(at, begins, jitter_ns)
        last = np.minimum(last, part.last_of_look[at])
        due_ns = due - self._base
        is_flushed = due_ns <= part.look_end_at(at)
        self._told.append((self._owner[is_flushed], at[is_flushed], last[is_flushed], due_ns[is_flushed]))
        following = last + 1
        if self._policy.edge is Edge.LEADING_AND_TRAILING or self._policy.edge is Edge.LEADING:
            self._open_until = np.where(is_flushed, due + self._policy.window_ns, self._open_until)
        if self._policy.edge is Edge.LEADING:
            allowed = np.minimum(np.searchsorted(part.packed, self._open_until), self._stop)
            allowed = np.maximum(allowed, following)
            self._suppressed += int((part.asked_before[allowed] - part.asked_before[following]).sum())
            following = allowed
        self._at = part.next_asking[following].astype(np.int64)
        self._batch += 1
        self._keep(self._at < self._stop)

    def schedule(self) -> Schedule:
        """Return the flushes, sorted."""
        if not self._told:
            nothing = np.zeros(0, dtype=np.int64)
            return Schedule(owner=nothing, first=nothing, last=nothing, due_ns=nothing, suppressed=self._suppressed)
        owner, first, last, due_ns = (np.concatenate(columns) for columns in zip(*self._told, strict=True))
        order = np.argsort(first, kind="stable")
        return Schedule(
            owner=owner[order],
            first=first[order],
            last=last[order],
            due_ns=due_ns[order],
            suppressed=self._suppressed,
        )

    def _keep(self, goes_on: Bools) -> None:
        if not goes_on.all():
            self._at, self._owner, self._stop = self._at[goes_on], self._owner[goes_on], self._stop[goes_on]
            self._base, self._open_until = self._base[goes_on], self._open_until[goes_on]

    def _end(self, at: Ints, begins: Ints, jitter_ns: Ints) -> tuple[Ints, Ints]:
        """Return the last signal and the packed due stamp of the batches that begin at some arrivals."""
        edge, window_ns = self._policy.edge, self._policy.window_ns
        is_unbounded = self._policy.max_wait_ns is None
        latest = np.full(len(at), _FAR) if is_unbounded else begins + (self._policy.max_wait_ns or 0)
        if edge is Edge.TRAILING:
            return self._trailing(at, latest, jitter_ns)
        if edge is Edge.FLUSH_ON_CANCEL:
            return self._on_cancel(at, begins, latest, jitter_ns)
        if edge is Edge.FIXED_WINDOW:
            ends = begins + window_ns
        elif edge is Edge.LEADING_AND_TRAILING:
            ends = np.maximum(begins, self._open_until)
        else:
            ends = begins
        due: Ints = np.minimum(ends, latest) + jitter_ns
        return self._before(due, at), due

    def _before(self, due: Ints, at_least: Ints) -> Ints:
        """Return the last arrival before a stamp; a batch holds what began it, also when it is due at once."""
        return np.maximum(np.searchsorted(self._part.packed, due) - 1, at_least)

    def _trailing(self, at: Ints, latest: Ints, jitter_ns: Ints) -> tuple[Ints, Ints]:
        """The batch ends with the first signal that is followed by enough quiet, or at the latest that is allowed."""
        part, window_ns = self._part, self._policy.window_ns
        assert self._quiet is not None
        following, gap_ns = self._quiet
        last = following[at].astype(np.int64)
        if self._policy.jitter_ns:
            short = np.flatnonzero(gap_ns[last] < window_ns + jitter_ns)
            while len(short):
                last[short] = following[last[short] + 1]
                short = short[gap_ns[last[short]] < (window_ns + jitter_ns)[short]]
        if self._policy.max_wait_ns is not None:
            last = np.minimum(last, self._before(latest + jitter_ns, at))
        due: Ints = np.minimum(part.packed[last] + window_ns, latest) + jitter_ns
        return last, due

    def _on_cancel(self, at: Ints, begins: Ints, latest: Ints, jitter_ns: Ints) -> tuple[Ints, Ints]:
        """A batch is due at its next event, or at once if an event came less than a window before it."""
        packed, window_ns = self._part.packed, self._policy.window_ns
        is_later = at > self._part.begin[self._owner]
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
