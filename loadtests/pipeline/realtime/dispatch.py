"""From rows to sockets: match, ask row-level security, write frames, in commit order for every subscriber.

While one batch is being asked, the next rows collect, so the batches grow with the load and each costs one call.
Everything that waits is passed in; this decides what is asked and who is written to.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from loadtests.pipeline.realtime.audiences import Audience, Audiences, Listener, Matched, matched
from loadtests.pipeline.realtime.authorizer import Questions, Rights
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.filters import Text, TypedCondition
from loadtests.pipeline.realtime.frames import Frames, Line, shown_columns
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.pgoutput import Relation, Row
from loadtests.pipeline.realtime.records import filter_columns
from loadtests.pipeline.realtime.tables import Table
from loadtests.pipeline.realtime.tampering import Tampering

Describe = Callable[[Relation], Awaitable[Table]]
Authorize = Callable[[Table, Questions, Iterable[str]], Awaitable[Rights]]

_RATE_LIMITED = "rate_limited"
ROWS_PER_BATCH = 200
"""Bounds what is written to one socket at once, far below what makes a reader slow."""


class Answers(Protocol):
    """Comparisons that only the database can make."""

    def knows(self, condition: TypedCondition, text: str) -> bool:
        """Whether there is an answer, or will never be one."""

    def answer(self, condition: TypedCondition, text: str) -> bool | None:
        """Return it."""

    async def learn(self, questions: Iterable[tuple[TypedCondition, str]]) -> None:
        """Get the answers."""


@dataclass(slots=True)
class _Delivery:
    """What one audience may get of a batch."""

    members: tuple[Listener, ...]
    """Those who were subscribed when the rows were matched: a row is never lost to, or repeated by, a refresh."""
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """A row and those who asked for it."""

    table: Table
    row: Row
    audiences: dict[Audience, tuple[Matched, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A batch of rows that has been matched and asked about, and not yet written."""

    row_count: int
    checks: int
    """(Row, subscriber) pairs that matched: what the real server asks row-level security about."""
    deliveries: dict[Audience, _Delivery]
    """What each audience may see."""

    @property
    def messages(self) -> int:
        """Receivers, once for each matching binding: what the real server counts against its limit."""
        return sum(
            len(line.ids) * len(delivery.members) for delivery in self.deliveries.values() for line in delivery.lines
        )


