"""Who hears what: the subscriptions in force, and the audiences that one row concerns.

Channels with the same topic, serialization, bindings and claims form one audience: a row is matched, checked and
written into a frame once for all of them. Pure bookkeeping; delivery and row-level security are others' business.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from loadtests.pipeline.realtime.bindings import ANY
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.filters import ABSENT, Text, TypedCondition
from loadtests.wire.phoenix import Vsn

TableName = tuple[str, str]
"""Schema and table."""

Select = tuple[str, ...] | None
"""The columns that a binding wants besides the primary key, sorted; None wants all."""

Compare = Callable[[TypedCondition, str], bool | None]
"""PostgreSQL's answers, where only PostgreSQL can compare."""


class Listener(Protocol):
    """A channel on an open socket."""

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` finished WebSocket frames at once."""


class Matched(NamedTuple):
    """What one message to a channel shows."""

    select: Select
    ids: tuple[int, ...]
    """The channel's matching bindings with this `select`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBinding:
    """A binding on one table, checked against the catalog; a wildcard becomes one for each published table."""

    id: int
    event: str
    table: TableName
    conditions: tuple[TypedCondition, ...]
    select: Select = None

    def hears(self, kind: str) -> bool:
        """Whether rows of this kind are asked for at all."""
        return self.event in (kind, ANY)

    def matches(self, kind: str, columns: Mapping[str, Text], compare: Compare) -> bool:
        """Whether a row of this kind with these columns is asked for; a column that is not there is not."""
        return self.hears(kind) and all(
            condition.holds(columns.get(condition.column, ABSENT), compare) for condition in self.conditions
        )

    def undecided(self, kind: str, columns: Mapping[str, Text]) -> Iterator[tuple[TypedCondition, str]]:
        """Yield the comparisons that only the database can make and that `matches` will need."""
        if not self.hears(kind):
            return
        for condition in self.conditions:
            value = columns.get(condition.column)
            if condition.is_for_the_database and isinstance(value, str):
                yield condition, value

    @property
    def indexed(self) -> tuple[str, str] | None:
        """A column and the text that it must have, if one of the conditions says so."""
        for condition in self.conditions:
            if condition.indexed_value is not None:
                return condition.column, condition.indexed_value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceKey:
    """What the members of an audience have in common."""

    topic: str
    vsn: Vsn
    bindings: tuple[TableBinding, ...]
    claims: Claims
    is_legacy: bool = False
    """Joined without `config`: changes come under their own kind's name and without ids."""

    @property
    def asks_the_database(self) -> bool:
        """Whether a condition is among the bindings that only the database can compare."""
        return any(condition.is_for_the_database for binding in self.bindings for condition in binding.conditions)


class Audience:
    """The channels that get the same frames."""

    __slots__ = ("_members", "_snapshot", "key")

    def __init__(self, key: AudienceKey) -> None:
        self.key = key
        self._members: dict[Listener, None] = {}
        self._snapshot: tuple[Listener, ...] | None = None

    def members(self) -> tuple[Listener, ...]:
        """Return the members now; a batch under way keeps those that it was matched for."""
        if self._snapshot is None:
            self._snapshot = tuple(self._members)
        return self._snapshot

    def add(self, listener: Listener) -> None:
        """Let a channel in."""
        self._members[listener] = None
        self._snapshot = None

    def remove(self, listener: Listener) -> bool:
        """Let a channel go; return whether nobody is left."""
        del self._members[listener]
        self._snapshot = None
        return not self._members


Entries = dict[tuple[Audience, TableBinding], None]
"""An insertion-ordered set: ids come in the order of the bindings."""


@dataclass(frozen=True, slots=True)
class _TableIndex:
    by_value: dict[str, dict[str, Entries]] = field(default_factory=dict)
    """Column, then its text: the bindings that ask for exactly this text."""
    others: Entries = field(default_factory=dict)
    audiences: dict[Audience, None] = field(default_factory=dict)
    roles: Counter[str] = field(default_factory=Counter)
    """How many audiences each role has."""

    def enter(self, audience: Audience) -> None:
        if audience not in self.audiences:
            self.audiences[audience] = None
            self.roles[audience.key.claims.role] += 1

    def leave(self, audience: Audience) -> None:
        if audience in self.audiences:
            del self.audiences[audience]
            role = audience.key.claims.role
            self.roles[role] -= 1
            if not self.roles[role]:
                del self.roles[role]

    def candidates(self, columns: Mapping[str, Text]) -> Iterator[tuple[Audience, TableBinding]]:
        for column, values in self.by_value.items():
            value = columns.get(column)
            if isinstance(value, str):
                yield from values.get(value, _NOBODY)
        yield from self.others


_NOBODY: Final[Entries] = {}


class Audiences:
    """All audiences, found by the table and columns of a row."""

    def __init__(self) -> None:
        self._by_key: dict[AudienceKey, Audience] = {}
        self._by_listener: dict[Listener, Audience] = {}
        self._tables: dict[TableName, _TableIndex] = {}
        self._asking = 0

    @property
    def listener_count(self) -> int:
        """Channels with a subscription in force."""
        return len(self._by_listener)

    @property
    def ask_the_database(self) -> bool:
        """Whether there is any condition that only the database can compare."""
        return self._asking > 0

    def put(self, listener: Listener, key: AudienceKey) -> None:
        """Subscribe a channel, in place of what it was subscribed to."""
        self.drop(listener)
        audience = self._by_key.get(key)
        if audience is None:
            audience = self._by_key[key] = Audience(key)
            self._asking += key.asks_the_database
            for binding in key.bindings:
                self._entries(binding)[audience, binding] = None
                self._tables[binding.table].enter(audience)
        audience.add(listener)
        self._by_listener[listener] = audience

    def drop(self, listener: Listener) -> None:
        """End a channel's subscription, if it has one."""
        audience = self._by_listener.pop(listener, None)
        if audience is None or not audience.remove(listener):
            return
        del self._by_key[audience.key]
        self._asking -= audience.key.asks_the_database
        for binding in audience.key.bindings:
            # The same binding may stand twice in one join; its entry is gone with the first.
            self._entries(binding).pop((audience, binding), None)
            self._tables[binding.table].leave(audience)
            self._forget_empty(binding)

    def clear(self) -> None:
        """End every subscription."""
        for listener in tuple(self._by_listener):
            self.drop(listener)

    def concerns(self, table: TableName) -> bool:
        """Whether anybody listens to this table."""
        return table in self._tables

    def listening(self, table: TableName) -> tuple[Audience, ...]:
        """Return all audiences with a binding on this table."""
        index = self._tables.get(table)
        return () if index is None else tuple(index.audiences)

    def roles(self, table: TableName) -> frozenset[str]:
        """Return the roles of all who have a binding on this table."""
        index = self._tables.get(table)
        return frozenset() if index is None else frozenset(index.roles)

    def undecided(
        self, table: TableName, kind: str, columns: Mapping[str, Text]
    ) -> Iterator[tuple[TypedCondition, str]]:
        """Yield the comparisons that only the database can make and that `match` will need for this row."""
        index = self._tables.get(table)
        if index is not None:
            for _, binding in index.candidates(columns):
                yield from binding.undecided(kind, columns)

    def match(
        self, table: TableName, kind: str, columns: Mapping[str, Text], compare: Compare
    ) -> dict[Audience, tuple[Matched, ...]]:
        """Return the audiences that asked for this row, each with what it gets: one message for each `select`."""
        index = self._tables.get(table)
        if index is None:
            return {}
        matching: dict[Audience, set[TableBinding]] = {}
        for audience, binding in index.candidates(columns):
            if binding.matches(kind, columns, compare):
                matching.setdefault(audience, set()).add(binding)
        return {audience: matched(audience.key.bindings, found) for audience, found in matching.items()}

    def _entries(self, binding: TableBinding) -> Entries:
        index = self._tables.setdefault(binding.table, _TableIndex())
        if binding.indexed is None:
            return index.others
        column, value = binding.indexed
        return index.by_value.setdefault(column, {}).setdefault(value, {})

    def _forget_empty(self, binding: TableBinding) -> None:
        index = self._tables.get(binding.table)
        if index is None:
            return
        if binding.indexed is not None:
            column, value = binding.indexed
            values = index.by_value.get(column, {})
            if not values.get(value, True):
                del values[value]
            if not values:
                index.by_value.pop(column, None)
        if not index.by_value and not index.others:
            del self._tables[binding.table]


def matched(bindings: Iterable[TableBinding], found: Container[TableBinding]) -> tuple[Matched, ...]:
    """Return the ids of the bindings that were found, apart for each `select`.

    Ids come in the join's order; a binding asked for twice has its id twice, as on the real server. So does the
    order of the messages: everything first, then the selections by their names.
    """
    ids: dict[Select, list[int]] = {}
    for binding in bindings:
        if binding in found:
            ids.setdefault(binding.select, []).append(binding.id)
    if len(ids) == 1:
        ((select, only),) = ids.items()
        return (Matched(select, tuple(only)),)
    return tuple(Matched(select, tuple(ids[select])) for select in sorted(ids, key=lambda one: ",".join(one or ())))
