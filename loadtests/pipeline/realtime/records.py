"""A row as the subscriber sees it: the `data` of its change message, and the columns that filters look at.

Pure: a decoded row and its table's description in, JSON or text out.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from loadtests.pipeline.realtime.filters import ABSENT, Text
from loadtests.pipeline.realtime.pgoutput import Row, Value
from loadtests.pipeline.realtime.tables import Table
from loadtests.wire.changes import build_data

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def filter_columns(row: Row) -> dict[str, Text]:
    """Return the columns that filters are matched against: the new values, or the old ones of a deleted row."""
    values = row.new if row.new is not None else row.old or ()
    deleted = row.new is None
    columns: dict[str, Text] = {}
    for column, value in zip(row.relation.columns, values, strict=True):
        if deleted and not column.in_replica_identity:
            columns[column.name] = ABSENT  # the stream says null for what the identity leaves out
        else:
            columns[column.name] = value.decode() if isinstance(value, bytes) else value
    return columns


def change_data(table: Table, row: Row) -> bytes:
    """Return the `data` object of the row's change message, finished JSON."""
    schema, name = table.name
    return build_data(
        schema=orjson.dumps(schema),
        table=orjson.dumps(name),
        change_type=row.kind,
        columns=table.columns_json,
        record=None if row.new is None else _record(table, row.new),
        old_record=_old_record(table, row),
        commit_timestamp=b'"%b"' % commit_timestamp(row.committed_us).encode(),
    )


def commit_timestamp(unix_us: int) -> str:
    """Return the time as the server writes it: UTC, cut to milliseconds, `2026-01-31T12:34:56.789Z`."""
    moment = _UNIX_EPOCH + timedelta(microseconds=unix_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z"


def _record(table: Table, values: tuple[Value, ...], positions: frozenset[int] | None = None) -> bytes:
    """Return the values as a JSON object, of all columns or of those at `positions`; absent ones are left out."""
    parts = [
        b"%b:%b" % (label, b"null" if value is None else to_json(value))
        for at, (label, to_json, value) in enumerate(zip(table.labels, table.converters, values, strict=True))
        if value is not ABSENT and (positions is None or at in positions)
    ]
    return b"{%b}" % b",".join(parts)


def _old_record(table: Table, row: Row) -> bytes | None:
    """Return the former values, as far as the replica identity has them: by default the primary key.

    A deleted row cannot be checked any more, so under row-level security nothing but its key is told.
    """
    if row.kind == "INSERT":
        return None
    if row.kind == "DELETE" and table.has_row_security:
        known = frozenset(column.position for column in table.primary_key)
    else:
        columns = enumerate(row.relation.columns)
        known = frozenset(at for at, column in columns if column.in_replica_identity)
    # An update that left the key alone sends no old values: the key is the new row's.
    former = row.old if row.old is not None else row.new
    assert former is not None
    return _record(table, former, known)
