"""The real server's clock: when it polls, what a poll takes, when it gives up, when a subscriber has to wait.

Pure state machines: the time and the random numbers are passed in, nothing here sleeps. The figures are those of
Supabase Realtime v2.129.8: from its source (`replication_poller.ex`, `realtime_channel.ex`) where it says them,
otherwise measured on a single node with PostgreSQL 15.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

Random = Callable[[], float]
"""A number from 0 up to, not including, 1, evenly distributed: `random.random` of a seeded generator."""

POLL_CHANGES: Final = 100
"""Rows of one poll; more only where a transaction is not over yet."""
UNHEARD_PAUSE_S: Final = 0.1
UNHEARD_JITTER_S: Final = (0.05, 0.1)
IDLE_PAUSE_S: Final = 0.5
IDLE_SHUTDOWN_S: Final = 600.0
"""Without a subscriber for this long, the poller and its slot end."""
POLLER_START_S: Final = (0.3, 1.0)
"""From a join without a poller to the poller's slot. Inferred: the fastest cold subscriber took 1.2 s."""
COLD_START_S: Final = (1.5, 3.0)
"""From a join without a poller to its subscription."""
REFRESH_S: Final = (1.0, 3.0)
"""From a fresh token to the subscription with its claims."""
MAX_FAILURES: Final = 6
"""Consecutive failures after which the poller gives up."""
_RETRY_S: Final = (0.1, 5.0)
_BASE_US: Final = 6_000
_COLD_US: Final = 12_500
_ROW_US: Final = 1_500
_DISPATCH_SHARE: Final = 0.23
"""Under load, the backend that asks was busy for the other 77 % of the time."""


class PollOutcome(Enum):
    """What a poll found, as far as the next one depends on it."""

    DELIVERED = "rows with receivers"
    UNHEARD = "rows, but for nobody"
    EMPTY = "nothing"


def pause_s(outcome: PollOutcome, random: Random) -> float:
    """Return the seconds until the next poll begins."""
    match outcome:
        case PollOutcome.DELIVERED:
            return 0.0
        case PollOutcome.UNHEARD:
            return UNHEARD_PAUSE_S + between(UNHEARD_JITTER_S, random)
        case PollOutcome.EMPTY:
            return IDLE_PAUSE_S


def between(bounds: tuple[float, float], random: Random) -> float:
    """Return a number between the bounds, evenly distributed."""
    low, high = bounds
    return low + (high - low) * random()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTime:
    """What one poll takes, at least."""

    query_s: float
    """From its beginning to its first frame."""
    dispatch_s: float
    """From its first frame to its end."""


@dataclass(frozen=True, slots=True)
class PollCost:
    """What a poll takes the real server, where one query reads and checks and one process then dispatches.

    6 ms, 12.5 ms more where it ends an idle pause, 1.5 ms for each row, and `check_us` for each (row, subscriber)
    pair: its larger part for the question, the rest for handing the row over. What a row takes is exponentially
    distributed: if all took the same, 30 rows/s for 500 subscribers would settle into short polls and never pause.
    With 48 µs this fits the measured server, quiet and loaded: batches 526 ms apart, 500 subscribers drain 38
    rows/s, one keeps up with 500/s at 81 % of its backend's core. A check of 0 leaves all of it to this machine.
    """

    check_us: int

    def of(self, *, rows: int, checks: int, messages: int, was_idle: bool, random: Random) -> PollTime:
        """Return what a poll takes; `checks` and `messages` count (row, subscriber) pairs."""
        if self.check_us == 0:
            return PollTime(query_s=0.0, dispatch_s=0.0)
        varied = sum(-math.log(1 - random()) for _ in range(rows)) / max(rows, 1)
        asking_us = _ROW_US * rows + self.check_us * (1 - _DISPATCH_SHARE) * checks
        return PollTime(
            query_s=(_BASE_US + was_idle * _COLD_US + varied * asking_us) / 1e6,
            dispatch_s=varied * self.check_us * _DISPATCH_SHARE * messages / 1e6,
        )


class Backoff:
    """Pauses after failures, random and growing, from 100 ms to 5 s."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._last_s = _RETRY_S[0]
        self.failures = 0
        """Consecutive ones."""

    @property
    def is_exhausted(self) -> bool:
        """Whether the real server would give up now."""
        return self.failures >= MAX_FAILURES

    def failed(self) -> float:
        """Count a failure; return the seconds until the next attempt."""
        self.failures += 1
        low, high = _RETRY_S
        self._last_s = min(high, between((low, self._last_s * 3), self._random))
        return self._last_s

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
        self._last_s = _RETRY_S[0]


class IdleWatch:
    """Notices that nobody has been subscribed for too long."""

    def __init__(self, now_ns: int) -> None:
        self._last_used_ns = now_ns

    def used(self, now_ns: int) -> None:
        """Note that somebody wants to subscribe."""
        self._last_used_ns = now_ns

    def is_over(self, now_ns: int, *, subscribers: int) -> bool:
        """Whether the poller should end; to be asked at each poll."""
        if subscribers:
            self.used(now_ns)
        return now_ns - self._last_used_ns >= IDLE_SHUTDOWN_S * 1e9
