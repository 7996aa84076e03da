"""The edge to asyncpg: how the pool is set up, and what its failures are called.

Must not know any table.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg

Row: TypeAlias = Mapping[str, Any] | asyncpg.Record
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

# The driver's "internal" error is what an idle connection raises whose server said goodbye a moment ago.
UNAVAILABLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a statement raises when the database refuses it or cannot be reached."""

VALUE_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What a statement raises when a value that the caller sent is against a constraint."""


async def open_pool(url: str, *, size: int) -> Pool:
    """Open `size` connections that stay open, with prepared statements that stay prepared."""
    return await asyncpg.create_pool(
        url,
        min_size=size,
        max_size=size,
        max_queries=2**62,
        max_inactive_connection_lifetime=0,
        max_cached_statement_lifetime=0,
        reset=_nothing_to_reset,
        server_settings={"application_name": "jobs API"},
    )


async def _nothing_to_reset(_connection: object) -> None:
    # No statement of ours leaves session state behind, and the driver's own reset costs a round trip per request.
    return
