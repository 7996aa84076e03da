"""The polling feed beside the real server it imitates, its messages limit, and the streaming feed beside both.

Commit returned to the writer → frame read by a subscriber, one clock. The real server's figures are those of
Supabase Realtime v2.129.8 on a single node, PostgreSQL 15, two busy cores. Lanes that load next to nothing run side
by side, so the whole takes about five minutes. `python tests/benchmarks/bench_twin.py [--quick]`.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from tempfile import gettempdir
from uuid import uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray
from realtime_stage import INSERT_EVENT, LIVE_S, populate, realtime, subscribe

from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.migrate import migrate
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import RealtimeOptions
from loadtests.processes.spawn import Child

SETTLE_S = 4.0
"""Longer than the largest poll: 100 rows for 500 subscribers come 2.7 s after the ones before."""
REAL_MS = {
    (1, 1): (263, 482), (1, 10): (258, 495), (1, 50): (260, 537),
    (50, 1): (220, 478), (50, 10): (283, 530), (50, 50): (272, 576),
    (500, 1): (336, 503), (500, 10): (303, 622), (500, 30): (338, 1501), (500, 50): (3071, 6084),
}  # fmt: skip
"""Subscribers and inserts a second: p50 and p95."""
REAL_SHARE = 0.25
REAL_PERIOD_MS = 526
REAL_DRAIN_PER_S = 38
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many subscribers, of so many users, and rows for so long."""

    subscribers: int
    rows_per_s: float
    duration_s: float
    users: int | None = None
    """As many as subscribers, if it is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came of a load."""

    load: Load
    rows: int
    latency_ms: Floats
    """Of each frame that was received."""
    at_s: Floats
    """When it was received, from the first insert."""

    @property
    def share(self) -> float:
        """Frames received of those due."""
        return len(self.latency_ms) / (self.rows * self.load.subscribers)

    def quantile(self, of: float) -> float:
        """Return a quantile of the latency."""
        return float(np.quantile(self.latency_ms, of)) if len(self.latency_ms) else float("nan")


class Bench:
    """One PostgreSQL server; each measurement has a database and a Realtime server of its own."""

    def __init__(self, postgres: PostgresServer, scratch: Path) -> None:
        self._postgres = postgres
        self._scratch = scratch
        self._numbers = count(1)
        self._one_at_a_time = threading.Lock()
        migrate(postgres.url(self._create("template1")))

    def measure(self, options: RealtimeOptions, *loads: Load) -> list[Received]:
        """Apply the loads one after another to one server."""
        with self._one_at_a_time:
            name = self._create("twin_1")
        database = self._postgres.url(name)
        with realtime(database, options, self._scratch / f"{name}.log") as server:
            return [self._apply(load, database, server.url, name) for load in loads]

    def _create(self, template: str) -> str:
        name = f"twin_{next(self._numbers)}"
        with psycopg.connect(self._postgres.url(), autocommit=True) as owner:
            owner.execute(f"create database {name} template {template}".encode())
        return name

    def _apply(self, load: Load, database: str, url: str, name: str) -> Received:
        organization, users = str(uuid4()), [str(uuid4()) for _ in range(load.users or load.subscribers)]
        populate(database, organization, users)
        subscribers = [users[at % len(users)] for at in range(load.subscribers)]
        crowd = subscribe(url, organization, subscribers, log=self._scratch / f"{name}-subscribers.log")
        try:
            crowd.wait_for("ready", LIVE_S)
            committed_ns = _insert(database, organization, load)
            return self._collect(crowd, load, committed_ns)
        finally:
            crowd.stop()

    def _collect(self, crowd: Child, load: Load, committed_ns: list[int]) -> Received:
        """Wait until nothing more comes, and read what came."""
        file = self._scratch / f"{uuid4()}.npy"
        seen = -1
        while True:
            time.sleep(SETTLE_S)
            crowd.send({"do": "tell", "file": str(file)})
            crowd.wait_for("told", LIVE_S)
            pairs = np.load(file)
            if len(pairs) == seen or len(pairs) == len(committed_ns) * load.subscribers:
                break
            seen = len(pairs)
        if not len(pairs):
            raise RuntimeError(f"none of {len(committed_ns)} rows reached a subscriber: {load}")
        sent = np.asarray(committed_ns, dtype=np.int64)
        return Received(
            load=load,
            rows=len(committed_ns),
            latency_ms=(pairs[:, 1] - sent[pairs[:, 0]]) / 1e6,
            at_s=(pairs[:, 1] - committed_ns[0]) / 1e9,
        )


def _insert(database: str, organization: str, load: Load) -> list[int]:
    """Commit rows at random moments; return when each commit had returned."""
    random = Random(1)  # noqa: S311 - jitter, no secret
    returned_ns: list[int] = []
    begin_ns = time.monotonic_ns()
    with psycopg.connect(database, autocommit=True) as writer:
        for number in range(round(load.rows_per_s * load.duration_s)):
            due_ns = begin_ns + round((number + random.random()) / load.rows_per_s * 1e9)
            time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            writer.execute(INSERT_EVENT, (organization, str(number)))
            returned_ns.append(time.monotonic_ns())
    return returned_ns


# ---- what is printed


