"""Brings a database to the schema of the pipeline: the SQL files of `migrations`, in the order of their numbers.

Knows how to apply files and remembers which it applied; what they hold is theirs alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg

_RECORD = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text primary key, name text not null);
"""


class MigrationError(RuntimeError):
    """A migration did not apply. The text names the file and the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One SQL file, `<version>_<name>.sql`; the version is a number, and the order is the order of versions."""

    version: str
    name: str
    sql: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.version}_{self.name}.sql"


def shipped_migrations() -> list[Migration]:
    """Return the pipeline's own migrations, from a checkout or from an installed package."""
    return read_migrations(resources.files("loadtests.pipeline") / "migrations")


def read_migrations(folder: Traversable) -> list[Migration]:
    """Return the migrations in `folder` in the order of their versions.

    Raises:
        MigrationError: a file has no number, or two have the same.

    """
    found: dict[int, Migration] = {}
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        version, _, name = file.name.removesuffix(".sql").partition("_")
        if not version.isdecimal():
            raise MigrationError(f"migration {file.name} does not begin with a number: call it NNNN_what_it_does.sql")
        other = found.setdefault(int(version), Migration(version=version, name=name, sql=file.read_text("utf-8")))
        if other.file != file.name:
            raise MigrationError(f"migrations {other.file} and {file.name} have the same number: give one another")
    return [found[version] for version in sorted(found)]


def migrate(database_url: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Apply what `database_url` does not have yet, each file in a transaction; return the files applied.

    Raises:
        MigrationError: a file is not valid there; it left no trace, and those before it stay applied.

    """
    wanted = shipped_migrations() if migrations is None else migrations
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_RECORD)
        rows = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
        applied = {version for (version,) in rows}
        pending = [migration for migration in wanted if migration.version not in applied]
        for migration in pending:
            _apply(connection, migration)
    return [migration.file for migration in pending]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name) values (%s, %s)",
                (migration.version, migration.name),
            )
    except psycopg.Error as error:
        place = _place(migration.sql, error.diag.statement_position)
        raise MigrationError(f"migration {migration.file}{place}: {str(error).strip()}") from error


def _place(sql: str, position: str | None) -> str:
    """Return the line of the character that the server complains about (counted from 1), if it named one."""
    if position is None:
        return ""
    return f", line {sql.count(chr(10), 0, int(position) - 1) + 1}"
