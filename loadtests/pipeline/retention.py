"""Removing what nobody needs any more: events and notifications beyond their age, a batch at a time.

Events keep flowing meanwhile: each batch is a transaction of its own, and short. Knows the database's functions,
not who runs them or how often.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

BATCH = 10_000
_EVENTS = "select public.cleanup_old_realtime_events($1, $2)"
_NOTIFICATIONS = "select public.cleanup_old_push_notifications($1, $2)"


class Connection(Protocol):
    """The part of a database connection that is needed here."""

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Return the one value of the one row."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows went."""

    events: int
    notifications: int


async def remove_old_rows(connection: Connection, keep_hours: float, *, batch: int = BATCH) -> Removed:
    """Remove all events and notifications older than `keep_hours`; return how many there were."""
    keep = timedelta(hours=keep_hours)
    return Removed(
        events=await _remove(connection, _EVENTS, keep, batch),
        notifications=await _remove(connection, _NOTIFICATIONS, keep, batch),
    )


async def _remove(connection: Connection, statement: str, keep: timedelta, batch: int) -> int:
    removed = 0
    while True:
        count: int = await connection.fetchval(statement, keep, batch)
        removed += count
        if count < batch:
            return removed