def print_cells(cells: Sequence[Received]) -> None:
    """Print commit-to-received beside the real server's."""
    print(f"{'subscribers':>12}{'rows/s':>8}{'rows':>6}{'received':>10}{'p50 ms':>9}{'real':>7}", end="")
    print(f"{'p95 ms':>9}{'real':>7}")
    for cell in sorted(cells, key=lambda one: (one.load.subscribers, one.load.rows_per_s)):
        real = REAL_MS.get((cell.load.subscribers, round(cell.load.rows_per_s)), (0, 0))
        print(
            f"{cell.load.subscribers:>12}{cell.load.rows_per_s:>8.0f}{cell.rows:>6}{cell.share:>10.1%}"
            f"{cell.quantile(0.5):>9.0f}{real[0]:>7}{cell.quantile(0.95):>9.0f}{real[1]:>7}"
        )


def print_idle(cell: Received) -> None:
    """Print how even the latencies of a quiet system are."""
    p50 = cell.quantile(0.5)
    print(f"quiet p50                        {p50:8.0f} ms      (target: 208 to 312 ms)")
    ordered = np.sort(cell.latency_ms) / 500
    expected = (np.arange(len(ordered)) + 0.5) / len(ordered)
    distance = float(np.abs(ordered - expected).max())
    critical = 1.36 / np.sqrt(len(ordered))
    print(f"distance from uniform, 0-500 ms  {distance:8.3f}      (target: below {critical:.3f}, n = {len(ordered)})")
    histogram = np.histogram(cell.latency_ms, bins=[0, 100, 200, 300, 400, 500, 1e9])[0]
    print(f"rows in each 100 ms, and beyond  {'  '.join(map(str, histogram))}")


def print_pace(sparse: Received, flooded: Received) -> None:
    """Print how far apart batches come, and what 500 subscribers drain once that is less than what comes."""
    between_ms = np.diff(np.sort(sparse.at_s)) * 1e3
    period_ms = float(np.median(between_ms[between_ms > 250]))  # rows of one batch come within a few milliseconds
    print(f"between batches, 10 rows/s       {period_ms:8.0f} ms      (real {REAL_PERIOD_MS})")
    drained_per_s = flooded.rows / float(flooded.at_s.max())
    print(f"drained by 500 subscribers       {drained_per_s:8.1f} rows/s  (real {REAL_DRAIN_PER_S})")


def print_limit(cell: Received) -> None:
    """Print what the messages limit let through."""
    seconds = np.bincount(cell.at_s.astype(int).clip(min=0), minlength=round(cell.load.duration_s))
    between_s = np.diff(np.sort(cell.at_s))
    gaps = [f"{gap_s:.1f}" for gap_s in between_s[between_s > 2.0]]  # a poll comes twice a second
    fives = [int(seconds[at : at + 5].sum()) for at in range(0, len(seconds), 5)]
    print(f"share delivered at five times the limit {cell.share:6.1%}     (target: 15 to 35 %, real {REAL_SHARE:.0%})")
    print(f"silent runs, s                          {', '.join(gaps)}     (target: 5 and more)")
    print(f"frames in each 5 s                      {fives}")


def print_streaming(streaming: Received, polling: Received) -> None:
    """Print the streaming feed beside the polling one."""
    fast, slow = streaming.quantile(0.5), polling.quantile(0.5)
    print("1,000 subscribers of 10 users, 20 rows/s, p50 / p95")
    print(f"streaming            {fast:9.1f} / {streaming.quantile(0.95):.1f} ms")
    print(f"polling              {slow:9.0f} / {polling.quantile(0.95):.0f} ms")
    print(f"streaming of polling {fast / slow:9.1%}        (target: at most 5 %)")


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a quarter of the time, and less certain")
    scale = 0.25 if parser.parse_args(arguments).quick else 1.0

    def load(subscribers: int, rows_per_s: float, duration_s: float, users: int | None = None) -> Load:
        return Load(subscribers=subscribers, rows_per_s=rows_per_s, duration_s=duration_s * scale, users=users)

    polling = RealtimeOptions(feed="supabase")
    with (
        owned_directory(Path(gettempdir())) as directory,
        PostgresServer.create(directory / "postgres") as postgres,
    ):
        bench = Bench(postgres, directory)
        lanes: list[Callable[[], list[Received]]] = [
            lambda: bench.measure(RealtimeOptions(feed="supabase", plan="free"), load(50, 10, 125)),
            lambda: bench.measure(polling, load(1, 1, 115)),
            lambda: bench.measure(polling, load(50, 1, 50), load(500, 1, 50)),
        ]
        with ThreadPoolExecutor(len(lanes)) as pool:
            limited, quiet, slow = (lane.result() for lane in [pool.submit(lane) for lane in lanes])
        busy = bench.measure(
            polling, load(1, 10, 15), load(1, 50, 15), load(50, 10, 15), load(50, 50, 15), load(500, 10, 20),
            load(500, 30, 30), load(500, 50, 20),
        )  # fmt: skip
        many = load(1000, 20, 12, users=10)
        (streamed,) = bench.measure(RealtimeOptions(), many)
        (polled,) = bench.measure(polling, many)
    print_cells([*quiet, *slow, *busy])
    print_idle(quiet[0])
    print_pace(busy[0], busy[-1])
    print_limit(limited[0])
    print_streaming(streamed, polled)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
