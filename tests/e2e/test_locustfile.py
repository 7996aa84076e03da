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


@pytest.mark.e2e
def test_a_plain_locust_carries_out_the_schedule_and_ends(tmp_path: Path) -> None:
    """Twenty mutations are due in two seconds: Locust's own statistics count twenty requests and no failure."""
    scenario = tmp_path / "short.toml"
    scenario.write_text(SCENARIO)
    locustfile = Path(__file__).parents[2] / "loadtests" / "locustfile.py"
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless", "-u", "5", "-r", "5", "--json"]

    finished = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "LOADTESTS_SCENARIO": str(scenario)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    statistics = json.loads(finished.stdout)
    assert sum(entry["num_requests"] for entry in statistics) == 20
    assert sum(entry["num_failures"] for entry in statistics) == 0
