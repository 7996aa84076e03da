"""Probes against the real thing: a database's clock, and processes that can be measured otherwise."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from loadtests.drivers.probes import ClockProbe, UsageProbe
from loadtests.history.history import History
from loadtests.history.kinds import Kind, Process
from loadtests.history.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return an empty ledger."""
    return Ledger(tmp_path / "runner.ledger", capacity_rows=100)


def recorded(ledger: Ledger) -> History:
    """Close the ledger and read it."""
    ledger.close()
    return History.read(ledger.path.parent)


def test_the_databases_clock_is_bounded_by_the_exchange(ledger: Ledger, database: str) -> None:
    """On one host both clocks are the same one: the truth lies within the bound of every exchange."""
    probe = ClockProbe(database)
    probe.sample(ledger, exchanges=5)
    probe.close()
    true_offset_ns = time.clock_gettime_ns(time.CLOCK_REALTIME) - time.monotonic_ns()
    samples = recorded(ledger).of(Kind.CLOCK)
    told_offset_ns = samples["value"] - samples["at_ns"]

    assert len(samples) == 5
    assert (samples["due_ns"] > 0).all()
    # A microsecond, for the database tells no finer, and a few for this test's own two readings.
    assert np.all(np.abs(told_offset_ns - true_offset_ns) <= samples["due_ns"] + 100_000)


def cpu_ns(process: psutil.Process) -> int:
    """Return the CPU time that the system says a process has used."""
    times = process.cpu_times()
    return round((times.user + times.system) * 1e9)


def test_usage_is_what_the_system_says(ledger: Ledger) -> None:
    """CPU time since the start, resident memory, and which process it was."""
    own = psutil.Process()
    before_ns = cpu_ns(own)
    UsageProbe({os.getpid(): (Process.SWARM, 3)}).sample(ledger)
    after_ns = cpu_ns(own)
    (sample,) = recorded(ledger).of(Kind.USAGE)

    assert (sample["actor"], sample["flag"]) == (Process.SWARM, 3)
    assert before_ns <= sample["value"] <= after_ns
    assert sample["due_ns"] == pytest.approx(own.memory_info().rss, rel=0.2)


@pytest.mark.e2e
def test_a_process_that_has_ended_is_left_out(ledger: Ledger) -> None:
    """The others are still measured."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        probe = UsageProbe({child.pid: (Process.API, 0), os.getpid(): (Process.RUNNER, 0)})
        probe.sample(ledger)
    for _ in range(2):
        probe.sample(ledger)
    actors = recorded(ledger).of(Kind.USAGE)["actor"].tolist()

    assert actors == [Process.API, Process.RUNNER, Process.RUNNER, Process.RUNNER]


@pytest.mark.e2e
def test_a_database_is_measured_with_its_backends(ledger: Ledger) -> None:
    """The postmaster does nothing itself: what its children use counts."""
    burn = "sum(range(3_000_000))"
    spawn = f"subprocess.run([sys.executable, '-c', '{burn}'])"
    parent = f"import subprocess, sys; {spawn}; print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as postmaster:
        assert postmaster.stdout is not None
        postmaster.stdout.readline()
        UsageProbe({postmaster.pid: (Process.POSTGRES, 0)}).sample(ledger)
        UsageProbe({postmaster.pid: (Process.API, 0)}).sample(ledger)
    with_children, alone = recorded(ledger).of(Kind.USAGE)["value"].tolist()

    assert with_children > alone
