"""The same short run in other surroundings: a server of one's own, Locust's web UI, several processes."""

import signal
import socket
from pathlib import Path

import httpx
import psycopg
import pytest

from loadtests.history.history import History
from loadtests.history.kinds import Kind, Process
from loadtests.pipeline.postgres import PostgresServer
from tests.e2e.commands import Command, StartCommand

NO_CONTROL = ("--set", "subscribers.control=0")
BRIEF = ("--set", "phases.0.duration_s=0.2", "--set", "phases.1.duration_s=2", "--set", "deadline_ms=1000", *NO_CONTROL)
ENDLESS = ("--set", "phases.0.duration_s=0.2", "--set", "phases.1.duration_s=60", *NO_CONTROL)


def databases(server: PostgresServer) -> set[str]:
    """Return the names of a server's databases."""
    with psycopg.connect(server.url()) as connection:
        return {str(name) for (name,) in connection.execute("select datname from pg_database")}


def leave_at_once(command: Command) -> None:
    """Press Ctrl-C twice, with enough between them for two signals to be two."""
    command.process.send_signal(signal.SIGINT)
    command.wait_text("^draining")
    command.process.send_signal(signal.SIGINT)
    command.wait_end()


def test_a_run_can_use_a_server_of_ones_own(
    start: StartCommand, short_scenario: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    """DATABASE_URL names it; the run makes a database of its own there and takes it away again."""
    before = databases(postgres)
    with start(
        "run", "--no-report", short_scenario, *BRIEF, "--out", tmp_path / "run", DATABASE_URL=postgres.url()
    ) as command:
        command.wait_load()
        during = databases(postgres)
        code = command.wait_end()

    assert code == 0, command.text
    assert len(during - before) == 1
    assert databases(postgres) == before
    assert postgres.url().encode() not in b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())


def test_a_killed_run_leaves_no_database_on_a_server_of_ones_own(
    start: StartCommand, short_scenario: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    """The supervisor outlives its parent for long enough to clean up."""
    before = databases(postgres)
    with start(
        "run", "--no-report", short_scenario, *ENDLESS, "--out", tmp_path / "run", DATABASE_URL=postgres.url()
    ) as command:
        command.wait_load()
        command.remember_family()
        command.process.kill()

        assert command.left_behind() == []
    assert databases(postgres) == before


def test_the_web_ui_shows_what_the_mutators_do(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """Locust's own page and statistics, while the run goes on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    with start(
        "run", "--no-report", short_scenario, *ENDLESS, "--ui", "--ui-port", port, "--out", tmp_path / "run"
    ) as command:
        command.wait_load()
        page = httpx.get(f"http://127.0.0.1:{port}/")
        statistics = httpx.get(f"http://127.0.0.1:{port}/stats/requests").json()
        leave_at_once(command)

        assert f"http://127.0.0.1:{port}" in command.text
        assert command.left_behind() == []
    assert (page.status_code, statistics["state"], statistics["user_count"]) == (200, "running", 10)


@pytest.mark.parametrize("subscribers", [40, 1])
def test_devices_can_be_spread_over_processes(
    start: StartCommand, short_scenario: Path, tmp_path: Path, subscribers: int
) -> None:
    """Also over more processes than there are subscribers."""
    spread = ("--set", "subscribers.processes=3", "--set", f"subscribers.count={subscribers}")
    with start("run", "--no-report", short_scenario, *BRIEF, *spread, "--out", tmp_path / "run") as command:
        code = command.wait_end()

    assert code == 0, command.text
    assert len(list((tmp_path / "run").glob("swarm-*.ledger"))) == 3
    lag = History.read(tmp_path / "run").of(Kind.LOOP_LAG)
    assert set(lag["flag"][lag["actor"] == Process.SWARM]) == {0, 1, 2}
