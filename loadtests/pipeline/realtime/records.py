"""A row as the subscriber sees it: the `data` of its change message, and the columns that filters look at.

Pure: a decoded row and its table's description in, JSON or text out. What is shown and left out follows the real
server's `apply_rls` function; JSON is spaced and ordered as PostgreSQL's jsonb.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from loadtests.pipeline.realtime.filters import ABSENT, Text
from loadtests.pipeline.realtime.pgoutput import Row, Value
from loadtests.pipeline.realtime.tables import Table
from loadtests.wire.changes import build_data

MAX_RECORD_BYTES: Final = 1 << 20
"""A row that is longer than this in the real server's log format is sent with its small values only."""
KEPT_BYTES: Final = 64
"""The longest JSON of a value that such a row still shows."""
TOO_LARGE: Final = "Error 413: Payload Too Large"
UNAUTHORIZED: Final = "Error 401: Unauthorized"
NO_PRIMARY_KEY: Final = "Error 400: Bad Request, no primary key"
_JSON: Final = frozenset({114, 3802})
"""The types json and jsonb."""
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Shows = Callable[[int, bytes | None], bool]
"""Whether a column, by its position, appears with this JSON value, None for null."""


def filter_columns(row: Row) -> dict[str, Text]:
    """Return the columns that filters are matched against: the new values, or the old ones of a deleted row."""
    values = row.new if row.new is not None else row.old or ()
    deleted = row.new is None
    columns: dict[str, Text] = {}
    for column, value in zip(row.relation.columns, values, strict=True):
        if deleted and not column.in_replica_identity:
            columns[column.name] = ABSENT  # the stream says null for what the identity leaves out
        elif column.type_oid in _JSON and value is not None and value is not ABSENT and value.strip() == b"null":
            columns[column.name] = None  # the real server compares what its JSON shows, where the two are one
        else:
            columns[column.name] = value.decode() if isinstance(value, bytes) else value
    return columns


def change_data(
    table: Table, row: Row, *, shown: frozenset[int], has_row_security: bool, is_too_large: bool = False
) -> bytes:
    """Return the `data` object of the row's change message, finished JSON; `shown` are the columns' positions.

    `is_too_large` shows the row as too large whatever its size.
    """
    is_large = is_too_large or _stream_bytes(table, row) > MAX_RECORD_BYTES

    def shows(position: int, value: bytes | None) -> bool:
        # Null has no length, so a large row leaves it out.
        return position in shown and (not is_large or (value is not None and len(value) <= KEPT_BYTES))

    descriptions = b", ".join(table.descriptions[position] for position in sorted(shown))
    return build_data(
        schema=orjson.dumps(table.name[0]),
        table=orjson.dumps(table.name[1]),
        change_type=row.kind,
        columns=b"[%b]" % descriptions if shown else b"null",
        record=None if row.new is None else _object(table, _with_unchanged(row, row.new), shows),
        old_record=_old_record(table, row, shows, has_row_security=has_row_security),
        commit_timestamp=b'"%b"' % commit_timestamp(row.committed_us).encode(),
        errors=(TOO_LARGE,) if is_large else (),
    )


def refused_data(table: Table, row: Row) -> bytes:
    """Return the `data` object that says nothing but that there was a row, and why it is not shown."""
    return build_data(
        schema=orjson.dumps(table.name[0]),
        table=orjson.dumps(table.name[1]),
        change_type=row.kind,
        columns=b"[]",
        record=b"{}",
        old_record=None if row.kind == "INSERT" else b"{}",
        commit_timestamp=b"null",
        errors=(UNAUTHORIZED if table.primary_key else NO_PRIMARY_KEY,),
    )


def commit_timestamp(unix_us: int) -> str:
    """Return the time as the server writes it: UTC, cut to milliseconds, `2026-01-31T12:34:56.789Z`."""
    moment = _UNIX_EPOCH + timedelta(microseconds=unix_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z"


def _old_record(table: Table, row: Row, shows: Shows, *, has_row_security: bool) -> bytes | None:
    """Return the former values, as far as the replica identity has them: by default the primary key.

    A deleted row cannot be checked any more, so under row-level security nothing but its key is told.
    """
    if row.kind == "INSERT":
        return None
    known = {at for at, column in enumerate(row.relation.columns) if column.in_replica_identity}
    if row.kind == "DELETE" and has_row_security:
        known &= table.key_positions
    # An update that left the key alone sends no old values: the key is the new row's.
    former = row.old if row.old is not None else row.new
    assert former is not None
    return _object(table, former, lambda position, value: position in known and shows(position, value))


def _with_unchanged(row: Row, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the new values; a large one that was not changed is only among the old ones, if there are any."""
    if row.old is None or ABSENT not in values:
        return values
    return tuple(
        before if value is ABSENT and column.in_replica_identity else value
        for value, before, column in zip(values, row.old, row.relation.columns, strict=True)
    )


def _object(table: Table, values: tuple[Value, ...], shows: Shows) -> bytes:
    """Return the shown values as a JSON object, absent ones left out; null if nothing is left."""
    parts = []
    for position in table.json_order:
        value = values[position]
        if value is ABSENT:
            continue
        json = None if value is None else table.converters[position](value)
        if shows(position, json):
            parts.append(b"%b: %b" % (table.labels[position], b"null" if json is None else json))
    return b"{%b}" % b", ".join(parts) if parts else b"null"


def _stream_bytes(table: Table, row: Row) -> int:
    """Return about how long the row is in the real server's log format, exactly where it may matter."""
    values = [value for value in (*(row.new or ()), *(row.old or ())) if isinstance(value, bytes)]
    if sum(map(len, values)) * 6 + table.stream_overhead_bytes <= MAX_RECORD_BYTES:
        return 0  # even if every character had to be escaped
    return table.stream_overhead_bytes + sum(len(orjson.dumps(value.decode())) for value in values)
