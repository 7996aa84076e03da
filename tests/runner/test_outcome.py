"""What is kept of a run's troubles, so that its verdict can be repeated."""

from pathlib import Path

from loadtests.history.directory import RunDirectory
from loadtests.runner.outcome import CERTIFICATE_FILE, TROUBLE_KEY, newest_calibration, recorded_trouble


def test_a_run_without_a_verdict_never_ended(tmp_path: Path) -> None:
    """It was killed; whoever judges what it left has to say so."""
    (trouble,) = recorded_trouble(RunDirectory(tmp_path))

    assert trouble.startswith("the run did not come to its end")


def test_troubles_survive_in_the_verdict(tmp_path: Path) -> None:
    """None is a list of none."""
    directory = RunDirectory(tmp_path)
    directory.write_json(directory.verdict_file, {TROUBLE_KEY: ["the swarm died"]})
    told = recorded_trouble(directory)
    directory.write_json(directory.verdict_file, {TROUBLE_KEY: []})

    assert (told, recorded_trouble(directory)) == (["the swarm died"], [])


def test_the_newest_certificate_beside_the_runs_is_told(tmp_path: Path) -> None:
    """By when it was made; nothing where none was."""
    none = newest_calibration(tmp_path)
    for folder, started_at, summary in (("b", "2026-01-01", "old"), ("a", "2026-02-01", "new")):
        directory = RunDirectory.create(tmp_path / "calibration" / folder)
        directory.write_json(directory.path / CERTIFICATE_FILE, {"started_at": started_at, "summary": summary})

    assert (none, newest_calibration(tmp_path)) == (None, "new (2026-02-01)")
