"""Row-level security and privileges, asked in the database for each subscriber: never inferred, one call per batch.

Owns one connection, whose user must be allowed to take the API roles. The call waits until the rows are visible
to it, because a commit leaves the walsender before a new snapshot sees it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import asyncpg

from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.database import SESSION, until_reachable
from loadtests.pipeline.realtime.pgoutput import Row
from loadtests.pipeline.realtime.tables import KeyColumn, Table

Questions = Mapping[Claims, Sequence[Row]]
"""For each distinct claims the rows of one table that its subscribers asked for."""
Granted = set[tuple[Claims, Row]]

_PRIVILEGES: Final = """
    select rolname, relrowsecurity, array(
        select c.position
        from unnest($2::text[]) with ordinality as c (name, position)
        join pg_attribute a on a.attrelid = $1 and a.attname = c.name
        where has_column_privilege(r.oid, $1::oid, a.attnum, 'select')
    )
    from pg_roles r, pg_class t
    where r.rolname = any ($3) and t.oid = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What may be shown of a table's rows, at the moment of the question."""

    has_row_security: bool
    granted: Granted
    """Rows that may be seen; only asked, and only meant, with row-level security."""
    roles: frozenset[str]
    """Whom this is about."""
    selectable: Mapping[str, frozenset[int]]
    """The positions of the columns that each role may select; a role that does not exist is not there."""

    def sees(self, claims: Claims, row: Row) -> bool:
        """Whether row-level security lets a caller see a row; a deleted row cannot be checked, and is told to all."""
        return row.new is None or not self.has_row_security or (claims, row) in self.granted

    def may_select(self, role: str, positions: frozenset[int]) -> bool:
        """Whether a role may select all these columns."""
        return positions <= self.selectable.get(role, frozenset())


class Authorizer:
    """Ask who may see what."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._template = files(__package__).joinpath("rls.sql").read_text()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._statements: dict[Table, asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]] = {}
        self.failed_policies = 0
        """Callers whose policy raised an error, counted once per call."""

    async def open(self) -> None:
        """Connect.

        Raises:
            OSError, asyncpg.PostgresError: the database does not let us.

        """
        settings = {
            **SESSION,
            "application_name": "realtime_rls",
            # The arrays' lengths tell the planner nothing, and a plan per caller would cost more than its query.
            "plan_cache_mode": "force_generic_plan",
            # The plan is made once, perhaps while the table is small, and a key is always best found by its index.
            "enable_seqscan": "off",
        }
        self._statements.clear()
        self._connection = await asyncpg.connect(self._database_url, server_settings=settings)

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()

    async def rights(self, table: Table, questions: Questions, roles: Iterable[str]) -> Rights:
        """Return what the callers, and any other callers of `roles`, may be shown of these rows now.

        A caller whose role may not select the key, or whose policy raises, sees nothing. While the database cannot
        be reached, this waits and asks again: an answer that was never given loses no row.
        """
        wanted = frozenset(roles).union(claims.role for claims in questions)
        if not table.primary_key:
            return await until_reachable(lambda: self._ask_privileges(table, wanted), "privileges")
        unasked = wanted - {claims.role for claims in questions}
        everybody = {**questions, **{Claims(role=role, text="{}"): () for role in unasked}}
        return await until_reachable(lambda: self._ask(table, everybody), "row-level security")

    async def _ask_privileges(self, table: Table, roles: frozenset[str]) -> Rights:
        connection = await self._connected()
        names = [column.name for column in table.relation.columns]
        found = await connection.fetch(_PRIVILEGES, table.relation.oid, names, list(roles))
        return Rights(
            has_row_security=any(row_security for _, row_security, _ in found),
            granted=set(),
            roles=roles,
            selectable={role: _from_one(positions) for role, _, positions in found},
        )

    async def _ask(self, table: Table, questions: Questions) -> Rights:
        # Callers of one role in a row: each change of role costs a check and a new plan.
        ordered = sorted(questions.items(), key=lambda question: question[0].role)
        statement = await self._statement(table)
        answers = await statement.fetch(
            sorted({row.xid for rows in questions.values() for row in rows}),
            [claims.role for claims, _ in ordered],
            [claims.text for claims, _ in ordered],
            *([_keys(rows, column) for _, rows in ordered] for column in table.primary_key),
        )
        has_row_security = False
        granted: Granted = set()
        selectable: dict[str, frozenset[int]] = {}
        for ((caller, *positions),) in answers:
            if caller < 0:
                self.failed_policies += 1
            elif caller == 0:
                first, row_security, *columns = positions
                has_row_security = bool(row_security)
                selectable[ordered[first - 1][0].role] = _from_one(columns)
            else:
                claims, rows = ordered[caller - 1]
                granted.update((claims, rows[position - 1]) for position in positions)
        roles = frozenset(claims.role for claims, _ in ordered)
        return Rights(has_row_security=has_row_security, granted=granted, roles=roles, selectable=selectable)

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            await self.open()
        assert self._connection is not None
        return self._connection

    async def _statement(self, table: Table) -> "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]":
        connection = await self._connected()
        statement = self._statements.get(table)
        if statement is None:
            name = f"visible_{len(self._statements)}_{table.relation.oid}"
            await connection.execute(_function(self._template, name, table))
            parameters = ", ".join(f"${number}" for number in range(1, 4 + len(table.primary_key)))
            statement = await connection.prepare(f"select pg_temp.{name}({parameters})")
            self._statements[table] = statement
        return statement


def _function(template: str, name: str, table: Table) -> str:
    key = table.primary_key
    numbers = range(1, len(key) + 1)
    parts = {
        "function": name,
        "relation": str(table.relation.oid),
        "table": ".".join(_quoted(part) for part in table.name),
        "columns": "array[" + ", ".join(_literal(column.name) for column in table.relation.columns) + "]",
        "key_positions": "array[" + ", ".join(str(column.position + 1) for column in key) + "]",
        "key_parameters": ", ".join(f"k{n} text[]" for n in numbers),
        "key_names": ", ".join(f"k{n}" for n in numbers),
        "key_arrays": ", ".join(f"asked.k{n}::{key[n - 1].type}[]" for n in numbers),
        "key_aliases": ", ".join(f"c{n}" for n in numbers),
        "key_equality": " and ".join(f"t.{_quoted(key[n - 1].name)} = k.c{n}" for n in numbers),
    }
    for placeholder, text in parts.items():
        template = template.replace("{{" + placeholder + "}}", text)
    return template


def _from_one(positions: Iterable[int]) -> frozenset[int]:
    """Return positions that PostgreSQL counts from 1."""
    return frozenset(position - 1 for position in positions)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _keys(rows: Sequence[Row], column: KeyColumn) -> str:
    """Return the rows' values of a key column as PostgreSQL's array literal."""
    return "{" + ",".join(_element(row, column.position) for row in rows) + "}"


def _element(row: Row, position: int) -> str:
    assert row.new is not None, "a deleted row is not checked"
    value = row.new[position]
    assert isinstance(value, bytes), "a primary key is never null and always in the stream"
    return '"' + value.decode().replace("\\", "\\\\").replace('"', '\\"') + '"'
