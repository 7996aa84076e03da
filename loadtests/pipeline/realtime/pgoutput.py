"""Decode pgoutput (protocol version 1), PostgreSQL's built-in logical decoding stream, into rows.

Works from the relation messages in the stream alone. Message formats: PostgreSQL manual, "Logical Replication
Message Formats". No connection, no clock, no knowledge of any table.
"""

from dataclasses import astuple, dataclass
from struct import Struct
from typing import Final

from loadtests.pipeline.realtime.filters import ABSENT, Absent

POSTGRES_EPOCH_UNIX_S: Final = 946_684_800
"""2000-01-01, from which PostgreSQL counts microseconds."""

Value = bytes | None | Absent
"""A column's text form in UTF-8, SQL null, or not in the stream."""

_BEGIN: Final = Struct("!qqI")
_COMMIT_END: Final = Struct("!8xq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a relation message."""

    name: str
    type_oid: int
    in_replica_identity: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relation:
    """A table as the stream describes it; a changed table comes as a new object (compared by identity)."""

    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One changed row of a committed transaction."""

    relation: Relation
    kind: str
    """`INSERT`, `UPDATE` or `DELETE`."""
    new: tuple[Value, ...] | None
    """The values after the change, in the relation's order; None for DELETE."""
    old: tuple[Value, ...] | None
    """The values before, as far as the replica identity has them; None if the stream has none."""
    committed_us: int
    """Commit time in Unix microseconds, equal for all rows of a transaction."""
    xid: int
    """The transaction's 32-bit id."""


class Decoder:
    """Turn messages into rows; remembers the relations and the transaction it is in."""

    def __init__(self, *, repeats: bool = False) -> None:
        """`repeats` says that relations are described again and again: an equal one stays the same object."""
        self._repeats = repeats
        self.commit_lsn = 0
        """End of the last commit seen: what may be acknowledged."""
        self._relations: dict[int, Relation] = {}
        self._committed_us = 0
        self._xid = 0

    def feed(self, message: bytes) -> Row | None:
        """Take one message; return the row if it is one. TRUNCATE and unknown messages are passed over."""
        match message[0]:
            case 0x49:  # Insert
                relation = self._relations[_u32(message, 1)]
                return self._row(relation, "INSERT", new=_values(message, 6)[0], old=None)
            case 0x42:  # Begin
                _final_lsn, committed_us, self._xid = _BEGIN.unpack_from(message, 1)
                self._committed_us = committed_us + POSTGRES_EPOCH_UNIX_S * 1_000_000
            case 0x43:  # Commit
                (self.commit_lsn,) = _COMMIT_END.unpack_from(message, 2)
            case 0x52:  # Relation
                relation = _relation(message)
                if not (self._repeats and _same(self._relations.get(relation.oid), relation)):
                    self._relations[relation.oid] = relation
            case 0x55:  # Update
                return self._update(message)
            case 0x44:  # Delete
                relation = self._relations[_u32(message, 1)]
                return self._row(relation, "DELETE", new=None, old=_values(message, 6)[0])
            case _:
                pass
        return None

    def _update(self, message: bytes) -> Row:
        relation = self._relations[_u32(message, 1)]
        old, at = None, 5
        if message[at] != 0x4E:  # not N: the old tuple comes first, as K (key) or O (all columns)
            old, at = _values(message, at + 1)
        return self._row(relation, "UPDATE", new=_values(message, at + 1)[0], old=old)

    def _row(
        self, relation: Relation, kind: str, *, new: tuple[Value, ...] | None, old: tuple[Value, ...] | None
    ) -> Row:
        return Row(relation=relation, kind=kind, new=new, old=old, committed_us=self._committed_us, xid=self._xid)


def _relation(message: bytes) -> Relation:
    schema, at = _c_string(message, 5)
    table, at = _c_string(message, at)
    count = _u16(message, at + 1)  # one byte of replica identity before it
    at += 3
    columns = []
    for _ in range(count):
        in_identity = bool(message[at] & 1)
        name, at = _c_string(message, at + 1)
        columns.append(Column(name=name, type_oid=_u32(message, at), in_replica_identity=in_identity))
        at += 8  # type oid and type modifier
    # The catalog schema is sent as an empty name.
    return Relation(oid=_u32(message, 1), schema=schema or "pg_catalog", table=table, columns=tuple(columns))


def _same(known: Relation | None, described: Relation) -> bool:
    return known is not None and astuple(known) == astuple(described)


def _values(message: bytes, at: int) -> tuple[tuple[Value, ...], int]:
    count = _u16(message, at)
    at += 2
    values: list[Value] = []
    for _ in range(count):
        kind = message[at]
        at += 1
        if kind == 0x74:  # text
            start = at + 4
            at = start + _u32(message, at)
            values.append(message[start:at])
        else:  # n: null, u: an unchanged value that is stored out of line
            values.append(None if kind == 0x6E else ABSENT)
    return tuple(values), at


def _c_string(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(0, at)
    return message[at:end].decode(), end + 1


def _u16(message: bytes, at: int) -> int:
    return int.from_bytes(message[at : at + 2])


def _u32(message: bytes, at: int) -> int:
    return int.from_bytes(message[at : at + 4])
