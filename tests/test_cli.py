"""The command line without a run: what it lists, refuses and answers. Runs themselves are in `tests/e2e`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import loadtests
from loadtests.cli import main
from loadtests.history.directory import MANIFEST_SCHEMA, RunDirectory
from loadtests.scenario.reader import shipped_scenarios

VERBS = ("run", "report", "check", "explain", "calibrate", "target", "scenarios")


def invoke(*arguments: str | Path) -> Result:
    """Return what the command line answers."""
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def test_help_names_all_verbs_and_exit_codes() -> None:
    """A newcomer's first command."""
    told = invoke("--help")

    assert told.exit_code == 0
    assert all(verb in told.output for verb in VERBS)
    assert all(word in told.output for word in ("0 pass", "3 fail", "4 unknown", "Examples:"))


@pytest.mark.parametrize(
    "verb",
    [("run",), ("report",), ("check",), ("explain",), ("calibrate",), ("scenarios",), ("target",), ("target", "up")],
)
def test_every_verb_explains_itself(verb: tuple[str, ...]) -> None:
    """With `-h` as with `--help`."""
    told = invoke(*verb, "-h")

    assert (told.exit_code, told.output) == (0, invoke(*verb, "--help").output)
    assert "Usage:" in told.output


def test_the_version_is_told() -> None:
    """For reports of faults."""
    assert loadtests.__version__ in invoke("--version").output


def test_scenarios_are_listed_with_their_questions() -> None:
    """One line each."""
    lines = invoke("scenarios").output.splitlines()

    assert [line.split()[0] for line in lines] == list(shipped_scenarios())
    assert all("?" in line for line in lines)


def test_the_questions_stand_beneath_each_other() -> None:
    """However long the longest name is."""
    names = list(shipped_scenarios())
    lines = invoke("scenarios").output.splitlines()

    assert {len(line) - len(line[len(name) :].lstrip()) for name, line in zip(names, lines, strict=True)} == {
        max(map(len, names)) + 2
    }


@pytest.mark.parametrize("verb", ["report", "check"])
def test_a_folder_that_is_no_run_is_refused(verb: str, tmp_path: Path) -> None:
    """Wrong usage, and nothing is written into it."""
    told = invoke(verb, tmp_path)

    assert told.exit_code == 2
    assert f"{tmp_path} is not a run directory: it has no manifest.json" in told.output.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["report", "check"])
def test_a_run_of_another_version_is_refused(verb: str, tmp_path: Path) -> None:
    """Its numbers would not mean what they say."""
    directory = RunDirectory(tmp_path)
    directory.write_json(directory.manifest_file, {"schema": "loadtests.manifest/0"})
    told = invoke(verb, tmp_path)

    assert told.exit_code == 2
    assert MANIFEST_SCHEMA in told.output


def test_an_unknown_scenario_is_refused_with_a_hint() -> None:
    """Wrong usage."""
    told = invoke("run", "smok")

    assert told.exit_code == 2
    assert "did you mean 'smoke'?" in told.output


def test_a_run_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Before anything is started, with the option that chooses another."""
    (tmp_path / "file").touch()
    told = invoke("run", "smoke", "--out", tmp_path / "file" / "run")

    assert told.exit_code == 2
    assert "Not a directory; choose another with --out" in told.output.replace("\n", " ")


def test_a_calibration_never_writes_over_another(tmp_path: Path) -> None:
    """Said before anything starts."""
    told = invoke("calibrate", "--out", tmp_path)

    assert told.exit_code == 2
    assert "exists already" in told.output


def test_a_calibration_loads_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no way to confirm another host by name."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:pw@localhost,db.example.org/jobs")
    told = invoke("calibrate", "--out", tmp_path / "calibration")

    assert told.exit_code == 2
    assert "DATABASE_URL leads to db.example.org" in told.output.replace("\n", " ")
    assert not (tmp_path / "calibration").exists()


def test_a_database_url_that_cannot_be_read_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts."""
    monkeypatch.setenv("DATABASE_URL", "postgresql//me:pa55word@127.0.0.1/jobs")
    told = invoke("target", "up")

    assert told.exit_code == 2
    assert "the database is not named by a URL" in told.output.replace("\n", " ")
    assert "pa55" not in told.output


def test_markup_in_a_message_is_shown_as_it_is() -> None:
    """Square brackets in a file's name are no colours."""
    told = invoke("run", "[red]none.toml")

    assert told.exit_code == 2
    assert "[red]none.toml" in told.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "smoke", "--colour"),
        ("calibrate", "--only", "dorp"),
        ("run", "smoke", "--ui", "--ui-port", "70000"),
        ("target", "up", "--organizations", "0"),
        ("target", "up", "--tokens", "-1"),
        ("target", "up", "--api-port", "http"),
    ],
)
def test_wrong_usage_is_refused_by_the_option_parser(arguments: tuple[str, ...]) -> None:
    """With the exit code of wrong usage."""
    told = invoke(*arguments)

    assert told.exit_code == 2
    assert "Usage:" in told.output
