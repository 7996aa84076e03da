"""When a load that is under way must end before its time: the target suffers, and more load would only hurt it.

A state machine without a clock: it is fed with what the drivers have counted so far, and says why to stop. Differences
over a window count, so that neither a bad second nor a good hour decides.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Self

from loadtests.scenario.abort import Abort

_NS: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_BYTES_PER_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortLimits:
    """Beyond which the load ends; None is no limit."""

    error_share: float | None = None
    """Of the requests that were answered within the window, mutations and re-fetches alike."""
    latency_ms: float | None = None
    """Mean of the mutations that were answered within the window, from their writing to their answer."""
    slot_lag_mb: float | None = None
    """What the replication slots have not consumed, where the database can be asked."""
    window_s: float = 10.0
    least_requests: int = 20
    """With fewer answers in the window neither share nor mean says anything."""

    @classmethod
    def strictest(cls, *said: Abort) -> Self:
        """Return the lowest of each limit that anybody has set."""
        return cls(
            error_share=min((one.error_share for one in said if one.error_share is not None), default=None),
            latency_ms=min((one.latency_ms for one in said if one.latency_ms is not None), default=None),
            slot_lag_mb=min((one.slot_lag_mb for one in said if one.slot_lag_mb is not None), default=None),
        )

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to watch for."""
        return self.error_share is None and self.latency_ms is None and self.slot_lag_mb is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What has been counted since the start of the load."""

    at_ns: int
    answered: int = 0
    """Requests that came to an end, well or not."""
    errors: int = 0
    """Those among them that failed, or had no answer."""
    mutations: int = 0
    """Mutations that came to an end."""
    latency_ns: int = 0
    """Sum over these mutations of the time from writing to the end."""
    slot_lag_bytes: int | None = None
    """None: not visible."""


class Watch:
    """Watches one load. Once it has said stop, it says so again."""

    def __init__(self, limits: AbortLimits) -> None:
        self._limits = limits
        self._window_ns = round(limits.window_s * _NS)
        self._counts: deque[Counted] = deque()
        self._lag_since_ns: int | None = None
        self.why: str | None = None
        """Why the load must end, or None."""

    def look(self, now: Counted) -> str | None:
        """Take what is counted now; return why the load must end, or None."""
        if self.why is None and not self._limits.is_idle:
            self._counts.append(now)
            # The newest that is at least a window old is where the window begins.
            while len(self._counts) > 1 and now.at_ns - self._counts[1].at_ns >= self._window_ns:
                self._counts.popleft()
            self.why = self._errors(now) or self._latency(now) or self._lag(now)
        return self.why

    def _errors(self, now: Counted) -> str | None:
        limit, then = self._limits.error_share, self._counts[0]
        answered, errors = now.answered - then.answered, now.errors - then.errors
        if limit is None or answered < self._limits.least_requests or errors <= limit * answered:
            return None
        return (
            f"{errors:,} of {answered:,} requests failed within {self._over(now)}, "
            f"{errors / answered:.0%}, and the limit is {limit:.0%}"
        )

    def _latency(self, now: Counted) -> str | None:
        limit, then = self._limits.latency_ms, self._counts[0]
        mutations = now.mutations - then.mutations
        if limit is None or mutations < self._limits.least_requests:
            return None
        mean_ms = (now.latency_ns - then.latency_ns) / mutations / _NS_PER_MS
        if mean_ms <= limit:
            return None
        return (
            f"{mutations:,} mutations took {mean_ms:,.0f} ms on average within {self._over(now)}, "
            f"and the limit is {limit:,.0f} ms"
        )

    def _lag(self, now: Counted) -> str | None:
        """A backlog counts when it has lasted: one large transaction makes one, and it is gone at the next poll."""
        limit, lag = self._limits.slot_lag_mb, now.slot_lag_bytes
        if limit is None or lag is None or lag <= limit * _BYTES_PER_MB:
            self._lag_since_ns = None
            return None
        if self._lag_since_ns is None:
            self._lag_since_ns = now.at_ns
        lasted_ns = now.at_ns - self._lag_since_ns
        if lasted_ns < self._window_ns:
            return None
        return (
            f"a replication slot has been more than {limit:,g} MB behind for {lasted_ns / _NS:,.0f} s, "
            f"now {lag / _BYTES_PER_MB:,.0f} MB"
        )

    def _over(self, now: Counted) -> str:
        return f"{(now.at_ns - self._counts[0].at_ns) / _NS:,.1f} s"
