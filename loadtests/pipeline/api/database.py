"""The edge to asyncpg: how the pool is set up, and what its failures are called.

Must not know any table.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg

from loadtests.pipeline.api.sessions import DriverConnection, Session, Sessions

Row: TypeAlias = Mapping[str, Any] | asyncpg.Record
Pool: TypeAlias = Sessions
Connection: TypeAlias = Session

# The driver's "internal" error is what an idle connection raises whose server said goodbye a moment ago.
UNAVAILABLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a statement raises when the database refuses it or cannot be reached."""

VALUE_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What a statement raises when a value that the caller sent is against a constraint."""


async def open_pool(url: str, *, size: int, name: str = "jobs API") -> Pool:
    """Open `size` connections called `name`, which stay open, with prepared statements that stay prepared."""

    async def connect() -> DriverConnection:
        settings = {"application_name": name}
        return await asyncpg.connect(url, max_cached_statement_lifetime=0, server_settings=settings)

    return await Sessions.open(connect, size=size)
