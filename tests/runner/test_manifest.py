"""What a run was meant to be: complete, and without secrets."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest

import loadtests
from loadtests.runner.manifest import make_manifest, new_run_id
from loadtests.scenario.model import Scenario
from loadtests.scenario.reader import read_scenario

STARTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))


def manifest(*overrides: str, **keys: Any) -> dict[str, Any]:
    """Return the manifest of a run of smoke."""
    source = read_scenario("smoke", overrides)
    return make_manifest(source, **{"run_id": "a run", "gates": (), "started_at": STARTED_AT} | keys)


def test_the_scenario_is_there_twice() -> None:
    """As it was written, for people, and as it was validated, for the drivers."""
    written = manifest("seed=7")

    assert written["scenario_text"] == read_scenario("smoke").text
    assert Scenario.model_validate(written["scenario"]) == read_scenario("smoke", ["seed=7"]).scenario
    assert (written["seed"], written["overrides"], written["scenario_source"]) == (7, ["seed=7"], "smoke.toml")


def test_gates_of_the_command_line_are_kept() -> None:
    """A later check judges by the same ones."""
    assert manifest(gates=("delivery.leaked == 0",))["gates"] == ["delivery.leaked == 0"]


def test_the_time_is_that_of_no_time_zone() -> None:
    """Runs of different machines can be put in order."""
    assert manifest()["started_at"] == "2026-01-02T01:04:05+00:00"
    assert datetime.fromisoformat(manifest()["started_at"]) == STARTED_AT.astimezone(UTC)


def test_versions_and_machine_are_kept() -> None:
    """Without them a number says little."""
    written = manifest()

    assert written["versions"]["loadtests"] == loadtests.__version__
    assert written["versions"]["locust"][0].isdigit()
    assert written["host"]["cpus"] >= 1
    assert written["host"]["memory_bytes"] > 2**27


def test_nothing_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's address is given there, and may hold a password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:a-password@host/db")

    assert b"a-password" not in orjson.dumps(manifest())


def test_the_manifest_is_json(tmp_path: Path) -> None:
    """It survives being written and read."""
    path = tmp_path / "manifest.json"
    path.write_bytes(orjson.dumps(manifest()))

    assert orjson.loads(path.read_bytes()) == manifest()


def test_no_two_runs_have_the_same_identifier() -> None:
    """Even when they start at the same moment."""
    assert len({new_run_id() for _ in range(1000)}) == 1000
