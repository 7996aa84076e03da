"""What a driver reads from a run directory."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.drivers.run_input import RunInput
from loadtests.history.directory import NoRunError, RunDirectory
from loadtests.runner.manifest import make_manifest
from loadtests.scenario.reader import read_scenario


def prepared(path: Path, *overrides: str) -> RunDirectory:
    """Return a run directory as the runner leaves it to its drivers."""
    directory = RunDirectory.create(path)
    source = read_scenario("smoke", overrides)
    manifest = make_manifest(source, run_id="a run", gates=(), started_at=datetime(2026, 1, 2, tzinfo=UTC))
    directory.write_json(directory.manifest_file, manifest)
    return directory


def test_a_driver_rebuilds_what_the_runner_validated(tmp_path: Path) -> None:
    """Scenario with overrides, seed and run id: hence the same population in each process."""
    prepared(tmp_path / "run", "subscribers.count=3", "seed=9")
    run = RunInput.read(tmp_path / "run")

    assert run.scenario == read_scenario("smoke", ["subscribers.count=3", "seed=9"]).scenario
    assert (run.population.seed, run.population.run_id) == (9, "a run")
    assert len(run.population.subscribers) == 3


def test_a_run_that_was_recorded_before_there_was_a_control_group_had_none(tmp_path: Path) -> None:
    """Judged again it misses nobody; what was recorded with one, or with none on purpose, keeps that."""
    directory = prepared(tmp_path / "run", "subscribers.count=3")
    manifest = directory.read_manifest()
    sizes = []
    for control in ({}, {"control": 0}, {"control": 3}):
        subscribers = {key: value for key, value in manifest["scenario"]["subscribers"].items() if key != "control"}
        old = {**manifest, "scenario": {**manifest["scenario"], "subscribers": subscribers | control}}
        directory.write_json(directory.manifest_file, old)
        sizes.append(len(RunInput.read(directory.path).population.controls))

    assert sizes == [0, 0, 3]


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    """The text says what is missing."""
    with pytest.raises(NoRunError, match=r"is not a run directory: it has no manifest\.json"):
        RunInput.read(tmp_path)


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    """The text names both schemas and what recorded the run."""
    directory = prepared(tmp_path / "run")
    manifest = directory.read_manifest() | {"schema": "loadtests.manifest/0", "versions": {"loadtests": "0.0.1"}}
    directory.write_json(directory.manifest_file, manifest)

    with pytest.raises(NoRunError, match=r"manifest/0.*manifest/1.*0\.0\.1"):
        RunInput.read(directory.path)


@pytest.mark.parametrize(("override", "rows"), [([], 50), (["ledger_rows=7"], 7)])
def test_a_ledger_has_the_room_that_the_scenario_grants(tmp_path: Path, override: list[str], rows: int) -> None:
    """By default what the process expects to need."""
    prepared(tmp_path / "run", *override)
    ledger = RunInput.read(tmp_path / "run").create_ledger("swarm-0", expected_rows=50)

    assert ledger.path.stat().st_size == rows * 40
    ledger.close()
