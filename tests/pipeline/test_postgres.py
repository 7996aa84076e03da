"""Our own PostgreSQL process: settings, ports, ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import psutil
import psycopg
import pytest

from loadtests.pipeline import postgres as module
from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.postgres import PostgresError, PostgresServer


@pytest.fixture
def directory() -> Iterator[Path]:
    """Return a directory that PostgreSQL's account can enter, which pytest's own are not for root."""
    with owned_directory(Path(gettempdir())) as path:
        yield path


def test_the_server_is_set_up_for_a_change_feed(postgres: PostgresServer) -> None:
    """Logical decoding, commit times, and no delay between a commit and its change."""
    names = ("wal_level", "track_commit_timestamp", "synchronous_commit", "fsync", "max_connections", "max_wal_senders")
    with psycopg.connect(postgres.url()) as connection:
        found = [connection.execute("select current_setting(%s)", (name,)).fetchone() for name in names]

    assert found == [("logical",), ("on",), ("on",), ("off",), ("200",), ("10",)]


def test_our_own_processes_take_a_shorter_way(postgres: PostgresServer) -> None:
    """A socket in the server's folder, with the same password."""
    with psycopg.connect(postgres.local_url()) as connection:
        row = connection.execute("select inet_client_addr() is null").fetchone()

    assert row == (True,)


def test_a_path_too_long_for_a_socket_leaves_the_port() -> None:
    """A temporary directory may be deep."""
    server = PostgresServer(Path(gettempdir()) / ("deep" * 30))

    assert server.local_url() == server.url()


def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    """Everybody on the machine reaches the port, and nobody but us gets in."""
    stranger = postgres.url().replace(postgres._password, "guess")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger)


def test_the_server_does_not_run_as_root(postgres: PostgresServer) -> None:
    """Not even when we are root."""
    assert psutil.Process(postgres.pid).uids().real != 0


@pytest.mark.e2e
def test_a_port_that_was_taken_meanwhile_is_tried_again(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing a port and opening it, somebody else may."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], module._free_port()])
        monkeypatch.setattr(module, "_free_port", lambda: next(ports))
        with PostgresServer.create(directory / "postgres") as server, psycopg.connect(server.url()) as connection:
            row = connection.execute("select 1").fetchone()

    assert row == (1,)
    assert next(ports, None) is None


@pytest.mark.e2e
def test_a_server_that_does_not_start_says_why(directory: Path) -> None:
    """PostgreSQL's own words are in the error."""
    with pytest.raises(PostgresError, match=r'invalid value for parameter "wal_level": "nonsense"'):
        PostgresServer.create(directory / "postgres", configuration={"wal_level": "nonsense"})


@pytest.mark.e2e
def test_a_stopped_server_starts_again_where_it_was(directory: Path) -> None:
    """Same port, same rows."""
    with PostgresServer.create(directory / "postgres") as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("create table t as select 42 as n")
        url = server.url()
        server.stop()
        ended = server.exit_code
        server.start()
        with psycopg.connect(url) as connection:
            row = connection.execute("select n from t").fetchone()

    assert ended == 0
    assert row == (42,)


@pytest.mark.e2e
def test_the_obituary_names_the_signal(directory: Path) -> None:
    """Whoever reads it learns how the server ended."""
    with PostgresServer.create(directory / "postgres") as server:
        backends = psutil.Process(server.pid).children()
        os.kill(server.pid, signal.SIGKILL)
        server._running().wait(10)
        psutil.wait_procs(backends, 10)

        assert f"postgres (pid {server.pid}) was killed by SIGKILL" in server.obituary()


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_the_server_ends_with_a_parent_that_was_killed(directory: Path) -> None:
    """No clean-up code runs in the parent, and still nothing stays."""
    program = (
        "import sys, pathlib; from loadtests.pipeline.postgres import PostgresServer\n"
        "server = PostgresServer.create(pathlib.Path(sys.argv[1]) / 'postgres')\n"
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        postmaster = psutil.Process(int(parent.stdout.readline()))
        family = [postmaster, *postmaster.children()]
        parent.kill()
    gone, alive = psutil.wait_procs(family, 10)

    assert len(gone) == len(family)
    assert alive == []
