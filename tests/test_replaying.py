"""`loadtests replay` over a recorded run: as a table, as JSON, and refused with a way out."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from loadtests.cli import main
from loadtests.replaying import replay_run
from tests.analysis.synthetic_history import record_run
from tests.analysis.synthetic_pipeline import SyntheticPipeline

PIPELINE = SyntheticPipeline(organizations=1, subscribers=3, rounds=2)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return the directory of a run of three devices, as the run would have left it."""
    return record_run(PIPELINE, tmp_path / "run")


def invoke(*arguments: str | Path) -> Result:
    """Return what the command line answers."""
    return CliRunner().invoke(main, ["replay", *map(str, arguments)], catch_exceptions=False)


def test_a_grid_is_replayed_and_told_of(recorded: Path) -> None:
    """The policies are heard of one by one."""
    heard: list[tuple[int, int]] = []

    replays = replay_run(recorded, (), seed=1, tell=lambda done, total: heard.append((done, total)))

    assert replays.subscribers == 3
    assert heard[-1] == (103, 103)
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})


def test_what_was_asked_for_is_a_row_of_the_table(recorded: Path) -> None:
    """Beside the run itself, its policy and the design's."""
    lines = invoke(recorded, "--policy", "edge=none", "--policy", "hybrid").output.splitlines()

    assert lines[0].startswith("3 subscribers, ")
    assert [line.split()[0] for line in lines[5:10]] == ["recorded", "live", "design", "edge=none", "hybrid"]


def test_json_holds_every_policy(recorded: Path) -> None:
    """And which of them to take, and the prices."""
    told = orjson.loads(invoke(recorded, "--json").output)

    assert (told["schema"], len(told["policies"]), len(told["prices"])) == ("loadtests.replay/1", 101, 9)
    assert {*told["front"]} <= {each["policy"] for each in (told["live"], told["design"], *told["policies"])}


def test_what_is_no_policy_is_wrong_usage(recorded: Path) -> None:
    """With what was expected, and no traceback."""
    told = invoke(recorded, "--policy", "soon")

    assert told.exit_code == 2
    assert "neither live, design nor hybrid" in told.output
