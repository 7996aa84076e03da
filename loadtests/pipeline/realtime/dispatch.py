"""From rows to sockets: match, ask row-level security, write frames, in commit order for every subscriber.

While one batch is being asked, the next rows collect, so the batches grow with the load and each costs one call.
Everything that waits is passed in; this decides what is asked and who is written to.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from loadtests.pipeline.realtime.audiences import Audience, Audiences, Listener
from loadtests.pipeline.realtime.authorizer import Granted, Questions
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.pgoutput import Relation, Row
from loadtests.pipeline.realtime.records import change_data, filter_columns
from loadtests.pipeline.realtime.tables import Table
from loadtests.pipeline.realtime.websocket import text_frame
from loadtests.wire.changes import build_frame
from loadtests.wire.phoenix import Vsn

Describe = Callable[[Relation], Awaitable[Table]]
Authorize = Callable[[Table, Questions], Awaitable[Granted]]

ROWS_PER_BATCH = 200
"""Bounds what is written to one socket at once, far below what makes a reader slow."""


@dataclass(slots=True)
class _Delivery:
    """What one audience may get of a batch."""

    members: tuple[Listener, ...]
    """Those who were subscribed when the rows were matched: a row is never lost to, or repeated by, a refresh."""
    rows: list[tuple[Table, Row, tuple[int, ...]]] = field(default_factory=list)


class Dispatcher:
    """Deliver rows to the audiences that asked for them and may see them."""

    def __init__(self, audiences: Audiences, *, describe: Describe, authorize: Authorize, counters: Counters) -> None:
        self._audiences = audiences
        self._describe = describe
        self._authorize = authorize
        self._counters = counters
        self._tables: dict[Relation, Table] = {}
        self._waiting: deque[Row] = deque()
        self._wake = asyncio.Event()
        self.is_delivering = False
        """Whether a batch is under way."""

    @property
    def waiting_count(self) -> int:
        """Rows read and not yet begun with: grows when deliveries cannot keep up."""
        return len(self._waiting)

    def accept(self, rows: Iterable[Row]) -> None:
        """Take rows from the feed; those of tables that nobody listens to end here."""
        for row in rows:
            self._counters.realtime_replication_rows += 1
            if self._audiences.concerns((row.relation.schema, row.relation.table)):
                self._waiting.append(row)
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._wake.wait()
            batch = list(islice(self._waiting, ROWS_PER_BATCH))
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._wake.clear()
            self.is_delivering = True
            await self._deliver(batch)
            self.is_delivering = False

    async def _deliver(self, batch: list[Row]) -> None:
        for row in batch:
            if row.relation not in self._tables:
                self._tables[row.relation] = await self._describe(row.relation)
        deliveries, questions = self._match(batch)
        if not deliveries:
            return
        self._counters.realtime_replication_batches += 1
        granted: Granted = set()
        for table, asked in questions.items():
            rows_of = {claims: list(rows) for claims, rows in asked.items()}
            self._counters.realtime_rls_checks += sum(map(len, rows_of.values()))
            granted |= await self._authorize(table, rows_of)
        self._counters.realtime_rls_granted += len(granted)
        self._write(deliveries, granted)

    def _match(self, batch: list[Row]) -> tuple[dict[Audience, _Delivery], dict[Table, dict[Claims, dict[Row, None]]]]:
        """Return who asked for which rows, and what is to be asked for that: each (row, claims) pair once."""
        deliveries: dict[Audience, _Delivery] = {}
        questions: dict[Table, dict[Claims, dict[Row, None]]] = {}
        for row in batch:
            table = self._tables[row.relation]
            for audience, ids in self._audiences.match(table.name, row.kind, filter_columns(row)).items():
                delivery = deliveries.get(audience)
                if delivery is None:
                    delivery = deliveries[audience] = _Delivery(audience.members())
                delivery.rows.append((table, row, ids))
                if row.new is not None:  # a deleted row cannot be looked up: the protocol sends it unchecked
                    questions.setdefault(table, {}).setdefault(audience.key.claims, {})[row] = None
        return deliveries, questions

    def _write(self, deliveries: dict[Audience, _Delivery], granted: Granted) -> None:
        """Write each audience's frames, joined, to each of its members; equal frames are built once."""
        frames = _Frames()
        for audience, delivery in deliveries.items():
            key = audience.key
            parts = [
                frames.frame(table, row, vsn=key.vsn, topic=key.topic, ids=ids)
                for table, row, ids in delivery.rows
                if row.new is None or (key.claims, row) in granted
            ]
            if parts:
                joined = b"".join(parts)
                for member in delivery.members:
                    member.deliver(joined, len(parts))


class _Frames:
    """The frames of one batch."""

    def __init__(self) -> None:
        self._data: dict[Row, bytes] = {}
        self._frames: dict[tuple[Row, Vsn, str, tuple[int, ...]], bytes] = {}

    def frame(self, table: Table, row: Row, *, vsn: Vsn, topic: str, ids: tuple[int, ...]) -> bytes:
        """Return the finished WebSocket frame."""
        key = (row, vsn, topic, ids)
        frame = self._frames.get(key)
        if frame is None:
            data = self._data.get(row)
            if data is None:
                data = self._data[row] = change_data(table, row)
            frame = self._frames[key] = text_frame(build_frame(vsn, topic=topic, data=data, ids=ids))
        return frame
