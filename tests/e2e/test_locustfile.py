"""The same mutators under a plain `locust`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """
name = "short"
question = "Do the mutators work under a plain locust?"
[organizations]
count = 2
[[phases]]
name = "only"
duration_s = 2
mutations_per_s = 10
arrivals = "even"
"""


def finished_locust(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Return a plain locust that has carried out the scenario, or refused to."""
    scenario = folder / "short.toml"
    scenario.write_text(SCENARIO)
    locustfile = Path(__file__).parents[2] / "loadtests" / "locustfile.py"
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless", "-u", "5", "-r", "5", "--json"]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LOADTESTS_SCENARIO": str(scenario), **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.e2e
def test_a_plain_locust_carries_out_the_schedule_and_ends(tmp_path: Path) -> None:
    """Twenty mutations are due in two seconds: Locust's own statistics count twenty requests and no failure."""
    finished = finished_locust(tmp_path)

    assert finished.returncode == 0, finished.stderr
    statistics = json.loads(finished.stdout)
    assert sum(entry["num_requests"] for entry in statistics) == 20
    assert sum(entry["num_failures"] for entry in statistics) == 0


@pytest.mark.e2e
def test_a_plain_locust_loads_nobody_else(tmp_path: Path) -> None:
    """There is no list and no name to confirm: the verb that has both is named."""
    names = ("JOBS_API_URL", "REALTIME_URL", "ANON_KEY", "SERVICE_ROLE_KEY", "JWT_SECRET")
    lines = [
        *(f"{name}=https://api.example.com" for name in names),
        "DB_URL=postgresql://localhost/db?host=db.example.com",
    ]
    target = tmp_path / "target.env"
    target.write_text("\n".join(lines), encoding="utf-8")
    finished = finished_locust(tmp_path, LOADTESTS_TARGET=str(target))

    assert finished.returncode != 0
    assert "loads this machine alone, and LOADTESTS_TARGET names api.example.com and db.example.com" in finished.stderr
    assert "loadtests run SCENARIO --target FILE" in finished.stderr
