"""The embedded pipeline as its user sees it: up, in trouble, gone."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from loadtests.pipeline.settings import StackSettings
from loadtests.targets.embedded import EmbeddedTarget, Running, TargetError, settings_from

PATIENCE_S = 20

pytestmark = pytest.mark.e2e


@pytest.fixture
def target(tmp_path: Path) -> Iterator[EmbeddedTarget]:
    """Return a pipeline of the test's own, starting."""
    started = EmbeddedTarget.start(StackSettings(gateway=False), log=tmp_path / "target.log")
    yield started
    started.stop()


def wait_trouble(target: EmbeddedTarget) -> str:
    """Return what the target says is wrong with it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if trouble := target.trouble():
            return trouble
    raise AssertionError("the target has no trouble")


def family(target: EmbeddedTarget) -> list[psutil.Process]:
    """Return the supervisor and all that it started."""
    supervisor = psutil.Process(target.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def assert_gone(processes: list[psutil.Process], running: Running) -> None:
    """Wait for the end of all of them, and look for what they left behind."""
    _, alive = psutil.wait_procs(processes, PATIENCE_S)

    assert alive == []
    assert not running.directory.exists()


def test_a_target_is_up_when_it_is_ready_and_gone_when_it_is_stopped(target: EmbeddedTarget) -> None:
    """All of it: processes and directory."""
    running = target.wait_ready()
    processes = family(target)

    assert httpx.get(f"{running.endpoint.api_url}/health").status_code == 200
    assert set(running.pids) == {"postgres", "jobs API", "Realtime"}
    assert target.trouble() is None

    target.stop()

    assert_gone(processes, running)


def test_a_part_that_dies_is_named(target: EmbeddedTarget) -> None:
    """And the others do not outlive it. Each part's death, as the supervisor tells it, is the pipeline's own test."""
    part = "Realtime"
    running = target.wait_ready()
    processes = family(target)
    os.kill(running.pids[part], signal.SIGKILL)

    assert f"{part} (pid {running.pids[part]}) was killed by SIGKILL" in wait_trouble(target)

    target.stop()

    assert_gone(processes, running)


def test_a_supervisor_that_dies_leaves_nothing_behind(target: EmbeddedTarget) -> None:
    """What it could not remove itself is removed by whoever started it."""
    running = target.wait_ready()
    processes = family(target)
    os.kill(target.pid, signal.SIGKILL)

    assert "embedded pipeline" in wait_trouble(target)

    psutil.wait_procs(processes, PATIENCE_S)
    target.stop()

    assert_gone(processes, running)


def test_a_target_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Here the folder for its files does not exist."""
    target = EmbeddedTarget.start(
        settings_from({"directory_parent": str(tmp_path / "none")}), log=tmp_path / "target.log"
    )
    try:
        with pytest.raises(TargetError, match=r"embedded pipeline failed: .*none.* is no directory"):
            target.wait_ready()
    finally:
        target.stop()
