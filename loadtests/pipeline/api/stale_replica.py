"""A read replica that lags: transactions that were opened a while ago and still see what there was then.

The database itself keeps the past, so an answer from it is whole and consistent. Knows nothing of what is asked.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from loadtests.pipeline.api.database import UNAVAILABLE, Connection
from loadtests.pipeline.api.sessions import DriverConnection, Session
from loadtests.pipeline.faults.kinds import StaleReads

STEPS: Final = 4
"""Snapshots within the lag: answers are as old as it says, and up to a fourth older."""
_SHORTEST_STEP_S: Final = 0.02
_BEGIN: Final = "begin isolation level repeatable read read only; select 1"

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Snapshot:
    """A session whose transaction sees the database as it was."""

    connection: DriverConnection
    session: Session
    taken_ns: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One statement at a time."""


class StaleReplica:
    """The database as it was a while ago."""

    def __init__(
        self,
        database_url: str,
        fault: StaleReads,
        *,
        note: Callable[..., None],
        exhausted: Callable[[], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._database_url = database_url
        self._lag_ns = round(fault.ms * 1e6)
        self._left = fault.count
        self._note = note
        self._exhausted = exhausted
        self._now_ns = now_ns
        self._snapshots: deque[_Snapshot] = deque()
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="stale replica")

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection | None]":
        """Lend a session that sees the past; None until there is a past, and when the database is away."""
        old_enough = [one for one in self._snapshots if self._is_old(one)]
        if not old_enough or self._left == 0:
            yield None
            return
        newest = old_enough[-1]
        async with newest.lock:
            yield None if newest.connection.is_closed() else newest.session

    def served(self, request_id: str, user: str) -> bool:
        """Account for one answer from the past; False if there have been enough."""
        if self._left == 0:
            return False
        self._note(request_id=request_id, channel=user)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._exhausted()
        return True

    def close(self) -> None:
        """Take no more snapshots, and end the sessions."""
        self._task.cancel()

    def _is_old(self, snapshot: _Snapshot) -> bool:
        return self._now_ns() - snapshot.taken_ns >= self._lag_ns

    async def _keep(self) -> None:
        try:
            while True:
                await self._take()
                await asyncio.sleep(max(_SHORTEST_STEP_S, self._lag_ns / 1e9 / STEPS))
        except UNAVAILABLE as error:
            _log.warning("no more answers from the past: %s", error)
        finally:
            for snapshot in self._snapshots:
                snapshot.connection.terminate()

    async def _take(self) -> None:
        """Take a snapshot, with the session of one that has been superseded if there is such a one."""
        snapshot = await self._superseded()
        if snapshot is None:
            settings = {"application_name": "stale replica"}
            connection = await asyncpg.connect(self._database_url, server_settings=settings)
            snapshot = _Snapshot(connection=connection, session=Session(connection))
        snapshot.taken_ns = self._now_ns()
        self._snapshots.append(snapshot)
        await snapshot.connection.execute(_BEGIN)
        snapshot.taken_ns = self._now_ns()

    async def _superseded(self) -> _Snapshot | None:
        if len(self._snapshots) < 2 or not self._is_old(self._snapshots[1]):
            return None
        snapshot = self._snapshots.popleft()
        async with snapshot.lock:  # somebody may be reading from it
            await snapshot.connection.execute("rollback")
        return snapshot
