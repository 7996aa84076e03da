"""`loadtests run` without a run: what it refuses, and what it says that it would send. Runs are in `tests/e2e`."""

from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from loadtests.cli import main


def typed(*arguments: str | Path) -> Result:
    """Return what the command line answers."""
    return CliRunner().invoke(main, ["run", *map(str, arguments)], catch_exceptions=False)


def test_a_dry_run_sends_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """Not even a run directory."""
    told = typed("smoke", "--dry-run", "--out", tmp_path / "run")

    assert told.exit_code == 0
    assert "dry run of smoke on an embedded pipeline, plan unlimited: nothing is sent" in told.output
    assert not (tmp_path / "run").exists()


def test_a_dry_run_follows_overrides_and_speaks_json() -> None:
    """The plan that the embedded pipeline would keep."""
    keys = ("organizations.count=1", "subscribers.count=400", "target.plan=pro")
    told = typed("smoke", *(part for key in keys for part in ("--set", key)), "--dry-run", "--json")

    assert told.exit_code == 0
    assert orjson.loads(told.output)["refused"] is True


def test_a_gate_that_cannot_be_judged_is_refused_before_anything_else() -> None:
    """By the option that it came with."""
    told = typed("smoke", "--gate", "nonsense", "--dry-run")

    assert told.exit_code == 2
    assert "--gate" in told.output
