"""Which of the truth's tables and columns a backend's database has, asked once; and which of them nothing makes up for.

Somebody else's tables have other columns than ours. What is missing is not known, which is another thing than empty.
Knows the catalog, and nothing of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import psycopg

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "realtime_events": ("id", "organization_id", "event_type", "payload", "created_at"),
    "jobs": ("id", "organization_id", "created_at"),
}
"""Without these there is no truth."""
USEFUL: Final[Mapping[str, tuple[str, ...]]] = {
    "documents": ("id", "organization_id", "job_id", "created_at"),
    "audit_logs": ("organization_id", "event_name", "job_id", "metadata", "ledger_seq"),
}
"""Tables that a backend need not have; one without these columns tells nothing."""
TOLD_OF_JOBS: Final = ("archived_at", "review_flag", "risk_score")
"""Columns of a job that a backend need not have, each with its part of the truth."""
# The view of the standard shows what one may read, which is what can be told.
_COLUMNS: Final = """
    select table_name::text, column_name::text from information_schema.columns
    where table_schema = 'public' and table_name = any(%s)
"""


@dataclass(frozen=True, slots=True)
class TruthColumns:
    """The columns of the truth's tables, as far as they are there and may be read."""

    of_table: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> Self:
        """Ask the catalog."""
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(_COLUMNS, ([*NEEDED, *USEFUL],)):
            found.setdefault(table, set()).add(column)
        return cls({table: frozenset(columns) for table, columns in found.items()})

    def has(self, table: str, column: str) -> bool:
        """Return whether a table has a column."""
        return column in self.of_table.get(table, frozenset())

    def tells(self, table: str) -> bool:
        """Return whether a table that a backend need not have tells anything."""
        return all(self.has(table, column) for column in USEFUL[table])

    def refusal(self) -> str | None:
        """Return in one sentence what is missing without which there is no truth, and what helps; None: nothing is."""
        wanting = [f"no table public.{table}" for table in NEEDED if table not in self.of_table]
        wanting += [
            f"no column {table}.{column}"
            for table, columns in NEEDED.items()
            for column in columns
            if table in self.of_table and not self.has(table, column)
        ]
        if not wanting:
            return None
        return (
            f"the truth cannot be read by SQL: the database has {' and '.join(wanting)}, or its user may not read "
            "them; name the backend's own database and a user who may, or leave the database out of the target's keys"
        )

    def untold(self) -> list[str]:
        """Return what is missing that leaves something unknown, in words."""
        tables = [f"no table {table}" for table in USEFUL if table not in self.of_table]
        tables += [
            f"a table {table} without {', '.join(column for column in columns if not self.has(table, column))}"
            for table, columns in USEFUL.items()
            if table in self.of_table and not self.tells(table)
        ]
        return tables + [f"no column jobs.{column}" for column in TOLD_OF_JOBS if not self.has("jobs", column)]
