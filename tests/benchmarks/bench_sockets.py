"""How many sockets one Realtime process holds, what each costs, and ten thousand connects within a second.

Targets were written for another machine: yardsticks that both have measured tell what the figures would be there.
Every socket has joined a channel with its own user's token. Files are limited for each process, so the clients are
several processes, each with an address of its own where the system has more than one on the loopback interface.
`python tests/benchmarks/bench_sockets.py`: about a minute and a half.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit
from tempfile import gettempdir
from urllib.request import Request, urlopen
from uuid import uuid4

import numpy as np
import psutil
import psycopg
from realtime_stage import (
    INSERT_EVENT,
    LIVE_S,
    PYTHON_PATH,
    Server,
    binding_of,
    populate,
    realtime,
    subscribe,
    token,
)
from yardsticks import Yardstick, fan_out, token_check

from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.migrate import migrate
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import RealtimeOptions
from loadtests.processes.spawn import Child
from loadtests.wire import phoenix
from loadtests.wire.phoenix import Vsn

SOCKETS = 15_200
SPARE_FILES = 300
CROWDS = 2
ALL_LIVE_S = 120.0
SHARING = 2000
SHARED_USERS = 10
FAN_OUT_ROWS = 20
ROW_EVERY_S = 0.1
CROWDED_ROWS = 100
CROWDED_ROW_EVERY_S = 0.02
STORM = 10_000
STORM_PROCESSES = 2
STORM_WITHIN_S = 1.0
PATIENCE_S = 40.0
OBSERVED_EVERY_S = 0.05
TARGET_KIB = 15
TARGET_JOINS = 2000
TARGET_FRAMES = 80_000
_NS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all measurements share."""

    database: str
    scratch: Path

    def log(self, name: str) -> Path:
        """Return the file for a child's log."""
        return self.scratch / f"{name}.log"


def source(number: int) -> str:
    """Return an address of the loopback interface; Linux has them all."""
    return f"127.0.0.{number + 1}" if sys.platform == "linux" else "127.0.0.1"


@contextmanager
def crowds(
    stage: Stage, server: Server, sizes: list[int], users: int | None = None
) -> Iterator[list[tuple[str, Child]]]:
    """Start processes of subscribers, each an organization of so many users; yields them before they are live."""
    started = []
    for number, size in enumerate(sizes):
        organization, people = str(uuid4()), [str(uuid4()) for _ in range(users or size)]
        populate(stage.database, organization, people)
        subscribers = [people[at % len(people)] for at in range(size)]
        log = stage.log(f"crowd-{organization}")
        started.append((organization, subscribe(server.url, organization, subscribers, log=log, source=source(number))))
    try:
        yield started
    finally:
        for _, crowd in started:
            crowd.stop()


def insert(stage: Stage, organization: str, numbers: range, every_s: float = 0.0) -> list[int]:
    """Commit rows; return when each commit had returned."""
    returned_ns = []
    with psycopg.connect(stage.database, autocommit=True) as writer:
        for number in numbers:
            writer.execute(INSERT_EVENT, (organization, str(number)))
            returned_ns.append(time.monotonic_ns())
            time.sleep(every_s)
    return returned_ns


