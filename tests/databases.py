"""Databases that tests borrow: as fresh as a new one, and mostly not new, because making one means 300 files.

Rows are taken away after each test. A test that changed anything else, the schema or rows that belong to it, leaves a
database that nobody gets again.
"""

from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg import sql

from loadtests.pipeline.postgres import PostgresServer

_CATALOGS: Final = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_policy", "pg_rewrite"),
    *(
        "pg_proc",
        "pg_type",
        "pg_enum",
        "pg_operator",
        "pg_extension",
        "pg_default_acl",
        "pg_sequence",
        "pg_description",
    ),
    *("pg_publication", "pg_publication_rel", "pg_publication_namespace", "pg_event_trigger", "pg_db_role_setting"),
)
"""Whatever a test does to the schema adds, changes or removes a row of one of these."""
_TABLES: Final = """
    select schemaname, tablename from pg_tables where schemaname !~ '^pg_' and schemaname <> 'information_schema'
"""
_SCHEMAS: Final = "select count(*) from pg_namespace where nspname !~ '^pg_'"
"""Apart from those of sessions' temporary things."""
_SEQUENCES: Final = """
    select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences
    where last_value is not null
"""

State = tuple[tuple[int, int | None], ...]
"""Of each table: how many rows, and the last transaction that wrote one. Before them, how many schemas."""
Tables = tuple[sql.Identifier, ...]


class Databases:
    """Databases with the pipeline's schema on one server."""

    def __init__(self, postgres: PostgresServer, template: str, numbers: Iterator[int]) -> None:
        self._postgres = postgres
        self._template = template
        self._numbers = numbers
        self._free: list[str] = []
        self._states: dict[str, State] = {}
        self._empty: Tables = ()
        self._watched: Tables = tuple(sql.Identifier("pg_catalog", name) for name in _CATALOGS)

    def url(self, name: str) -> str:
        """Return the owner's connection string."""
        return self._postgres.url(name)

    def borrow(self) -> str:
        """Return the name of a database that looks as if nobody had ever used it."""
        return self._free.pop() if self._free else self._make()

    def give_back(self, name: str) -> None:
        """Disconnect whoever is left, and take away what was added; what was changed otherwise is dropped."""
        with psycopg.connect(self._postgres.url(), autocommit=True) as owner:
            owner.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (name,)
            ).fetchall()
            slots = owner.execute("select 1 from pg_replication_slots where database = %s", (name,)).fetchall()
            if not slots and self._is_restored(name):
                self._free.append(name)
                return
            del self._states[name]
            owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _make(self) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._postgres.url(), autocommit=True) as owner:
            # Copied as files: through the log, which is the default, it costs more.
            copy = sql.SQL("create database {} template {} strategy file_copy")
            owner.execute(copy.format(sql.Identifier(name), sql.Identifier(self._template)))
        with psycopg.connect(self.url(name)) as owner:
            if not self._empty:
                tables = tuple(sql.Identifier(*names) for names in owner.execute(_TABLES.encode()))
                rows = [count for count, _ in _state(owner, tables)[1:]]
                self._empty = tuple(table for table, count in zip(tables, rows, strict=True) if not count)
                self._watched += tuple(table for table, count in zip(tables, rows, strict=True) if count)
            self._states[name] = _state(owner, self._watched)
        return name

    def _is_restored(self, name: str) -> bool:
        """Remove rows that were added, without triggers; return whether all else is as it was."""
        with psycopg.connect(self.url(name)) as owner:
            if _state(owner, self._watched) != self._states[name]:
                return False
            owner.execute("set local session_replication_role = replica")
            for table in self._empty:
                owner.execute(sql.SQL("delete from {}").format(table))
            owner.execute(_SEQUENCES.encode())
        return True


def _state(owner: psycopg.Connection, tables: Tables) -> State:
    of_one = sql.SQL("select {}, count(*), max(xmin::text::bigint) from {}")
    schemas = sql.SQL("select -1, ({}), null::bigint").format(sql.SQL(_SCHEMAS))
    each = [of_one.format(sql.Literal(place), table) for place, table in enumerate(tables)]
    rows = owner.execute(sql.SQL(" union all ").join([schemas, *each]) + sql.SQL(" order by 1")).fetchall()
    return tuple((int(count), written) for _, count, written in rows)
