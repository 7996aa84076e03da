"""A calibration from nothing to a certificate: planted by the embedded pipeline, found by the ordinary analysis."""

from pathlib import Path

import orjson

from loadtests.history.history import History
from loadtests.history.kinds import Kind
from tests.e2e.commands import StartCommand


def test_planted_frame_faults_are_found_exactly(start: StartCommand, tmp_path: Path) -> None:
    """Counts to the last frame, and nothing that nobody planted."""
    out = tmp_path / "calibration"
    with start("calibrate", "--only", "duplicate", "--rounds", 1, "--seed", 11, "--out", out) as command:
        code = command.wait_end()

    certificate = orjson.loads((out / "certificate.json").read_bytes())
    wrong = [finding for finding in certificate["findings"] if finding["verdict"] == "wrong"]
    counted = {finding["fault"] for finding in certificate["findings"] if finding["verdict"] == "found"}

    assert wrong == [], command.text
    assert code == 0, command.text
    assert {"drop", "duplicate", "leak", "phantom", "degraded", "delay", "nothing else"} <= counted
    assert "| 11 | frames | drop |" in (out / "certificate.md").read_text(encoding="utf-8")


def test_what_was_planted_is_recorded_with_the_run(start: StartCommand, tmp_path: Path) -> None:
    """The target's own account as a file, and a row in the history for each fault."""
    out = tmp_path / "run"
    with start(
        "run",
        "--no-report",
        "smoke",
        *("--set", 'phases=[{name="steady", duration_s=2, mutations_per_s=10}]'),
        *("--set", "pollers=[]", "--set", "subscribers.count=10", "--set", "subscribers.control=0"),
        *("--set", "deadline_ms=1000"),
        *("--set", 'faults=[{at_s=0.5, kind="close", code=1012}]', "--set", "gates=[]", "--out", out),
    ) as command:
        command.wait_end()

    history = History.read(out)
    (row,) = history.of(Kind.FAULT)
    (fault,) = orjson.loads((out / "faults.json").read_bytes())["faults"]

    assert history.names[row["entity"]] == 'close {"code": 1012}'
    assert row["at_ns"] >= row["due_ns"]
    assert (row["value"], fault["kind"], fault["planted"]) == (fault["id"], "close", 10)
