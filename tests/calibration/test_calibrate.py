"""What a run of a case leaves behind, as it is compared; whole calibrations are in `tests/e2e`."""

from datetime import date
from pathlib import Path

import pytest

from loadtests.calibration.calibrate import read_found, seeds_of
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

    found = read_found(CASE, 5, directory)

    assert (found.case, found.seed, found.trouble, found.number("delivery.leaked")) == ("frames", 5, [], 7)
    assert [fault["kind"] for fault in found.truth] == ["leak"]


def test_a_run_without_faults_has_no_account(directory: RunDirectory) -> None:
    """The calm case."""
    assert read_found(CASE, 5, directory).truth == ()


def test_trouble_is_read_with_the_run(directory: RunDirectory) -> None:
    """Such a run certifies nothing."""
    directory.write_json(directory.verdict_file, {TROUBLE_KEY: ["the swarm died"]})

    assert read_found(CASE, 5, directory).trouble == ["the swarm died"]


def test_seeds_are_those_of_the_day_unless_somebody_chooses() -> None:
    """So that nobody has tuned anything on them; the certificate tells them."""
    today = date(2026, 11, 25)

    assert seeds_of(None, 3, today=today) == (202611250, 202611251, 202611252)
    assert seeds_of(7, 2, today=today) == (7, 8)
