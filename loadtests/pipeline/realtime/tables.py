"""A published table as the server needs it: the stream's relation and what the catalog adds to it.

Values only; the catalog makes them.
"""

from dataclasses import dataclass

from loadtests.pipeline.realtime.audiences import TableName
from loadtests.pipeline.realtime.pgoutput import Relation
from loadtests.pipeline.realtime.values import ToJson


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumn:
    """One column of a table's primary key."""

    name: str
    type: str
    """As SQL writes it."""
    position: int
    """In the relation's columns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A relation of the stream with what the catalog adds to it."""

    relation: Relation
    name: TableName
    descriptions: tuple[bytes, ...]
    """Each column's name and type, as finished JSON."""
    converters: tuple[ToJson, ...]
    labels: tuple[bytes, ...]
    """The columns' names as JSON."""
    json_order: tuple[int, ...]
    """The columns' positions in the order of jsonb's keys: by length, then by bytes."""
    primary_key: tuple[KeyColumn, ...]
    """Empty if the table has none, or one that is not published whole: then nobody can be shown to see a row."""
    stream_overhead_bytes: int
    """What the real server's log format spends on a row besides its values: the 413 limit counts it."""

    @property
    def key_positions(self) -> frozenset[int]:
        """Return where the primary key stands in the relation's columns."""
        return frozenset(column.position for column in self.primary_key)
