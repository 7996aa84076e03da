"""A request and its table made into one statement: names from the catalog, every value a parameter.

Pure. Each statement answers one row: `body` (the rows as a JSON array), `rows` (how many) and `total`.
"""

# ruff: noqa: S608 - statements are what this module makes; a test tries to break out of each place of theirs

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from loadtests.pipeline.gateway.rest.catalog import CatalogColumn, Table
from loadtests.pipeline.gateway.rest.errors import RestRefusal, unknown_column, unknown_key
from loadtests.pipeline.gateway.rest.filters import COMPARISONS, PATTERNS, TRUTHS, Combination, Comparison, Condition
from loadtests.pipeline.gateway.rest.query import Preferences, Query

Rows = Sequence[dict[str, Any]]


@dataclass(slots=True)
class _Arguments:
    """The values of a statement, each a text."""

    values: list[str] = field(default_factory=list)

    def add(self, value: str) -> str:
        """Return the placeholder of a new value."""
        self.values.append(value)
        return f"${len(self.values)}::text"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its arguments."""

    sql: str
    arguments: tuple[str, ...]


def select_statement(table: Table, query: Query, *, max_rows: int, is_counted: bool) -> Statement:
    """Return the statement that reads: never more than `max_rows` rows; `total` counts all if it is wanted."""
    arguments = _Arguments()
    where = _where(table, query.conditions, arguments)
    limit = max_rows if query.limit is None else min(query.limit, max_rows)
    total = f"(select count(*) from {table.relation}{where})" if is_counted else "null::bigint"
    sql = (
        f"with pgrst_source as (select {_selected(table, query)} from {table.relation}{where}{_order(table, query)}"
        f" limit {limit:d} offset {query.offset:d}) {_answer(total)}"
    )
    return Statement(sql, tuple(arguments.values))


def insert_statement(table: Table, query: Query, rows: Rows, preferences: Preferences) -> Statement:
    """Return the statement that inserts rows, or merges them with those that are there."""
    names = list(query.inserted) if query.inserted is not None else _keys(rows)
    columns = [_written(table, name) for name in names]
    arguments = _Arguments()
    body = arguments.add(orjson.dumps(list(rows)).decode())
    values = ", ".join(
        _filled(column, arguments.add(name) if preferences.fills_defaults and column.default_value else None)
        for name, column in zip(names, columns, strict=True)
    )
    filled = f" ({', '.join(column.quoted for column in columns)})" if columns else ""
    source = (
        f"{filled} select {values} from jsonb_array_elements({body}::jsonb) as e (v),"
        f" jsonb_populate_record(null::{table.relation}, e.v) as r"
    )
    conflict = _on_conflict(table, query, columns, preferences)
    sql = f"insert into {table.relation} as t{source}{conflict}"
    return Statement(_mutation(table, query, sql, preferences), tuple(arguments.values))


def update_statement(table: Table, query: Query, row: dict[str, Any], preferences: Preferences) -> Statement:
    """Return the statement that changes the rows that the filters leave."""
    columns = [_written(table, name) for name in row]
    arguments = _Arguments()
    body = arguments.add(orjson.dumps(row).decode())
    changes = ", ".join(f"{column.quoted} = r.{column.quoted}" for column in columns)
    where = _where(table, query.conditions, arguments, "t.")
    sql = (
        f"update {table.relation} as t set {changes}"
        f" from jsonb_populate_record(null::{table.relation}, {body}::jsonb) as r{where}"
    )
    return Statement(_mutation(table, query, sql, preferences), tuple(arguments.values))


def delete_statement(table: Table, query: Query, preferences: Preferences) -> Statement:
    """Return the statement that deletes the rows that the filters leave."""
    arguments = _Arguments()
    where = _where(table, query.conditions, arguments, "t.")
    sql = f"delete from {table.relation} as t{where}"
    return Statement(_mutation(table, query, sql, preferences), tuple(arguments.values))


def _mutation(table: Table, query: Query, sql: str, preferences: Preferences) -> str:
    # Whoever wants nothing back need not be allowed to read.
    wants_rows = preferences.returns == "representation"
    returning = "t.*" if wants_rows else "1 as done"
    selected = _selected(table, query) if wants_rows else "done"
    total = "count(*)" if preferences.is_counted else "null::bigint"
    return (
        f"with written as ({sql} returning {returning}), pgrst_source as (select {selected} from written)"
        f" {_answer(total)}"
    )


def _answer(total: str) -> str:
    body = "coalesce(json_agg(pgrst_source), '[]')::text"
    return f"select {body} as body, count(*) as rows, {total} as total from pgrst_source"


def _selected(table: Table, query: Query) -> str:
    selected = []
    for column in query.columns:
        if column.name == "*":
            selected.append("*")
        else:
            alias = column.alias.replace('"', '""')
            selected.append(f'{_known(table, column.name).quoted} as "{alias}"')
    return ", ".join(selected)


def _order(table: Table, query: Query) -> str:
    terms = []
    for order in query.order:
        nulls = {None: "", True: " nulls first", False: " nulls last"}[order.nulls_first]
        terms.append(f"{_known(table, order.column).quoted} {'desc' if order.is_descending else 'asc'}{nulls}")
    return f" order by {', '.join(terms)}" if terms else ""


def _where(table: Table, conditions: Sequence[Condition], arguments: _Arguments, prefix: str = "") -> str:
    texts = [_condition(table, condition, arguments, prefix) for condition in conditions]
    return f" where {' and '.join(texts)}" if texts else ""


def _condition(table: Table, condition: Condition, arguments: _Arguments, prefix: str) -> str:
    if isinstance(condition, Combination):
        parts = [_condition(table, part, arguments, prefix) for part in condition.conditions]
        text = f" {condition.operator} ".join(parts)
    else:
        text = _comparison(table, condition, arguments, prefix)
    return f"not ({text})" if condition.is_negated else f"({text})"


def _comparison(table: Table, comparison: Comparison, arguments: _Arguments, prefix: str) -> str:
    column = _known(table, comparison.column)
    left, operator = f"{prefix}{column.quoted}", comparison.operator
    if operator == "is":
        return f"{left} is {TRUTHS[comparison.values[0]]}"
    if operator == "in":
        values = [f"cast({arguments.add(value)} as {column.type})" for value in comparison.values]
        return f"{left} in ({', '.join(values)})" if values else "false"
    (value,) = comparison.values
    if operator in PATTERNS:
        pattern = value.replace("*", "%") if operator in {"like", "ilike"} else value
        return f"{left} {PATTERNS[operator]} {arguments.add(pattern)}"
    return f"{left} {COMPARISONS[operator]} cast({arguments.add(value)} as {column.type})"


def _on_conflict(table: Table, query: Query, columns: Sequence[CatalogColumn], preferences: Preferences) -> str:
    if preferences.resolution is None:
        return ""
    target = [_known(table, name).quoted for name in query.on_conflict] or list(table.key)
    if not target:
        return ""
    changes = [f"{column.quoted} = excluded.{column.quoted}" for column in columns]
    if preferences.resolution == "ignore-duplicates" or not changes:
        return f" on conflict ({', '.join(target)}) do nothing"
    return f" on conflict ({', '.join(target)}) do update set {', '.join(changes)}"


def _filled(column: CatalogColumn, name: str | None) -> str:
    """Return what a column is filled with: the row's value, or its default where the row has no such key."""
    if name is None:
        return f"r.{column.quoted}"
    return f"case when e.v ? {name} then r.{column.quoted} else {column.default_value} end"


def _keys(rows: Rows) -> list[str]:
    if not rows:
        return []
    names = list(rows[0])
    if any(row.keys() != rows[0].keys() for row in rows):
        raise RestRefusal(400, "PGRST102", "All object keys must match")
    return names


def _known(table: Table, name: str) -> CatalogColumn:
    column = table.columns.get(name)
    if column is None:
        raise unknown_column(table.name, name)
    return column


def _written(table: Table, name: str) -> CatalogColumn:
    column = table.columns.get(name)
    if column is None:
        raise unknown_key(table.name, name)
    return column
