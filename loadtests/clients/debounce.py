"""The debounce: a state machine that collects what signals ask for until there was quiet for a whole window.

No clock and no timer: `due_ns` says when `take` has something to give, and it only ever moves later while signals
come, so a driver may look again when it was due instead of moving a timer at each signal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.requests import RequestKey
from loadtests.clients.signals import Signal

Keys = tuple[RequestKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """The end of a window: what was collected, and the refreshes that it comes to, in the order of their cause."""

    batch: int
    signals: int
    refreshes: Keys


class Debouncer:
    """One device's pending signals; it holds no container while nothing is pending."""

    __slots__ = ("_batch", "_batches", "_last_ns", "_pending", "_policy", "_signals")

    def __init__(self, policy: RefreshPolicy, batches: Iterator[int]) -> None:
        """Take numbers of batches, none of them 0, from `batches`, which devices may share."""
        self._policy = policy
        self._batches = batches
        self._pending: dict[object, Keys] | None = None
        self._batch = 0
        self._signals = 0
        self._last_ns = 0

    def signal(self, signal: Signal, keys: Keys, now_ns: int) -> int:
        """Take in one event that asks for `keys`; return the number of its batch, 0 when it asks for nothing.

        Every event restarts the window, also one that asks for nothing: the design decides what an event is good
        for only when the window ends.
        """
        self._last_ns = now_ns
        if not keys:
            return 0
        pending = self._pending
        if pending is None:
            pending = self._pending = {}
            self._batch = next(self._batches)
            self._signals = 0
        self._signals += 1
        if self._policy.coalescing is Coalescing.ENTITY:
            pending[signal.entity] = keys
        else:
            for key in keys:
                pending[key] = (key,)
        return self._batch

    @property
    def is_pending(self) -> bool:
        """Whether a flush is to come."""
        return self._pending is not None

    def due_ns(self) -> int | None:
        """When the window ends if no further event comes; None when nothing is pending."""
        return None if self._pending is None else self._last_ns + self._policy.window_ns

    def take(self, now_ns: int) -> Flush | None:
        """Return what is to be refreshed and start afresh; None while the window lasts or nothing is pending."""
        pending = self._pending
        if pending is None or now_ns < self._last_ns + self._policy.window_ns:
            return None
        self._pending = None
        refreshes = tuple(key for keys in pending.values() for key in keys)
        return Flush(batch=self._batch, signals=self._signals, refreshes=refreshes)

    def forget(self) -> None:
        """Drop what is pending: the device ends."""
        self._pending = None
