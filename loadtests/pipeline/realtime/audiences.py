"""Who hears what: the subscriptions in force, and the audiences that one row concerns.

Channels with the same topic, serialization, bindings and claims form one audience: a row is matched, checked and
written into a frame once for all of them. Pure bookkeeping; delivery and row-level security are others' business.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from loadtests.pipeline.realtime.bindings import ANY
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.filters import Text, TypedCondition
from loadtests.wire.phoenix import Vsn

TableName = tuple[str, str]
"""Schema and table."""


class Listener(Protocol):
    """A channel on an open socket."""

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` finished WebSocket frames at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBinding:
    """A binding on one table, checked against the catalog; a wildcard becomes one for each published table."""

    id: int
    event: str
    table: TableName
    conditions: tuple[TypedCondition, ...]

    def matches(self, kind: str, columns: Mapping[str, Text]) -> bool:
        """Whether a row of this kind with these columns is asked for; a column that is not there is not."""
        return self.event in (kind, ANY) and all(
            condition.column in columns and condition.holds(columns[condition.column]) for condition in self.conditions
        )

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

    @property
    def listener_count(self) -> int:
        """Channels with a subscription in force."""
        return len(self._by_listener)

    def put(self, listener: Listener, key: AudienceKey) -> None:
        """Subscribe a channel, in place of what it was subscribed to."""
        self.drop(listener)
        audience = self._by_key.get(key)
        if audience is None:
            audience = self._by_key[key] = Audience(key)
            for binding in key.bindings:
                self._entries(binding)[audience, binding] = None
        audience.add(listener)
        self._by_listener[listener] = audience

    def drop(self, listener: Listener) -> None:
        """End a channel's subscription, if it has one."""
        audience = self._by_listener.pop(listener, None)
        if audience is None or not audience.remove(listener):
            return
        del self._by_key[audience.key]
        for binding in audience.key.bindings:
            # The same binding may stand twice in one join; its entry is gone with the first.
            self._entries(binding).pop((audience, binding), None)
            self._forget_empty(binding)

    def concerns(self, table: TableName) -> bool:
        """Whether anybody listens to this table."""
        return table in self._tables

    def match(self, table: TableName, kind: str, columns: Mapping[str, Text]) -> dict[Audience, tuple[int, ...]]:
        """Return the audiences that asked for this row, each with the ids of its matching bindings."""
        index = self._tables.get(table)
        if index is None:
            return {}
        matching: dict[Audience, set[TableBinding]] = {}
        for audience, binding in index.candidates(columns):
            if binding.matches(kind, columns):
                matching.setdefault(audience, set()).add(binding)
        return {audience: _ids(audience.key.bindings, found) for audience, found in matching.items()}

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


def _ids(bindings: Iterable[TableBinding], found: set[TableBinding]) -> tuple[int, ...]:
    """Return the ids in the join's order; a binding asked for twice has its id twice, as on the real server."""
    return tuple(binding.id for binding in bindings if binding in found)