class Dispatcher:
    """Deliver rows to the audiences that asked for them and may see them, within the plan's limit."""

    def __init__(
        self,
        audiences: Audiences,
        *,
        describe: Describe,
        authorize: Authorize,
        comparisons: Answers,
        limits: Limits,
        counters: Counters,
        now_ns: Callable[[], int],
    ) -> None:
        self._audiences = audiences
        self._describe = describe
        self._authorize = authorize
        self._comparisons = comparisons
        self._limits = limits
        self._counters = counters
        self._now_ns = now_ns
        self.tampering = Tampering(audiences)
        """The faults that concern messages."""
        self.flows = asyncio.Event()
        """Set unless a fault holds all changes back."""
        self.flows.set()
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
        """Take rows from a feed that does not wait for their delivery."""
        self._waiting.extend(self.heard(rows))
        if self._waiting:
            self._wake.set()

    def heard(self, rows: Iterable[Row]) -> list[Row]:
        """Count rows that were read; return those of tables that somebody listens to."""
        read = list(rows)
        self._counters.realtime_replication_rows += len(read)
        return [row for row in read if self._audiences.concerns((row.relation.schema, row.relation.table))]

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
            self.write(await self.ask(batch))
            self.is_delivering = False

    async def ask(self, batch: list[Row]) -> Answered:
        """Match rows against the subscriptions in force now, and ask who may see them."""
        await self.flows.wait()
        for row in batch:
            if row.relation not in self._tables:
                self._tables[row.relation] = await self._describe(row.relation)
        columns = [filter_columns(row) for row in batch]
        await self._compare(batch, columns)
        matches = [self._match(row, values) for row, values in zip(batch, columns, strict=True)]
        checks = sum(len(audience.members()) for match in matches for audience in match.audiences)
        if checks:
            self._counters.realtime_replication_batches += 1
        deliveries = {audience: _Delivery(audience.members()) for match in matches for audience in match.audiences}
        rights = {table: await self._rights(table, matches) for table in {match.table: None for match in matches}}
        for match in matches:
            self._tell(match, rights[match.table], deliveries)
        return Answered(row_count=len(batch), checks=checks, deliveries=deliveries)

    def write(self, answered: Answered) -> None:
        """Write to everybody who may see a row; beyond the plan's limit all of it is discarded, and nobody told."""
        messages, now_ns = answered.messages, self._now_ns()
        is_withheld = self._limits.withholds_changes(now_ns)  # asked at each poll: the mean begins with the first
        if not messages:
            return
        if is_withheld:
            self._counters.realtime_replication_poller_changes_skip[_RATE_LIMITED] += answered.row_count
            return
        if self.tampering.discards_all:
            self._counters.realtime_replication_poller_changes_skip[_RATE_LIMITED] += answered.row_count
        self._limits.delivered(now_ns, messages)
        self._counters.realtime_channel_db_events += messages
        self._write(answered)

    async def _compare(self, batch: list[Row], columns: list[dict[str, Text]]) -> None:
        """Have the database compare what only it can; again, if meanwhile somebody came who asks for more."""
        while self._audiences.ask_the_database:
            missing = [
                question
                for row, values in zip(batch, columns, strict=True)
                for question in self._audiences.undecided(self._tables[row.relation].name, row.kind, values)
                if not self._comparisons.knows(*question)
            ]
            if not missing:
                return
            await self._comparisons.learn(missing)

    def _match(self, row: Row, columns: dict[str, Text]) -> _Match:
        table = self._tables[row.relation]
        audiences = self._audiences.match(table.name, row.kind, columns, self._comparisons.answer)
        return _Match(table=table, row=row, audiences=audiences)

    async def _rights(self, table: Table, matches: list[_Match]) -> Rights:
        """Ask what may be shown of a table's rows: each (row, claims) pair once, and each listening role."""
        questions: dict[Claims, dict[Row, None]] = {}
        for match in matches:
            if match.table is table:
                for audience in match.audiences:
                    rows = questions.setdefault(audience.key.claims, {})
                    if match.row.new is not None:  # a deleted row cannot be looked up
                        rows[match.row] = None
        rows_of = {claims: list(rows) for claims, rows in questions.items()}
        rights = await self._authorize(table, rows_of, self._audiences.roles(table.name))
        self._counters.realtime_rls_checks += sum(map(len, rows_of.values()))  # once they are answered
        self._counters.realtime_rls_granted += len(rights.granted)
        return rights

    def _tell(self, match: _Match, rights: Rights, deliveries: dict[Audience, _Delivery]) -> None:
        """Add a row to what each audience gets of it: the row, or that there was one that its role may not select."""
        table, row = match.table, match.row
        refused = _refused(table, rights) if row.new is not None else frozenset()
        for audience, found in match.audiences.items():
            claims = audience.key.claims
            if claims.role in refused or not rights.sees(claims, row):
                continue
            for select, ids in found:
                shown = shown_columns(table, rights, claims.role, select)
                deliveries[audience].lines.append(Line(table, row, ids, shown, rights.has_row_security))
        if refused:
            self._tell_refused(match, refused, deliveries)

    def _tell_refused(self, match: _Match, refused: frozenset[str], deliveries: dict[Audience, _Delivery]) -> None:
        """Tell everybody of these roles; filters do not count, as on the real server: there is nothing to see."""
        table, row = match.table, match.row
        for audience in self._audiences.listening(table.name):
            if audience.key.claims.role in refused:
                bindings = audience.key.bindings
                hearing = {one for one in bindings if one.table == table.name and one.hears(row.kind)}
                for _, ids in matched(bindings, hearing):
                    delivery = deliveries.setdefault(audience, _Delivery(audience.members()))
                    delivery.lines.append(Line(table, row, ids, None, has_row_security=False))

    def _write(self, answered: Answered) -> None:
        """Write each audience's frames, joined, to each of its members; equal frames are built once."""
        frames = Frames()
        is_tampered_with = bool(self.tampering)
        for audience, delivery in answered.deliveries.items():
            if is_tampered_with:
                for member in delivery.members:
                    self.tampering.deliver(frames, audience, delivery.lines, member)
                continue
            key = audience.key
            parts = [
                frames.frame(line, vsn=key.vsn, topic=key.topic, is_legacy=key.is_legacy) for line in delivery.lines
            ]
            if parts:
                joined = b"".join(parts)
                for member in delivery.members:
                    member.deliver(joined, len(parts))


def _refused(table: Table, rights: Rights) -> frozenset[str]:
    """Return the roles that may not know a row by its key, which nobody may if there is none."""
    if not table.primary_key:
        return rights.roles
    return frozenset(role for role in rights.roles if not rights.may_select(role, table.key_positions))
