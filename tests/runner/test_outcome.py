"""What is kept of a run's troubles, so that its verdict can be repeated."""

from pathlib import Path

from loadtests.history.directory import RunDirectory
from loadtests.runner.outcome import TROUBLE_KEY, recorded_trouble


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
