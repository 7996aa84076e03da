"""How a device gathers signals until they become refreshes: one state machine for every refresh policy.

No clock and no timer: `due_ns` says when `take` has something to give. It only moves later while signals come, except
where a policy says "at once", so a driver looks again when it was due instead of moving a timer at each signal.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import RequestKey
from loadtests.clients.signals import Signal

Keys = tuple[RequestKey, ...]

ASKS_NOTHING: Final = 0
"""The signal makes nothing stale that the device has open."""
SUPPRESSED: Final = -1
"""The signal asks for a refresh, and the policy drops it: nothing will follow from it."""

_FAR_NS: Final = sys.maxsize
_ENTITY: Final = Coalescing.ENTITY
_REQUEST_KEY: Final = Coalescing.REQUEST_KEY
_LEADING: Final = (Edge.LEADING, Edge.LEADING_AND_TRAILING)


class Flush(NamedTuple):
    """The end of a batch: what was collected, and the refreshes that it comes to, in the order of their cause."""

    batch: int
    signals: int
    refreshes: Keys


class Gatherer:
    """One device's pending signals; it holds no container while nothing is pending.

    A batch begins with a signal that asks for something and takes in all that follow until it is taken, so a driver
    that comes late flushes more at once and loses nothing. When it is due:

    - TRAILING: `window_ns` after the last event, whatever that asked for.
    - FIXED_WINDOW: `window_ns` after its first signal.
    - LEADING: at once. A window begins when it is taken; what asks for something inside of it is SUPPRESSED.
    - LEADING_AND_TRAILING: at once, or, if it begins inside the window that began when the last batch was taken, when
      that window ends. So no two flushes are closer than `window_ns`.
    - NONE: at once, and each signal by itself: no coalescing, whatever the policy says.
    - FLUSH_ON_CANCEL: the iOS app's timer is a sleep that ends at once when it is cancelled, and then flushes. Each
      event starts a timer and cancels the one that still runs, having added itself before: so a batch is due
      `window_ns` after its first signal, or at the next event, or, if an event came less than `window_ns` before it,
      at once. The last timer finds nothing.

    `max_wait_ns` ends a batch so long after its first signal at the latest. That changes TRAILING, and the other edges
    only if it is shorter than their window. `jitter_ns` comes on top, with every edge: it is drawn once for each batch,
    also for those that are due at once.
    """

    __slots__ = (
        "_batch",
        "_batches",
        "_chance",
        "_coalescing",
        "_ends_ns",
        "_is_trailing",
        "_jitter_ns",
        "_latest_ns",
        "_open_until_ns",
        "_pending",
        "_policy",
        "_signals",
        "_window_ns",
    )

    def __init__(self, policy: RefreshPolicy, batches: Iterator[int], chance: Callable[[], float]) -> None:
        """Take numbers of batches, all above 0, from `batches`, which devices may share; `chance` is in [0, 1)."""
        self._policy = policy
        self._batches = batches
        self._chance = chance
        self._is_trailing = policy.edge is Edge.TRAILING
        self._coalescing = Coalescing.NONE if policy.edge is Edge.NONE else policy.coalescing
        self._window_ns = policy.window_ns
        self._pending: dict[object, Keys] | None = None
        self._batch = 0
        self._signals = 0
        self._ends_ns = 0
        """When the batch ends by its edge alone."""
        self._latest_ns = 0
        """When it ends at the latest, jitter left aside."""
        self._jitter_ns = 0
        self._open_until_ns = -_FAR_NS
        """Leading edges: when the window after the last flush ends; FLUSH_ON_CANCEL: when the last timer rings."""

    def signal(self, signal: Signal, keys: Keys, now_ns: int) -> int:
        """Take in one event that asks for `keys`; return the number of its batch, ASKS_NOTHING or SUPPRESSED.

        An event that asks for nothing restarts a window as any other does: the design decides what an event is good
        for only when the window ends.
        """
        if self._is_trailing:
            self._ends_ns = now_ns + self._window_ns
        else:
            self._move_end(now_ns)
        if not keys:
            return ASKS_NOTHING
        pending = self._pending
        if pending is None:
            if self._policy.edge is Edge.LEADING and now_ns < self._open_until_ns:
                return SUPPRESSED
            pending = self._begin(now_ns)
        self._signals += 1
        coalescing = self._coalescing
        if coalescing is _ENTITY:
            known = pending.setdefault(signal.entity, keys)
            if known is not keys:
                pending[signal.entity] = _union(known, keys)
        elif coalescing is _REQUEST_KEY:
            for key in keys:
                if key not in pending:
                    pending[key] = (key,)
        else:
            pending[len(pending)] = keys
        return self._batch

    @property
    def may_end_sooner(self) -> bool:
        """Whether a further event may end the pending batch earlier than was due."""
        return self._policy.edge is Edge.FLUSH_ON_CANCEL

    @property
    def is_pending(self) -> bool:
        """Whether a flush is to come."""
        return self._pending is not None

    def due_ns(self) -> int | None:
        """When there is something to take, if no further event comes; None when nothing is pending."""
        return None if self._pending is None else min(self._ends_ns, self._latest_ns) + self._jitter_ns

    def take(self, now_ns: int) -> Flush | None:
        """Return what is to be refreshed and start afresh; None when nothing is due yet or nothing is pending."""
        if self._pending is None or now_ns < min(self._ends_ns, self._latest_ns) + self._jitter_ns:
            return None
        if not self._is_trailing and self._policy.edge in _LEADING:
            self._open_until_ns = now_ns + self._window_ns
        return self.forget()

    def forget(self) -> Flush | None:
        """Give up what is pending and return it, due or not: the device ends, or nobody looks at it any more."""
        pending = self._pending
        if pending is None:
            return None
        self._pending = None
        return Flush(self._batch, self._signals, tuple(chain.from_iterable(pending.values())))

    def _begin(self, now_ns: int) -> dict[object, Keys]:
        policy = self._policy
        self._batch = next(self._batches)
        self._signals = 0
        self._latest_ns = _FAR_NS if policy.max_wait_ns is None else now_ns + policy.max_wait_ns
        # Without jitter no chance is drawn, so that a policy that leaves it out leaves the others' chances alone.
        self._jitter_ns = int(policy.jitter_ns * self._chance()) if policy.jitter_ns else 0
        pending: dict[object, Keys] = {}
        self._pending = pending
        return pending

    def _move_end(self, now_ns: int) -> None:
        """Say when the pending batch ends, or would if it began now, by any edge but TRAILING."""
        edge = self._policy.edge
        is_pending = self._pending is not None
        if edge is Edge.FLUSH_ON_CANCEL:
            if is_pending:
                self._ends_ns = min(self._ends_ns, now_ns)
            else:
                self._ends_ns = now_ns if now_ns < self._open_until_ns else now_ns + self._window_ns
            self._open_until_ns = now_ns + self._window_ns
        elif is_pending:
            pass  # the other edges decide with the first signal
        elif edge is Edge.LEADING_AND_TRAILING:
            self._ends_ns = max(now_ns, self._open_until_ns)
        else:
            self._ends_ns = now_ns + self._window_ns if edge is Edge.FIXED_WINDOW else now_ns


def _union(known: Keys, keys: Keys) -> Keys:
    """Return both, each key once; signals of one entity ask for different keys when the screen changed in between."""
    return known if known == keys else (*known, *(key for key in keys if key not in known))
