"""How the server's parts hold on to the database: the settings of their sessions, and patience when it is away."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg

SESSION: Final = {"timezone": "UTC", "datestyle": "ISO", "intervalstyle": "postgres", "extra_float_digits": "1"}
"""Settings of every session whose text forms meet: filter values, and the rows of the walsender."""

RETRY_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to reach the database, the last one repeated."""

UNREACHABLE: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # how the driver says that an idle session was ended the moment before it was used
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it is shutting down, starting up, or an administrator ended the session
    asyncpg.InsufficientResourcesError,  # it has no connection left, or no memory
)

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


async def until_reachable(ask: Callable[[], Awaitable[Answer]], what: str) -> Answer:
    """Return the answer of `ask`, asking again for as long as the database cannot be reached."""
    attempt = 0
    while True:
        try:
            return await ask()
        except UNREACHABLE as error:
            log.warning("%s: the database cannot be reached, will try again: %r", what, error)
            await pause(attempt)
            attempt += 1


def condition_name(error: asyncpg.PostgresError) -> str:
    """Return an error's condition as PostgreSQL's list of error codes names it: `admin_shutdown`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).lower()


async def pause(attempt: int) -> None:
    """Wait before the next attempt; the first attempt was number 0."""
    await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
