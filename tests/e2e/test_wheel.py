"""Installed as a wheel, outside the checkout: the command is there, and it finds its scenarios and its pages."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.e2e.commands import PATIENCE_S, ROOT


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a new environment with our wheel in it; the dependencies are this environment's own."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "environment")}))
    # A path file shares what is installed here; an editable install of ours is no such path, so ours is the wheel's.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    target = ("--quiet", "--no-deps", "--no-index", "--prefix", folder / "environment")
    run(sys.executable, "-m", "pip", "install", *target, "--ignore-installed", wheel)
    return folder / "environment" / "bin"


def run(*command: str | Path, folder: Path = Path("/"), code: int = 0) -> str:
    """Return what a command writes."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_wheels_own_modules_are_used(environment: Path, tmp_path: Path) -> None:
    """Not those of the checkout."""
    code = "import loadtests, reports, scenarios; print(loadtests.__file__, reports.__file__, scenarios.__file__)"
    found = run(environment / "python", "-c", code, folder=tmp_path).split()

    assert all(Path(path).is_relative_to(environment.parent) for path in found), found


def test_shipped_scenarios_are_found_by_name(environment: Path, tmp_path: Path) -> None:
    """They are part of the wheel."""
    listed = run(environment / "python", "-m", "loadtests", "scenarios", folder=tmp_path)

    assert all(name in listed for name in ("smoke", "two-devices", "burst"))


def test_a_run_works_outside_the_checkout(environment: Path, tmp_path: Path) -> None:
    """By the installed command, with a report in the current directory."""
    short = (
        "organizations.count=10",
        "subscribers.count=40",
        "phases.0.duration_s=0.5",
        "phases.1.duration_s=3",
        "health.send_delay_ms_p99=5000",
        "health.loop_lag_ms_p99=5000",
        "pollers=[{interval_s=1,count=20}]",
        "deadline_ms=1000",
    )
    gates = ("--set", "gates=['delivery.missed_live == 0', 'delivery.leaked == 0']")
    options = [word for override in short for word in ("--set", override)]
    told = run(environment / "loadtests", "run", "smoke", *options, *gates, folder=tmp_path)
    latest = tmp_path / "reports" / "runs" / "smoke" / "latest"

    assert "verdict: pass" in told
    assert (latest / "report.html").stat().st_size > 1000
    assert run(environment / "loadtests", "check", latest, folder=tmp_path)
