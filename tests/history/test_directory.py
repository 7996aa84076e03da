"""The run directory."""

from pathlib import Path

import pytest

from loadtests.history.directory import NoRunError, RunDirectory


def test_a_run_directory_is_made_once(tmp_path: Path) -> None:
    """Two runs never share one."""
    RunDirectory.create(tmp_path / "runs" / "one")

    with pytest.raises(FileExistsError):
        RunDirectory.create(tmp_path / "runs" / "one")


def test_a_document_is_written_whole_and_read_back(tmp_path: Path) -> None:
    """No draft stays behind."""
    run = RunDirectory.create(tmp_path / "run")
    run.write_json(run.manifest_file, {"seed": 7})

    assert RunDirectory.open(run.path).read_manifest() == {"seed": 7}
    assert [path.name for path in run.path.iterdir()] == ["manifest.json"]


def test_a_path_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    """The text says what was expected there."""
    with pytest.raises(NoRunError, match=r"has no manifest\.json"):
        RunDirectory.open(tmp_path)
