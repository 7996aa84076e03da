"""What the API does between requests: exports, old rows, and events held for the next minute.

Each is a loop that outlives an outage of the database; a defect ends the process, so that it is seen.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loadtests.pipeline.api.coalescing import MINUTE_NS
from loadtests.pipeline.api.database import UNAVAILABLE, Connection
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.export_worker import prepare_exports
from loadtests.pipeline.retention import remove_old_rows

_log = logging.getLogger(__name__)


@asynccontextmanager
async def background_work(api: Api) -> AsyncIterator[None]:
    """Do it all while the body runs; then store the events that are still held."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(prepare_exports(api))]
        if api.options.retention_every_s:
            tasks.append(group.create_task(_remove_old_rows(api)))
        if api.options.event_limit == "coalesce":
            tasks.append(group.create_task(_emit_held_events(api)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
    if api.emission.held:
        await _with_connection(api, api.emission.emit_rest, "held events are lost")


async def _remove_old_rows(api: Api) -> None:
    async def remove(connection: Connection) -> None:
        removed = await remove_old_rows(connection, api.options.retention_hours)
        api.removed_events += removed.events

    while True:
        await asyncio.sleep(api.options.retention_every_s)
        await _with_connection(api, remove, "old rows stay for now")


async def _emit_held_events(api: Api) -> None:
    while True:
        await asyncio.sleep((MINUTE_NS - api.wall_ns() % MINUTE_NS) / 1e9)
        await _with_connection(api, api.emission.emit_due, "held events wait for another minute")


async def _with_connection(api: Api, act: Callable[[Connection], Awaitable[None]], otherwise: str) -> None:
    """Act on a connection; if the database is out of reach, say in the log what that means."""
    try:
        async with api.pool.acquire() as connection:
            await act(connection)
    except UNAVAILABLE as error:
        _log.warning("%s: %s", otherwise, str(error) or type(error).__name__)
