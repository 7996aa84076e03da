"""`loadtests explain` over a recorded run: read from its directory, in words, as JSON, and refused with a way out."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from loadtests.cli import main
from loadtests.explaining import explain_run
from tests.analysis.synthetic_history import history_of, record_run
from tests.analysis.synthetic_pipeline import SyntheticPipeline

PIPELINE = SyntheticPipeline(organizations=1, subscribers=3, rounds=2)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return the directory of a run of three devices, as the run would have left it."""
    return record_run(PIPELINE, tmp_path / "run")


def invoke(*arguments: str | Path) -> Result:
    """Return what the command line answers."""
    return CliRunner().invoke(main, ["explain", *map(str, arguments)], catch_exceptions=False)


def first_event() -> str:
    """Return the id of the first event of the run."""
    return history_of(PIPELINE).names[0]


def test_a_recorded_run_is_read_and_explained(recorded: Path) -> None:
    """All three received it in time."""
    told = explain_run(recorded, first_event(), subscriber=None)

    assert told.classes == {"delivered_once": 3}


def test_it_is_told_in_words_and_as_json(recorded: Path) -> None:
    """The same event, all subscribers or one of them."""
    words = invoke(recorded, "--event", first_event())
    told = orjson.loads(invoke(recorded, "--event", first_event(), "--subscriber", "1", "--json").output)

    assert words.output.startswith(f"event {first_event()}: job_updated in organization 0")
    assert "3 of its subscribers: delivered once" in words.output
    assert [part["subscriber"] for part in told["subscribers"]] == [1]


def test_an_unknown_event_is_wrong_usage(recorded: Path) -> None:
    """With what comes near, and no traceback."""
    told = invoke(recorded, "--event", "nothing")

    assert told.exit_code == 2
    assert "the run has no event 'nothing'" in told.output
