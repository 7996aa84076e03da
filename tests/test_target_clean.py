"""What `loadtests target clean` leaves alone; what it removes is in `tests/e2e/test_external_target.py`."""

from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

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


def test_people_who_were_given_stay_though_the_target_file_has_changed(tmp_path: Path) -> None:
    """It would open the database by now. Nobody is asked whether they are there, and the port answers nobody."""
    (tmp_path / "key").write_text("any", encoding="utf-8")
    (tmp_path / "database").write_text("postgresql://postgres@127.0.0.1:1/postgres", encoding="utf-8")
    (tmp_path / "target.toml").write_text(TARGET, encoding="utf-8")
    run = RunDirectory.create(tmp_path / "run")
    manifest = make_manifest(read_scenario("two-devices"), run_id="any", gates=(), started_at=datetime.now(UTC))
    run.write_json(run.manifest_file, manifest)
    given = Given(organizations=("theirs",), authors=("their author",), members=(("their user",),))
    run.write_json(run.given_file, given.to_json())

    arguments = ["target", "clean", str(run.path), "--target", str(tmp_path / "target.toml")]
    told = CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert told.exit_code == 0
    assert "it made nobody, and nobody is removed" in told.output