def received(stage: Stage, crowd: Child, wanted: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Return pairs (row's number, when), once there are as many as wanted or it has been long enough."""
    file = stage.scratch / f"{uuid4()}.npy"
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        crowd.send({"do": "tell", "file": str(file)})
        crowd.wait_for("told", LIVE_S)
        pairs: np.ndarray[tuple[int, int], np.dtype[np.int64]] = np.load(file)
        if len(pairs) >= wanted or time.monotonic() > deadline_s:
            return pairs
        time.sleep(0.5)


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


# ---- sockets


def measure_sockets(stage: Stage, server: Server, python: Yardstick) -> None:
    """Print what very many joined sockets cost, then storm the server that holds them."""
    process = psutil.Process(server.child.pid)
    _, files = getrlimit(RLIMIT_NOFILE)
    sockets = min(SOCKETS, files - SPARE_FILES)
    before_rss, before_s = process.memory_info().rss, cpu_s(process)
    with crowds(stage, server, [sockets // CROWDS] * CROWDS) as started:
        ready = [crowd.wait_for("ready", ALL_LIVE_S) for _, crowd in started]
        took_s = (max(one["live_ns"] for one in ready) - min(one["began_ns"] for one in ready)) / _NS
        joining_s = cpu_s(process) - before_s
        kib = (process.memory_info().rss - before_rss) / 1024 / sockets
        print(f"sockets, joined, each its own user {sockets:8,}        (hard limit of open files: {files:,})")
        print(f"resident memory for each           {kib:8.1f} KiB    (target: at most {TARGET_KIB})")
        per_core = sockets / joining_s
        there = f"reference machine: {python.rate_there(per_core):,.0f}/s; target: {TARGET_JOINS:,}/s"
        joins = f"{per_core:,.0f}/s on one core; {there}"
        print(f"joins, as measured                 {sockets / took_s:8,.0f} /s     ({joins})")
        print(f"subscriptions in force             {subscriptions(server):8,}")
        organization, crowd = started[0]
        everybody = FanOut(organization=organization, crowd=crowd, who="each another user", members=sockets // CROWDS)
        everybody.measure(stage, process, range(FAN_OUT_ROWS), ROW_EVERY_S)
        kib = (process.memory_info().rss - before_rss) / 1024 / sockets
        print(f"resident memory for each, then     {kib:8.1f} KiB")
        measure_storm(stage, server, f"with {sockets:,} sockets open")
        insert(stage, organization, range(FAN_OUT_ROWS, FAN_OUT_ROWS + 1))
        total = (FAN_OUT_ROWS + 1) * (sockets // CROWDS)
        print(f"frames of all rows after the storm {len(received(stage, crowd, total)):8,} of {total:,}")


def measure_shared(stage: Stage, server: Server, system: Yardstick) -> None:
    """Print what rows cost whose receivers are devices of a few people, asked about once for each of these.

    First one by one, each row a write to each socket; then faster than they can be written, so that rows join.
    """
    print(f"bare picows {1e6 / system.here_us:,.0f} frames/s on one core, one write each")
    with crowds(stage, server, [SHARING], users=SHARED_USERS) as ((organization, crowd),):
        crowd.wait_for("ready", ALL_LIVE_S)
        process = psutil.Process(server.child.pid)
        who = f"of {SHARED_USERS} users"
        rows = range(FAN_OUT_ROWS)
        everybody = FanOut(organization=organization, crowd=crowd, who=who, members=SHARING)
        everybody.measure(stage, process, rows, ROW_EVERY_S)
        crowded = range(FAN_OUT_ROWS, FAN_OUT_ROWS + CROWDED_ROWS)
        everybody.measure(stage, process, crowded, CROWDED_ROW_EVERY_S)


def subscriptions(server: Server) -> int:
    """Return what the server itself says."""
    headers = {"Authorization": f"Bearer {token('service_role', None)}"}
    with urlopen(Request(f"http://127.0.0.1:{server.port}/metrics", headers=headers), timeout=LIVE_S) as answer:
        text = answer.read().decode()
    return int(float(re.findall(r"^realtime_subscriptions_manager_subscribers\S* (\S+)$", text, re.MULTILINE)[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """Rows for everybody in an organization."""

    organization: str
    crowd: Child
    who: str
    members: int

    def measure(self, stage: Stage, process: psutil.Process, rows: range, every_s: float) -> None:
        """Print what they cost."""
        before_s = cpu_s(process)
        committed_ns = insert(stage, self.organization, rows, every_s=every_s)
        told = received(stage, self.crowd, rows.stop * self.members)
        pairs = told[told[:, 0] >= rows.start]
        used_s = cpu_s(process) - before_s
        elapsed_s = (int(pairs[:, 1].max()) - committed_ns[0]) / _NS
        print(f"frames of {len(rows)} rows, one each {every_s:g} s, for {self.members:,} subscribers, {self.who}")
        print(f"    received                       {len(pairs):8,} of {len(rows) * self.members:,}, {elapsed_s:.1f} s")
        print(f"    frames/s                       {len(pairs) / elapsed_s:8,.0f} /s     as they came")
        is_crowded = every_s < ROW_EVERY_S
        target = f"; target: {TARGET_FRAMES:,}/s" if is_crowded else ""
        print(f"    frames/s on one core           {len(pairs) / used_s:8,.0f} /s     (CPU {used_s:.1f} s{target})")


# ---- the storm


def measure_storm(stage: Stage, server: Server, when: str) -> None:
    """Print what became of ten thousand connects, and whether somebody who was there before kept receiving."""
    process = psutil.Process(server.child.pid)
    with crowds(stage, server, [1]) as ((organization, observer),):
        observer.wait_for("ready", LIVE_S)
        before_s = cpu_s(process)
        storms = [_storm(stage, server, organization, number) for number in range(STORM_PROCESSES)]
        rows = round(3 / OBSERVED_EVERY_S)
        committed_ns = insert(stage, organization, range(rows), every_s=OBSERVED_EVERY_S)
        over = [storm.wait_for("over", PATIENCE_S + LIVE_S) for storm in storms]
        used_s = cpu_s(process) - before_s
        for storm in storms:
            storm.stop()
        insert(stage, organization, range(rows, rows + 1))
        pairs = received(stage, observer, rows + 1)
        alive = "alive" if server.child.exit_code is None else f"ENDED: {server.child.obituary()}"
    fates = sum((Counter(one["fates"]) for one in over), Counter[str]())
    latency_ms = (pairs[:rows, 1] - np.asarray(committed_ns)[pairs[:rows, 0]]) / 1e6
    attempted_s, answered_s = (max(one[key] for one in over) for key in ("attempted_s", "answered_s"))
    print(f"storm {when}: {STORM:,} connects within {attempted_s:.1f} s")
    print(f"    {', '.join(f'{fate} {count:,}' for fate, count in sorted(fates.items()))}")
    print(f"    all answered after             {answered_s:8.1f} s      (CPU {used_s:.1f} s)")
    print(f"    received others' rows          {sum(one['reached'] for one in over):8}        (target: 0)")
    received_rows = f"{len(pairs)} of {rows + 1} rows"
    print(
        f"    an earlier subscriber received {received_rows}; during the storm p50 {np.median(latency_ms):.0f} ms, "
        f"longest {latency_ms.max():.0f} ms; the server is {alive}"
    )


def _storm(stage: Stage, server: Server, organization: str, number: int) -> Child:
    stranger = token("authenticated", str(uuid4()))
    join = phoenix.join(topic="realtime:theirs", ref="1", bindings=[binding_of(organization)], access_token=stranger)
    storm = {
        "port": server.port,
        "path": server.path,
        "join": phoenix.encode_client(join, Vsn.V2).decode(),
        "marker": "job.updated",
        "attempts": STORM // STORM_PROCESSES,
        "within_s": STORM_WITHIN_S,
        "patience_s": PATIENCE_S,
        "source": source(CROWDS + number),
    }
    return Child.start(
        "tests.pipeline.realtime.storm",
        name="storm",
        log=stage.log(f"storm-{uuid4()}"),
        hello={"storm": storm, "stay_s": 2.0},
        environment={"PYTHONPATH": PYTHON_PATH},
    )


def main() -> None:
    """Measure and print."""
    python, system = token_check(), fan_out()
    print(python.line())
    print(system.line())
    with (
        owned_directory(Path(gettempdir())) as directory,
        PostgresServer.create(directory / "postgres") as postgres,
    ):
        stage = Stage(database=postgres.url(), scratch=directory)
        migrate(stage.database)
        with realtime(stage.database, RealtimeOptions(), stage.log("storm")) as server:
            measure_shared(stage, server, system)
            measure_storm(stage, server, "on an empty server")
        with realtime(stage.database, RealtimeOptions(), stage.log("sockets")) as server:
            measure_sockets(stage, server, python)


if __name__ == "__main__":
    main()
