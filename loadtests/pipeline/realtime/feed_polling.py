"""The change feed as Supabase has it: one poller, one temporary slot, a cadence, and what that loses.

It runs while somebody is subscribed: the first subscriber waits for a cold start, ten minutes without any end it.
Rows are matched and checked when they are polled, against the subscriptions and the rows of that moment; with the
connection the slot goes, and with it everything until the next one. When to do what is `pacing`'s to say.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg

from loadtests.pipeline.realtime.audiences import Audiences
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.database import SESSION, UNREACHABLE, condition_name
from loadtests.pipeline.realtime.dispatch import Answered, Dispatcher
from loadtests.pipeline.realtime.feed import FeedLost
from loadtests.pipeline.realtime.pacing import (
    COLD_START_S,
    POLL_CHANGES,
    POLLER_START_S,
    REFRESH_S,
    Backoff,
    IdleWatch,
    PollCost,
    PollOutcome,
    Random,
    between,
    pause_s,
)
from loadtests.pipeline.realtime.pgoutput import Decoder, Row

_MESSAGES_PER_ROW: Final = 4
"""Begin, relation, row, commit: what a transaction of one row is at most."""
_CREATE: Final = "select pg_create_logical_replication_slot($1, 'pgoutput', true)"
_CHANGES: Final = """
    select data
    from pg_logical_slot_get_binary_changes($1, null, $2, 'proto_version', '1', 'publication_names', $3)
"""
_TROUBLE: Final = (*UNREACHABLE, asyncpg.PostgresError)

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class SlotRefused(FeedLost):
    """There is no slot to lose yet: the database cannot be reached, or makes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The clock and the dice of a feed."""

    now_ns: Callable[[], int]
    random: Random


class PollingFeed:
    """Poll the write-ahead log as the real server does."""

    def __init__(
        self,
        database_url: str,
        *,
        publication: str,
        audiences: Audiences,
        dispatcher: Dispatcher,
        cost: PollCost,
        counters: Counters,
        surroundings: Surroundings,
    ) -> None:
        self.live = asyncio.Event()
        self.reconnects = 0
        self._database_url = database_url
        self._publication = publication
        self._audiences = audiences
        self._dispatcher = dispatcher
        self._cost = cost
        self._counters = counters
        self._now_ns = surroundings.now_ns
        self._random = surroundings.random
        self._wanted = asyncio.Event()
        self._waiting = 0
        self._idle = IdleWatch(self._now_ns())
        self._slots_made = 0

    async def ready(self) -> None:
        """Make sure that a slot can be had; none is kept before somebody subscribes.

        Raises:
            ConnectionError: it cannot.

        """
        async with self._slot():
            pass

    async def admit(self, *, is_refresh: bool) -> None:
        """Return when a subscription may be put in force, or its claims be replaced: as late as the real server."""
        self._idle.used(self._now_ns())
        self._waiting += 1
        self._wanted.set()
        try:
            if is_refresh:
                await asyncio.sleep(between(REFRESH_S, self._random))
            elif not self.live.is_set():
                await asyncio.sleep(between(COLD_START_S, self._random))
            await self.live.wait()
        finally:
            self._waiting -= 1

    async def run(self) -> None:
        """Poll until cancelled, whenever there is somebody to poll for."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(between(POLLER_START_S, self._random))
            self._idle.used(self._now_ns())
            try:
                await self._serve()
            finally:
                self.live.clear()
            if not self._waiting:
                self._wanted.clear()

    async def _serve(self) -> None:
        """Poll, through lost connections, until nobody is subscribed or the database stays away for too long."""
        backoff = Backoff(self._random)
        while not backoff.is_exhausted:
            try:
                async with self._slot() as slot:
                    self.live.set()
                    await self._poll(slot, backoff)
                    self._counters.realtime_replication_poller_stop_total["shutdown"] += 1
                    return
            except FeedLost as error:
                self.live.clear()
                self.reconnects += 1
                self._count(error)
                log.warning("the slot is lost, changes until there is a new one are lost too: %s", error)
                await asyncio.sleep(backoff.failed())
        # By the source of v2.129.8 the channels are not told, and hear nothing until a fresh token or another join.
        log.error("the poller gives up; %d subscriptions are deaf now", self._audiences.listener_count)
        self._counters.realtime_replication_poller_stop_total["max_retries_reached"] += 1
        self._audiences.clear()

    def _count(self, failure: FeedLost) -> None:
        """Count a failure as the real poller does: by whether there was a slot to read."""
        if isinstance(failure, SlotRefused):
            self._counters.realtime_replication_poller_prepare_exception_total += 1
        else:
            self._counters.realtime_replication_poller_query_exception_total[failure.condition] += 1

    async def _poll(self, slot: "_Slot", backoff: Backoff) -> None:
        """Poll until nobody has been subscribed for ten minutes; raises FeedLost."""
        while not self._idle.is_over(self._now_ns(), subscribers=self._audiences.listener_count):
            began_ns = self._now_ns()
            rows = await slot.take()
            backoff.succeeded()
            answered = await slot.unless_lost(self._dispatcher.ask(self._dispatcher.heard(rows)))
            takes_s = self._cost.seconds(rows=len(rows), checks=answered.checks)
            await asyncio.sleep(takes_s - (self._now_ns() - began_ns) / 1e9)
            self._counters.realtime_replication_poller_query_duration.observe((self._now_ns() - began_ns) / 1e6)
            self._dispatcher.write(answered)
            await asyncio.sleep(pause_s(_outcome(rows, answered), self._random))

    @asynccontextmanager
    async def _slot(self) -> "AsyncIterator[_Slot]":
        """Hold a connection with a fresh slot; raises FeedLost."""
        self._slots_made += 1
        name = f"realtime_poll_{os.getpid()}_{self._slots_made}"
        settings = {**SESSION, "application_name": "realtime_poll"}
        try:
            connection = await asyncpg.connect(self._database_url, server_settings=settings)
        except _TROUBLE as error:
            raise SlotRefused(f"the database cannot be reached: {error!r}") from error
        try:
            yield await _Slot.create(connection, name=name, publication=self._publication)
        finally:
            connection.terminate()  # the server drops a temporary slot with its session


