"""What the server counts, each under its name in `/metrics`.

Plain numbers; knows nothing of who counts, nor of how they are told (`metrics`).
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

QUERY_BUCKETS_MS: Final = (10, 25, 50, 100, 250, 500, 2_500, 15_000)
"""The real server's bounds for the duration of a poll."""


class Histogram:
    """How many observations fell below each bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """For each bound the observations up to it and above the one before; last, those above all."""
        self.total = 0.0
        """Their sum."""

    @property
    def count(self) -> int:
        """All observations."""
        return sum(self.counts)

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


def _by_label() -> Counter[str]:
    return Counter()


@dataclass(slots=True, kw_only=True)
class Counters:
    """Totals since the start and, where `metrics` says gauge, what is now; what each means is said there."""

    phoenix_connections_total: int = 0
    phoenix_channel_joined_total: Counter[str] = field(default_factory=_by_label)
    realtime_connections_connected: int = 0
    realtime_connections_opened: int = 0
    realtime_handshakes_refused: int = 0
    realtime_channel_joins: int = 0
    realtime_channel_error: Counter[str] = field(default_factory=_by_label)
    realtime_channel_events: int = 0
    realtime_channel_presence_events: int = 0
    realtime_channel_db_events: int = 0
    realtime_channel_db_messages_written: int = 0
    realtime_channel_output_bytes: int = 0
    realtime_slow_readers_closed: int = 0
    realtime_malformed_messages: int = 0
    realtime_subscriptions_manager_subscribers: int = 0
    realtime_replication_rows: int = 0
    realtime_replication_rows_waiting: int = 0
    realtime_replication_batches: int = 0
    realtime_replication_reconnects: int = 0
    realtime_replication_poller_query_duration: Histogram = field(default_factory=lambda: Histogram(QUERY_BUCKETS_MS))
    realtime_replication_poller_changes_skip: Counter[str] = field(default_factory=_by_label)
    realtime_replication_poller_stop_total: Counter[str] = field(default_factory=_by_label)
    realtime_replication_poller_exception_total: int = 0
    realtime_replication_poller_query_exception_total: Counter[str] = field(default_factory=_by_label)
    realtime_replication_poller_prepare_exception_total: int = 0
    realtime_rls_checks: int = 0
    realtime_rls_granted: int = 0
    realtime_rls_policy_failures: int = 0
