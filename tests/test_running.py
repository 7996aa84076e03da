"""`loadtests run` without a run: what it refuses, and what it says that it would send. Runs are in `tests/e2e`."""

from pathlib import Path

import orjson
import pytest
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


def test_a_database_of_somebody_else_s_is_not_loaded_without_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded pipeline would write to it. First the list, then the name; nothing was made by then."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db.example.org/jobs")
    empty, listed = tmp_path / "empty", tmp_path / "listed"
    empty.write_text("", encoding="utf-8")
    listed.write_text("db.example.org\n", encoding="utf-8")
    out = ("--out", tmp_path / "run")
    unlisted = typed("smoke", "--allow-list", empty, *out)
    unconfirmed = typed("smoke", "--allow-list", listed, *out)

    assert (unlisted.exit_code, unconfirmed.exit_code) == (2, 2)
    assert "db.example.org must not be put under load" in unlisted.output
    assert "confirm it by name, with --confirm db.example.org" in unconfirmed.output
    assert not (tmp_path / "run").exists()
