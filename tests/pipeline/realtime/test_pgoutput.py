"""The decoder on messages as PostgreSQL's manual describes them."""

from struct import pack

import pytest

from loadtests.pipeline.realtime.filters import ABSENT
from loadtests.pipeline.realtime.pgoutput import Column, Decoder, Row, Value

COMMITTED_US = 1_795_422_231_634_855
XID = 4_000_000_000


def relation(oid: int = 7, schema: bytes = b"public", *columns: tuple[int, bytes, int]) -> bytes:
    """Return a Relation message; columns are (flags, name, type oid)."""
    parts = [b"%c%b\0%b" % (flags, name, pack("!Ii", type_oid, -1)) for flags, name, type_oid in columns]
    return b"R" + pack("!I", oid) + schema + b"\0" + b"events\0" + b"d" + pack("!H", len(columns)) + b"".join(parts)


def values(*columns: bytes | str | None) -> bytes:
    """Return a TupleData: bytes are text, None is null, any str an unchanged value."""
    parts = [
        b"n" if one is None else b"u" if isinstance(one, str) else b"t" + pack("!I", len(one)) + one for one in columns
    ]
    return pack("!H", len(columns)) + b"".join(parts)


BEGIN = b"B" + pack("!qqI", 100, COMMITTED_US - 946_684_800_000_000, XID)
COMMIT = b"C\0" + pack("!qqq", 100, 123, 0)
EVENTS = relation(7, b"public", (1, b"id", 2950), (0, b"payload", 3802))
INSERT = b"I" + pack("!I", 7) + b"N"
UPDATE = b"U" + pack("!I", 7)
DELETE = b"D" + pack("!I", 7) + b"K"


def rows(*messages: bytes) -> list[Row]:
    """Return the rows of a stream."""
    decoder = Decoder()
    return [row for message in messages if (row := decoder.feed(message)) is not None]


def test_insert_has_the_new_values_and_its_transaction() -> None:
    """Text stays PostgreSQL's bytes; the commit time is in Unix microseconds, the xid 32 bits wide."""
    (row,) = rows(BEGIN, EVENTS, INSERT + values(b"u1", None), COMMIT)

    assert (row.kind, row.new, row.old) == ("INSERT", (b"u1", None), None)
    assert (row.committed_us, row.xid) == (COMMITTED_US, XID)
    assert (row.relation.schema, row.relation.table) == ("public", "events")
    assert row.relation.columns == (
        Column(name="id", type_oid=2950, in_replica_identity=True),
        Column(name="payload", type_oid=3802, in_replica_identity=False),
    )


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        (UPDATE + b"N" + values(b"u1", "unchanged"), None, (b"u1", ABSENT)),
        (UPDATE + b"K" + values(b"u0", None) + b"N" + values(b"u1", b"{}"), (b"u0", None), (b"u1", b"{}")),
        (UPDATE + b"O" + values(b"u1", b"1") + b"N" + values(b"u1", b"2"), (b"u1", b"1"), (b"u1", b"2")),
        (DELETE + values(b"u1", None), (b"u1", None), None),
    ],
)
def test_update_and_delete_have_the_old_values(
    message: bytes, old: tuple[Value, ...] | None, new: tuple[Value, ...] | None
) -> None:
    """The old tuple comes as a key, as a whole row, or not at all."""
    (row,) = rows(BEGIN, EVENTS, message)

    assert (row.old, row.new) == (old, new)


def test_changed_table_is_a_new_relation() -> None:
    """Rows keep the description they were decoded with."""
    wider = relation(7, b"public", (1, b"id", 2950), (0, b"payload", 3802), (0, b"more", 25))
    before, after = rows(BEGIN, EVENTS, INSERT + values(b"1", None), wider, INSERT + values(b"2", None, b"x"))

    assert [len(row.relation.columns) for row in (before, after)] == [2, 3]
    assert before.relation is not after.relation


def test_commit_tells_what_may_be_acknowledged() -> None:
    """The end of the commit record, not its beginning."""
    decoder = Decoder()
    decoder.feed(COMMIT)

    assert decoder.commit_lsn == 123


@pytest.mark.parametrize("message", [b"T" + pack("!IBI", 1, 0, 7), b"O" + pack("!q", 1) + b"o\0", b"M\0x", b"Y"])
def test_other_messages_are_passed_over(message: bytes) -> None:
    """TRUNCATE, origins, logical messages and types carry no row."""
    assert rows(BEGIN, message) == []


@pytest.mark.parametrize(("repeats", "is_same"), [(True, True), (False, False)])
def test_a_repeated_description_is_the_same_relation_if_streams_repeat(*, repeats: bool, is_same: bool) -> None:
    """A slot that is read in pieces describes its tables each time; a stream does so when something changed."""
    decoder = Decoder(repeats=repeats)
    found = [decoder.feed(message) for message in (EVENTS, INSERT + values(b"u1", None)) * 2]
    first, second = (row for row in found if row is not None)

    assert (first.relation is second.relation) == is_same


def test_another_description_is_another_relation_even_if_streams_repeat() -> None:
    """A column was added."""
    decoder = Decoder(repeats=True)
    wider = relation(7, b"public", (1, b"id", 2950), (0, b"payload", 3802), (0, b"note", 25))
    stream = (EVENTS, INSERT + values(b"u1", None), wider, INSERT + values(b"u1", None, None))
    first, second = (row for message in stream if (row := decoder.feed(message)) is not None)

    assert [len(row.relation.columns) for row in (first, second)] == [2, 3]
