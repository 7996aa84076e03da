"""What `loadtests target clean` leaves alone; what it removes is in `tests/e2e/test_external_target.py`."""

from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from loadtests.cli import main
from loadtests.history.directory import RunDirectory
from loadtests.runner.manifest import make_manifest
from loadtests.scenario.given import Given
from loadtests.scenario.reader import read_scenario

TARGET = """
kind = "supabase"
supabase_url = "http://127.0.0.1:1"
api_url = "http://127.0.0.1:1"
[keys]
anon = { file = "key" }
jwt_secret = { file = "key" }
database = { file = "database" }
"""


def run_in(folder: Path, database_url: str) -> RunDirectory:
    """Write a target file with its secrets, and a run; return the latter."""
    (folder / "key").write_text("any", encoding="utf-8")
    (folder / "database").write_text(database_url, encoding="utf-8")
    (folder / "target.toml").write_text(TARGET, encoding="utf-8")
    run = RunDirectory.create(folder / "run")
    manifest = make_manifest(read_scenario("two-devices"), run_id="any", gates=(), started_at=datetime.now(UTC))
    run.write_json(run.manifest_file, manifest)
    return run


def cleaned(folder: Path) -> Result:
    """Return what the command line answers."""
    arguments = ["target", "clean", str(folder / "run"), "--target", str(folder / "target.toml")]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_people_who_were_given_stay_though_the_target_file_has_changed(tmp_path: Path) -> None:
    """It would open the database by now. Nobody is asked whether they are there, and the port answers nobody."""
    run = run_in(tmp_path, "postgresql://postgres@127.0.0.1:1/postgres")
    given = Given(organizations=("theirs",), authors=("their author",), members=(("their user",),))
    run.write_json(run.given_file, given.to_json())

    told = cleaned(tmp_path)

    assert told.exit_code == 0
    assert "it made nobody, and nobody is removed" in told.output


def test_a_database_url_that_cannot_be_read_is_refused_without_its_password(tmp_path: Path) -> None:
    """Its client would have told all of it."""
    run_in(tmp_path, "postgresql//me:pa55word@127.0.0.1/jobs")

    told = cleaned(tmp_path)

    assert told.exit_code == 2
    assert "the database is not named by a URL" in told.output
    assert "pa55" not in told.output
