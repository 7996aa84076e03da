"""A row as its change message shows it."""

import json
from typing import Any

import pytest

from loadtests.pipeline.realtime.filters import ABSENT
from loadtests.pipeline.realtime.pgoutput import Column, Relation, Row, Value
from loadtests.pipeline.realtime.records import change_data, commit_timestamp, filter_columns, refused_data
from loadtests.pipeline.realtime.tables import Table
from tests.pipeline.realtime.tables import described

COMMITTED_US = 1_795_422_231_634_855


def table(*, identity_full: bool = False) -> Table:
    """Return a table of an id and a jsonb payload."""
    relation = Relation(
        oid=7,
        schema="public",
        table="events",
        columns=(
            Column(name="id", type_oid=23, in_replica_identity=True),
            Column(name="payload", type_oid=3802, in_replica_identity=identity_full),
        ),
    )
    return described(relation, "int4", "jsonb", key=(0,))


def row(
    described: Table, kind: str, *, new: tuple[Value, ...] | None = None, old: tuple[Value, ...] | None = None
) -> Row:
    """Return a row of the table."""
    return Row(relation=described.relation, kind=kind, new=new, old=old, committed_us=COMMITTED_US, xid=1)


def data_of(
    described: Table,
    changed: Row,
    *,
    shown: frozenset[int] = frozenset({0, 1}),
    has_row_security: bool = True,
) -> dict[str, Any]:
    """Return the change's `data`."""
    data: dict[str, Any] = json.loads(change_data(described, changed, shown=shown, has_row_security=has_row_security))
    return data


def test_insert_is_shown_as_recorded() -> None:
    """All seven keys of the real server's message, `errors` null, no `old_record`."""
    described = table()

    assert data_of(described, row(described, "INSERT", new=(b"1", b'{"n": 1}'))) == {
        "table": "events",
        "type": "INSERT",
        "record": {"id": 1, "payload": {"n": 1}},
        "columns": [{"name": "id", "type": "int4"}, {"name": "payload", "type": "jsonb"}],
        "errors": None,
        "schema": "public",
        "commit_timestamp": "2026-11-23T08:23:51.634Z",
    }


@pytest.mark.parametrize(
    ("described", "old", "expected"),
    [
        (table(), None, {"id": 1}),
        (table(), (b"0", None), {"id": 0}),
        (table(identity_full=True), (b"1", b"5"), {"id": 1, "payload": 5}),
    ],
)
def test_update_shows_the_old_values_of_its_identity(
    described: Table, old: tuple[Value, ...] | None, expected: dict[str, object]
) -> None:
    """By default the key, which is the new row's unless it changed; everything with REPLICA IDENTITY FULL."""
    data = data_of(described, row(described, "UPDATE", new=(b"1", b"6"), old=old))

    assert (data["record"], data["old_record"]) == ({"id": 1, "payload": 6}, expected)


@pytest.mark.parametrize(("has_row_security", "expected"), [(True, {"id": 1}), (False, {"id": 1, "payload": 5})])
def test_deleted_row_tells_its_key_only_under_row_security(
    has_row_security: bool,  # noqa: FBT001 - a table of cases
    expected: dict[str, object],
) -> None:
    """A deleted row cannot be checked, so it may not tell more than that it is gone."""
    described = table(identity_full=True)
    data = data_of(described, row(described, "DELETE", old=(b"1", b"5")), has_row_security=has_row_security)

    assert "record" not in data
    assert data["old_record"] == expected


def test_unchanged_large_value_is_left_out() -> None:
    """What the log does not carry is not invented."""
    described = table()
    data = data_of(described, row(described, "UPDATE", new=(b"1", ABSENT)))

    assert data["record"] == {"id": 1}


def test_filters_see_the_key_of_a_deleted_row() -> None:
    """Columns outside the replica identity are unknown, which no filter matches."""
    described = table()

    assert filter_columns(row(described, "DELETE", old=(b"1", None))) == {"id": "1", "payload": ABSENT}
    assert filter_columns(row(described, "INSERT", new=(b"1", None))) == {"id": "1", "payload": None}


@pytest.mark.parametrize(("json_text", "seen"), [(b"null", None), (b" null", None), (b'"null"', '"null"')])
def test_filters_see_the_null_of_json_as_the_null_of_sql(json_text: bytes, seen: str | None) -> None:
    """The real server compares what its own JSON of the row shows, where the two look the same."""
    described = table()

    assert filter_columns(row(described, "INSERT", new=(b"1", json_text))) == {"id": "1", "payload": seen}


def test_commit_time_is_cut_to_milliseconds() -> None:
    """Cut, not rounded, with three decimals always."""
    assert [commit_timestamp(us) for us in (1_999, 1_000_000)] == [
        "1970-01-01T00:00:00.001Z",
        "1970-01-01T00:00:01.000Z",
    ]


def test_unchanged_large_value_is_taken_from_the_old_row_if_that_has_it() -> None:
    """With REPLICA IDENTITY FULL nothing is missing."""
    described = table(identity_full=True)
    data = data_of(described, row(described, "UPDATE", new=(b"1", ABSENT), old=(b"1", b"5")))

    assert data["record"] == {"id": 1, "payload": 5}


def test_only_shown_columns_are_told_of() -> None:
    """Privileges and `select` leave columns out everywhere."""
    described = table(identity_full=True)
    data = data_of(described, row(described, "UPDATE", new=(b"1", b"6"), old=(b"1", b"5")), shown=frozenset({0}))

    assert (data["record"], data["old_record"], data["columns"]) == (
        {"id": 1}, {"id": 1}, [{"name": "id", "type": "int4"}],
    )  # fmt: skip


def test_too_large_row_keeps_its_small_values() -> None:
    """Over 1 MiB: values over 64 bytes are left out, and nulls, which have no length."""
    described = table()
    large = b'"' + b"x" * (1 << 20) + b'"'
    shown = data_of(described, row(described, "INSERT", new=(b"1", large)))

    assert (shown["record"], shown["errors"]) == ({"id": 1}, ["Error 413: Payload Too Large"])
    assert shown["commit_timestamp"] is not None


@pytest.mark.parametrize(
    ("key", "kind", "error"),
    [((0,), "INSERT", "Error 401: Unauthorized"), ((), "UPDATE", "Error 400: Bad Request, no primary key")],
)
def test_refused_row_says_nothing_but_why(key: tuple[int, ...], kind: str, error: str) -> None:
    """No values, no columns, no time."""
    described_ = described(table().relation, "int4", "jsonb", key=key)
    data = json.loads(refused_data(described_, row(described_, kind, new=(b"1", None))))

    assert (data["record"], data["columns"], data["commit_timestamp"], data["errors"]) == ({}, [], None, [error])
    assert data.get("old_record") == (None if kind == "INSERT" else {})
