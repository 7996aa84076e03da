"""Deaths, interruptions and full ledgers: the run ends, says why, keeps what it has, and leaves nothing behind."""

import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from loadtests.history.history import History
from loadtests.history.kinds import Kind
from tests.e2e.commands import LOOK_S, PATIENCE_S, POSTGRES, Command, StartCommand

VICTIMS = {
    "Realtime": "loadtests.pipeline.realtime",
    "jobs API": "loadtests.pipeline.api",
    "postgres": POSTGRES,
    "embedded pipeline": "-m loadtests.pipeline$",
    "swarm": "loadtests.drivers.swarm",
    "mutators": "loadtests.drivers.mutator_process",
}
LONG = (
    *("--set", "phases.0.duration_s=0.2", "--set", "phases.1.duration_s=60"),
    *("--set", "deadline_ms=1000", "--set", "subscribers.control=0"),
)
"""A load that would outlast every test, measured from the start."""
MEASURED = ("--no-report", *LONG)
"""The same for whoever looks at the verdict alone: rendering the page costs as much as the run."""


def document(path: Path) -> Any:
    """Return a JSON document."""
    return orjson.loads(path.read_bytes())


def wait_rows(directory: Path, kind: Kind, count: int) -> None:
    """Wait until the ledgers of a run that is under way hold `count` rows of a kind."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if len(History.read(directory).of(kind)) >= count:
            return
        time.sleep(LOOK_S)  # polls files that other processes write
    raise AssertionError(f"there are no {count} rows of {kind.name} in {directory}")


def wait_writes(command: Command, directory: Path) -> None:
    """Wait until the load runs and changes have reached devices."""
    command.wait_load()
    wait_rows(directory, Kind.SIGNAL, 5)
    command.remember_family()


def assert_ends_as_unknown(command: Command, directory: Path, *words: str) -> None:
    """Look at everything that a run which was cut short owes: verdict, reason, what was recorded, a clean machine."""
    code = command.wait_end()
    verdict = document(directory / "verdict.json")

    assert (code, verdict["value"]) == (4, "unknown"), command.text
    assert all(word in " ".join(verdict["reasons"]) for word in words), verdict["reasons"]
    assert all(word in command.text for word in words)
    assert len(History.read(directory).of(Kind.SIGNAL)) >= 5
    assert command.left_behind() == []


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_death_ends_the_run_and_is_named(
    start: StartCommand, short_scenario: Path, tmp_path: Path, victim: str
) -> None:
    """The target or a driver: the run ends within seconds, with all that was recorded."""
    directory = tmp_path / "run"
    with start("run", short_scenario, *MEASURED, "--out", directory) as command:
        wait_writes(command, directory)
        command.relative(VICTIMS[victim]).kill()

        assert_ends_as_unknown(command, directory, victim, "SIGKILL")


def test_a_ledger_that_is_full_ends_the_run(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """It never drops a row; what it holds is kept, and the verdict says that more would have been needed."""
    directory = tmp_path / "run"
    with start("run", short_scenario, *MEASURED, "--set", "ledger_rows=1500", "--out", directory) as command:
        command.wait_load()

        assert_ends_as_unknown(command, directory, ".ledger is full after 1,500 rows")


def test_ctrl_c_once_drains_and_reports(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """The load stops at once; devices go on until the accounting closes; the verdict is unknown."""
    directory = tmp_path / "run"
    with start("run", short_scenario, *LONG, "--out", directory) as command:
        wait_writes(command, directory)
        command.process.send_signal(signal.SIGINT)

        assert_ends_as_unknown(command, directory, "stopped by the user")

    assert (directory / "report.html").stat().st_size > 1000
    history = History.read(directory)
    metrics = document(directory / "metrics.json")
    (ended,) = history.of(Kind.ENDED)
    margin_ns = 500_000_000

    assert "draining" in command.text
    assert history.of(Kind.DUE)["at_ns"].max() < ended["at_ns"] + margin_ns
    assert len(history.of(Kind.LOGOUT)) == 60
    assert metrics["delivery"]["missed_live"] == 0


def test_ctrl_c_twice_leaves_at_once(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """No drain and no report, but no orphan either; what was recorded can still be reported."""
    directory = tmp_path / "run"
    with start("run", short_scenario, *LONG, "--out", directory) as command:
        wait_writes(command, directory)
        command.process.send_signal(signal.SIGINT)
        command.wait_text("^draining")
        command.process.send_signal(signal.SIGINT)
        code = command.wait_end()

        assert code == 130
        assert "nothing more is measured" in command.text
        assert "Traceback" not in command.text
        assert command.left_behind() == []
        assert not (directory / "report.html").exists()


def test_ctrl_c_before_the_load_leaves_without_a_trace(
    start: StartCommand, short_scenario: Path, tmp_path: Path
) -> None:
    """Nothing was measured, so there is nothing to report."""
    with start("run", short_scenario, "--out", tmp_path / "run") as command:
        command.wait_text("^preparing the target")
        wait_postgres(command)
        command.process.send_signal(signal.SIGINT)
        code = command.wait_end()

        assert code == 130
        assert command.left_behind() == []


def wait_postgres(command: Command) -> None:
    """Wait until the pipeline is on its way up."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        command.remember_family()
        if any(POSTGRES in line for line in command.relatives.values()):
            return
        time.sleep(LOOK_S)  # polls the processes of another one
    raise AssertionError("PostgreSQL was never started")


@pytest.fixture(scope="module")
def killed(start: StartCommand, short_scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run whose own process was killed in the middle of the load; nothing outlives it."""
    directory = tmp_path_factory.mktemp("killed") / "run"
    with start("run", short_scenario, *LONG, "--out", directory) as command:
        wait_writes(command, directory)
        command.process.kill()

        assert command.left_behind() == []
        assert len(command.relatives) >= 7
    return directory


def test_a_killed_runs_ledgers_can_be_read(killed: Path) -> None:
    """Up to the last row that was written."""
    history = History.read(killed)

    assert len(history.of(Kind.SIGNAL)) >= 5
    assert len(history.of(Kind.ENDED)) == 0
    assert not (killed / "verdict.json").exists()


@pytest.mark.parametrize("verb", ["report", "check"])
def test_a_killed_run_is_reported_as_unknown(start: StartCommand, killed: Path, verb: str) -> None:
    """Time and again: the second time, too, it never came to its end."""
    with start(verb, killed) as command:
        code = command.wait_end()

    assert code == 4, command.text
    assert "verdict: unknown" in command.text
    assert "the run did not come to its end" in command.text
    assert (killed / "report.html").stat().st_size > 1000


def test_a_target_that_suffers_is_spared(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """Half of all requests fail by a planted fault: the load ends, drains, is reported, and says by which numbers."""
    directory = tmp_path / "run"
    faults = 'faults=[{at_s=1,kind="errors",share=0.5,duration_s=60}]'
    with start(
        "run", short_scenario, *MEASURED, "--set", faults, "--set", "abort.error_share=0.2", "--out", directory
    ) as run:
        assert_ends_as_unknown(run, directory, "aborted before its end, to spare the target", "and the limit is 20%")

    (ended,) = History.read(directory).of(Kind.ENDED)
    metrics = document(directory / "metrics.json")

    assert ended["flag"] == 0
    assert metrics["delivery"]["missed_live"] == 0
    assert metrics["mutations"]["due"] < 20 * 60 / 2
