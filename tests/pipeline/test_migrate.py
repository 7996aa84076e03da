"""Migrations: files in the order of their numbers, each applied once."""

from pathlib import Path

import psycopg
import pytest

from loadtests.pipeline.migrate import Migration, MigrationError, migrate, read_migrations, shipped_migrations
from loadtests.pipeline.postgres import PostgresServer


def migration(version: str, sql: str) -> Migration:
    """Return a migration of that number."""
    return Migration(version=version, name="step", sql=sql)


def empty_database(postgres: PostgresServer, name: str) -> str:
    """Return the URL of a new database without any schema."""
    with psycopg.connect(postgres.url(), autocommit=True) as owner:
        owner.execute(f"create database {name}".encode())
    return postgres.url(name)


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Numbers count, not letters; other files are none of our business."""
    for name in ("0010_last.sql", "2_second.sql", "0001_first.sql", "README.md"):
        (tmp_path / name).write_text("select 1")

    assert [found.name for found in read_migrations(tmp_path)] == ["first", "second", "last"]


def test_a_file_without_a_number_is_refused(tmp_path: Path) -> None:
    """Nobody could say when it is to be applied."""
    (tmp_path / "jobs.sql").write_text("select 1")

    with pytest.raises(MigrationError, match=r"jobs\.sql"):
        read_migrations(tmp_path)


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    """Their order would be left to chance."""
    for name in ("0001_jobs.sql", "0001_users.sql"):
        (tmp_path / name).write_text("select 1")

    with pytest.raises(MigrationError, match=r"0001_(jobs|users)\.sql and 0001_(jobs|users)\.sql"):
        read_migrations(tmp_path)


def test_the_package_ships_its_migrations() -> None:
    """The files are found as resources of the package, checkout or wheel."""
    versions = [int(found.version) for found in shipped_migrations()]

    assert versions
    assert versions == sorted(versions)


def test_each_migration_is_applied_once(postgres: PostgresServer) -> None:
    """A second pass applies only what is new."""
    url = empty_database(postgres, "migrated_once")
    first = migration("0001", "create table t (n int); insert into t values (1);")
    second = migration("0002", "insert into t select n + 1 from t")

    assert migrate(url, [first]) == ["0001_step.sql"]
    assert migrate(url, [first, second]) == ["0002_step.sql"]
    assert migrate(url, [first, second]) == []
    with psycopg.connect(url) as connection:
        assert connection.execute("select array_agg(n order by n) from t").fetchone() == ([1, 2],)


def test_a_failed_migration_leaves_no_trace_and_names_its_line(postgres: PostgresServer) -> None:
    """What stands before the error in the file is undone, and the text says where to look."""
    url = empty_database(postgres, "migration_failed")
    good = migration("0001", "create table t (n int)")
    bad = migration("0002", "-- é: counted in characters, as the server does\ninsert into t values (1);\nselec 1;\n")

    with pytest.raises(MigrationError, match=r"0002_step\.sql, line 3: syntax error"):
        migrate(url, [good, bad])
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (0,)
        recorded = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
    assert recorded == [("0001",)]