class _Slot:
    """A temporary slot and the rows that were read from it and are not due yet."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", *, name: str, publication: str) -> None:
        self._connection = connection
        self._name = name
        self._publication = publication
        self._decoder = Decoder(repeats=True)  # each reading of a slot is a stream of its own
        self._transactions: deque[list[Row]] = deque()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.add_termination_listener(self._on_terminated)

    @classmethod
    async def create(cls, connection: "asyncpg.Connection[asyncpg.Record]", *, name: str, publication: str) -> "_Slot":
        """Make the slot; waits for transactions in progress. Raises FeedLost."""
        try:
            await connection.execute(_CREATE, name)
        except _TROUBLE as error:
            raise SlotRefused(f"no slot can be made: {error!r}") from error
        return cls(connection, name=name, publication=publication)

    async def take(self) -> list[Row]:
        """Return the next rows: whole transactions, and no further one after 100 rows. Raises FeedLost.

        The database counts messages where the real server's decoder counts rows, so a few more are read ahead.
        They are neither matched nor checked before they are taken.
        """
        missing = POLL_CHANGES - sum(map(len, self._transactions))
        if missing > 0:
            self._transactions.extend(await self._fetch(missing * _MESSAGES_PER_ROW))
        rows: list[Row] = []
        while self._transactions and len(rows) < POLL_CHANGES:
            rows += self._transactions.popleft()
        return rows

    async def unless_lost(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the work's result; raises FeedLost if the connection ends first, which ends the work too."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._lost), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise FeedLost("the connection ended while rows were being checked")
        finally:
            task.cancel()

    async def _fetch(self, messages: int) -> list[list[Row]]:
        try:
            records = await self._connection.fetch(_CHANGES, self._name, messages, self._publication)
        except _TROUBLE as error:
            condition = condition_name(error) if isinstance(error, asyncpg.PostgresError) else "other"
            raise FeedLost(repr(error), condition=condition) from error
        transactions: dict[int, list[Row]] = {}
        for (message,) in records:
            row = self._decoder.feed(message)
            if row is not None:
                transactions.setdefault(row.xid, []).append(row)
        return list(transactions.values())

    def _on_terminated(self, _connection: object) -> None:
        if not self._lost.done():
            self._lost.set_result(None)


def _outcome(rows: list[Row], answered: Answered) -> PollOutcome:
    if not rows:
        return PollOutcome.EMPTY
    return PollOutcome.DELIVERED if answered.messages else PollOutcome.UNHEARD
