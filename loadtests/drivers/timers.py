"""One queue of due times for a whole process, behind a single timer of the event loop.

Thousands of devices each have a debounce, a heartbeat, a poll: a heap entry for each instead of a timer or a task.
Nothing is ever taken out: whoever is called looks whether the call still means something.
"""

import asyncio
import heapq
import sys
from collections.abc import Callable
from itertools import count
from time import monotonic_ns
from typing import Final

_MILLISECOND_NS: Final = 1_000_000
_NEVER_NS: Final = sys.maxsize
"""Later than every due time: no timer is armed."""
_RUNNING_NS: Final = -1
"""Earlier than every due time: calls are being made, and the timer is armed when all of them have been."""


class TimerQueue:
    """Calls functions at or shortly after their due times (CLOCK_MONOTONIC), in order of these."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()
        self._armed: asyncio.TimerHandle | None = None
        self._armed_ns = _NEVER_NS
        self._stopped = False

    def at(self, due_ns: int, call: Callable[[int], None]) -> None:
        """Call `call(due_ns)` once `due_ns` has come; equal due times keep the order of these calls."""
        if self._stopped:
            return
        heapq.heappush(self._heap, (due_ns, next(self._order), call))
        if due_ns < self._armed_ns:
            self._arm(due_ns)

    def stop(self) -> None:
        """Forget everything, now and later."""
        self._stopped = True
        self._heap.clear()
        if self._armed is not None:
            self._armed.cancel()

    def _arm(self, due_ns: int) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed_ns = due_ns
        # uvloop's timers are of whole milliseconds and may end a fraction early, which `_run` takes into account.
        delay_ns = max(due_ns - monotonic_ns(), 0)
        self._armed = self._loop.call_later(delay_ns / 1e9, self._run)

    def _run(self) -> None:
        self._armed_ns = _RUNNING_NS
        # What becomes due while this runs waits for the next turn, so that sockets are read in between.
        now_ns = monotonic_ns()
        try:
            while self._heap and self._heap[0][0] <= now_ns:
                due_ns, _, call = heapq.heappop(self._heap)
                call(due_ns)
        finally:
            self._armed_ns = _NEVER_NS
            if self._heap:
                self._arm(max(self._heap[0][0], monotonic_ns() + _MILLISECOND_NS // 2))
