"""What the server counts, under the names that Supabase Realtime's `/metrics` uses where it has them.

Plain numbers; knows nothing of who counts.
"""

from dataclasses import dataclass, field, fields


@dataclass(slots=True, kw_only=True)
class Counters:
    """Totals since the start, except where a name says `connected`, `subscribers` or `waiting`."""

    realtime_connections_connected: int = 0
    """Open sockets."""
    phoenix_connections_total: int = 0
    """Sockets ever opened."""
    realtime_handshakes_refused: int = 0
    realtime_channel_joins: int = 0
    """Joins that were answered with ok."""
    realtime_channel_joins_refused: int = 0
    realtime_channel_db_events: int = 0
    """Change messages written to sockets."""
    realtime_channel_output_bytes: int = 0
    """WebSocket bytes of those."""
    realtime_slow_readers_closed: int = 0
    realtime_malformed_messages: int = 0
    realtime_subscriptions_manager_subscribers: int = 0
    """Channels with a subscription in force."""
    realtime_replication_rows: int = 0
    """Rows read from the database."""
    realtime_replication_rows_waiting: int = 0
    """Of those, not yet begun with."""
    realtime_replication_batches: int = 0
    realtime_replication_poller_query_duration_count: int = 0
    """Polls of the feed that polls."""
    realtime_replication_poller_changes_skip: int = field(default=0, metadata={"labels": '{reason="rate_limited"}'})
    """Rows discarded because the project was over its messages limit."""
    realtime_rls_checks: int = 0
    """(Row, claims) pairs that were asked."""
    realtime_rls_granted: int = 0
    realtime_rls_policy_failures: int = 0
    realtime_replication_reconnects: int = 0

    def to_prometheus(self) -> bytes:
        """Return the text exposition format."""
        lines = [f"{one.name}{one.metadata.get('labels', '')} {getattr(self, one.name)}" for one in fields(self)]
        return "\n".join([*lines, ""]).encode()
