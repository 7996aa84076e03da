"""What a run of a case leaves behind, as it is compared; whole calibrations are in `tests/e2e`."""

from pathlib import Path

import pytest

from loadtests.calibration.calibrate import read_found
from loadtests.calibration.cases import CASES
from loadtests.history.directory import RunDirectory
from loadtests.runner.outcome import TROUBLE_KEY

CASE = CASES[1]


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """Return the directory of a run that ended by itself."""
    run = RunDirectory(tmp_path)
    run.write_json(run.metrics_file, {"delivery": {"leaked": 7}})
    run.write_json(run.verdict_file, {TROUBLE_KEY: []})
    return run


def test_account_metrics_and_trouble_are_read(directory: RunDirectory) -> None:
    """The target's account comes from its own file."""
    directory.write_json(directory.faults_file, {"faults": [{"kind": "leak", "planted": 7}]})

    found = read_found(CASE, directory)

    assert (found.case, found.trouble, found.number("delivery.leaked")) == ("frames", [], 7)
    assert [fault["kind"] for fault in found.truth] == ["leak"]


def test_a_run_without_faults_has_no_account(directory: RunDirectory) -> None:
    """The calm case."""
    assert read_found(CASE, directory).truth == ()


def test_trouble_is_read_with_the_run(directory: RunDirectory) -> None:
    """Such a run certifies nothing."""
    directory.write_json(directory.verdict_file, {TROUBLE_KEY: ["the swarm died"]})

    assert read_found(CASE, directory).trouble == ["the swarm died"]
