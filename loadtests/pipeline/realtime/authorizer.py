"""Row-level security, asked in the database for each subscriber's claims: never inferred, one call per batch.

Owns one connection, whose user must be allowed to take the API roles. The call waits until the rows are visible
to it, because a commit leaves the walsender before a new snapshot sees it.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

import asyncpg

from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.database import SESSION, until_reachable
from loadtests.pipeline.realtime.pgoutput import Row
from loadtests.pipeline.realtime.tables import KeyColumn, Table

Questions = Mapping[Claims, Sequence[Row]]
"""For each distinct claims the rows of one table that its subscribers asked for."""
Granted = set[tuple[Claims, Row]]


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

    async def visible(self, table: Table, questions: Questions) -> Granted:
        """Return which of the asked rows each caller may read now, by role and claims.

        A caller whose role may not select from the table, or whose policy raises, reads nothing. While the
        database cannot be reached, this waits and asks again: an answer that was never given loses no row.
        """
        if not table.primary_key:
            return set()
        return await until_reachable(lambda: self._ask(table, questions), "row-level security")

    async def _ask(self, table: Table, questions: Questions) -> Granted:
        # Callers of one role in a row: each change of role costs a check and a new plan.
        ordered = sorted(questions.items(), key=lambda question: question[0].role)
        statement = await self._statement(table)
        answers = await statement.fetch(
            sorted({row.xid for rows in questions.values() for row in rows}),
            [claims.role for claims, _ in ordered],
            [claims.text for claims, _ in ordered],
            *([_keys(rows, column) for _, rows in ordered] for column in table.primary_key),
        )
        granted: Granted = set()
        for ((caller, *positions),) in answers:
            if caller < 0:
                self.failed_policies += 1
                continue
            claims, rows = ordered[caller - 1]
            granted.update((claims, rows[position - 1]) for position in positions)
        return granted

    async def _statement(self, table: Table) -> "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            await self.open()
        statement = self._statements.get(table)
        if statement is None:
            assert self._connection is not None
            name = f"visible_{len(self._statements)}_{table.relation.oid}"
            await self._connection.execute(_function(self._template, name, table))
            parameters = ", ".join(f"${number}" for number in range(1, 4 + len(table.primary_key)))
            statement = await self._connection.prepare(f"select pg_temp.{name}({parameters})")
            self._statements[table] = statement
        return statement


def _function(template: str, name: str, table: Table) -> str:
    key = table.primary_key
    numbers = range(1, len(key) + 1)
    parts = {
        "function": name,
        "relation": str(table.relation.oid),
        "table": ".".join(_quoted(part) for part in table.name),
        "key_parameters": ", ".join(f"k{n} text[]" for n in numbers),
        "key_names": ", ".join(f"k{n}" for n in numbers),
        "key_arrays": ", ".join(f"asked.k{n}::{key[n - 1].type}[]" for n in numbers),
        "key_aliases": ", ".join(f"c{n}" for n in numbers),
        "key_equality": " and ".join(f"t.{_quoted(key[n - 1].name)} = k.c{n}" for n in numbers),
    }
    for placeholder, text in parts.items():
        template = template.replace("{{" + placeholder + "}}", text)
    return template


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
