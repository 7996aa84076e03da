"""`make bench`: every benchmark, one after another, under the machine's name and load.

Benchmarks never fail a build: their figures are for people, and this machine may be busy.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run each `bench_*.py` beside this file in a process of its own; return how many of them broke."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} CPUs")
    broken = 0
    for script in sorted(Path(__file__).parent.glob("bench_*.py")):
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"\n== {script.stem.removeprefix('bench_')} (load average {load})", flush=True)
        broken += subprocess.run([sys.executable, str(script)], check=False).returncode != 0
    return broken


if __name__ == "__main__":
    sys.exit(main())
