"""What the whole pipeline sustains: whole runs of `loadtests run`, read back from their ledgers.

Prints, for one run each: mutations through every step (API, audit, event, log, row-level security, frame), and
frames fanned out to a large organization; CPU by process beside the rates, because wall-clock figures of a shared
machine say little.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtests.history.history import History
from loadtests.history.kinds import Kind, Process

_NS = 1e9
_RUN_TIMEOUT_S = 180

MUTATIONS = """
name = "bench-mutations"
question = "How many mutations a second go through the whole pipeline?"
[organizations]
count = 40
[subscribers]
count = 40
[mutators]
users = 64
[[phases]]
name = "warm-up"
duration_s = 2
mutations_per_s = 200
warm_up = true
[[phases]]
name = "load"
duration_s = 10
mutations_per_s = 1000
arrivals = "even"
"""
FRAMES = """
name = "bench-frames"
question = "How many frames a second come out of the whole pipeline?"
[organizations]
count = 1
[subscribers]
count = 1000
web = 0
[[phases]]
name = "warm-up"
duration_s = 2
mutations_per_s = 5
arrivals = "even"
mix = { update = 1 }
warm_up = true
[[phases]]
name = "load"
duration_s = 10
mutations_per_s = 50
arrivals = "even"
mix = { update = 1 }
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One run, its window, and when the command was given."""

    history: History
    commanded_ns: int
    begin_ns: int
    end_ns: int

    def within(self, kind: Kind) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
        """Return the rows of one kind in the measured phase."""
        rows = self.history.of(kind)
        return rows[(rows["at_ns"] >= self.begin_ns) & (rows["at_ns"] < self.end_ns)]

    def rate(self, kind: Kind) -> float:
        """Return rows of one kind per second of the measured phase."""
        return len(self.within(kind)) * _NS / (self.end_ns - self.begin_ns)

    def cpu_s(self, process: Process) -> float:
        """Return the CPU seconds of one process in the measured phase."""
        samples = self.within(Kind.USAGE)
        values = samples["value"][samples["actor"] == process]
        return float(values[-1] - values[0]) / _NS if len(values) else 0.0


def record(scenario: str) -> Recorded:
    """Run a scenario in a temporary directory and read what it recorded."""
    with tempfile.TemporaryDirectory(prefix="loadtests-bench-") as folder:
        source = Path(folder) / "scenario.toml"
        source.write_text(scenario, encoding="utf-8")
        out = Path(folder) / "run"
        command: Sequence[str] = [sys.executable, "-m", "loadtests", "run", str(source), "--out", str(out)]
        commanded_ns = time.monotonic_ns()
        finished = subprocess.run(command, capture_output=True, text=True, timeout=_RUN_TIMEOUT_S, check=False)
        if not (out / "metrics.json").exists():
            raise RuntimeError(f"the run came to nothing:\n{finished.stdout}{finished.stderr}")
        history = History.read(out)
    phases = history.of(Kind.PHASE)
    return Recorded(history, commanded_ns, int(phases["at_ns"][-1]), int(history.of(Kind.ENDED)["at_ns"][0]))


def report_mutations() -> None:
    """Print what a thousand mutations a second cost."""
    run = record(MUTATIONS)
    acked = run.within(Kind.ACKED)
    first_s = (int(run.history.of(Kind.SENT)["at_ns"][0]) - run.commanded_ns) / _NS
    print(f"from the command to the first mutation   {first_s:8.2f} s      (target: 4 s)")
    print(f"mutations acknowledged, 1,000/s due      {run.rate(Kind.ACKED):8.0f} /s     (target: 1,000/s)")
    print(f"events received by subscribers           {run.rate(Kind.SIGNAL):8.0f} /s")
    latency_ms = (acked["at_ns"] - acked["due_ns"]) / 1e6
    p50, p99 = np.quantile(latency_ms, [0.5, 0.99])
    print(f"sent → acked, p50 / p99                  {p50:8.1f} / {p99:.1f} ms")
    for process in (Process.API, Process.POSTGRES, Process.REALTIME, Process.MUTATORS, Process.SWARM):
        cost_us = run.cpu_s(process) / max(len(acked), 1) * 1e6
        print(f"CPU per mutation, {process.name.lower():<22} {cost_us:8.0f} µs")


def report_frames() -> None:
    """Print what fifty thousand frames a second cost."""
    run = record(FRAMES)
    frames = len(run.within(Kind.SIGNAL))
    print(f"frames received, 50,000/s due            {run.rate(Kind.SIGNAL):8.0f} /s     (target: 50,000/s)")
    for process in (Process.REALTIME, Process.SWARM):
        cost_us = run.cpu_s(process) / max(frames, 1) * 1e6
        per_core = 1e6 / cost_us if cost_us else float("nan")
        print(f"CPU per frame, {process.name.lower():<25} {cost_us:8.1f} µs     ({per_core:,.0f}/s on one core)")


def main() -> None:
    """Print both."""
    report_mutations()
    report_frames()


if __name__ == "__main__":
    main()
