"""CPU per received frame and memory per subscriber: our swarm, the official client, bare `websockets`.

All three in one run against the embedded pipeline in its own processes: rows are inserted into one organization,
each reaches every subscriber. Re-fetches are left out: the debounce is longer than the measurement.
Run as a script: `python tests/benchmarks/bench_swarm.py [--subscribers N] [--swarm-subscribers N]`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psutil
import psycopg

from loadtests.history.directory import MANIFEST_SCHEMA, RunDirectory
from loadtests.pipeline.settings import StackSettings
from loadtests.processes.spawn import Child
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

READY_S = 120.0
ARRIVE_S = 60.0
IDLE_S = 3.0
SMALL = 50
"""A second, small population: memory per subscriber is the slope between the two."""
Start = Callable[[Endpoint, Path, Population], Child]
INSERT = """
insert into public.realtime_events (organization_id, event_type, entity_type, entity_id, payload, created_by)
values (%s, 'job.updated', 'job', %s, jsonb_build_object('request_id', %s::text, 'revision', 2), %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is inserted: `rows` rows at `rows_per_s`."""

    rows: int
    rows_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one client costs."""

    client: str
    subscribers: int
    frames: int
    cpu_us_per_frame: float
    memory_kib_per_subscriber: float
    ready_s: float


def main(arguments: Sequence[str]) -> int:
    """Measure all three and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=300, help="of each of the two yardsticks")
    parser.add_argument("--swarm-subscribers", type=int, default=1000, help="of our swarm")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rows-per-s", type=float, default=10.0, help="events, each to all subscribers")
    parser.add_argument("--only", choices=["swarm", "websockets", "realtime"])
    given = parser.parse_args(arguments)
    load = Load(rows=round(given.seconds * given.rows_per_s), rows_per_s=given.rows_per_s)
    clients: dict[str, tuple[Start, int]] = {
        "swarm": (start_swarm, given.swarm_subscribers),
        "websockets": (start_yardstick("websockets"), given.subscribers),
        "realtime": (start_yardstick("realtime"), given.subscribers),
    }
    with TemporaryDirectory(prefix="bench-swarm-") as scratch, started_stack(Path(scratch)) as endpoint:
        costs = [
            measure(name, start, endpoint, Path(scratch), count, load)
            for name, (start, count) in clients.items()
            if given.only in {None, name}
        ]
    sys.stdout.write(table(costs))
    return 0


def table(costs: Sequence[Cost]) -> str:
    """Return the costs side by side."""
    head = f"{'client':<12}{'subscribers':>12}{'frames':>10}{'µs CPU/frame':>14}{'KiB/subscriber':>16}{'ready s':>9}\n"
    return head + "".join(
        f"{cost.client:<12}{cost.subscribers:>12,}{cost.frames:>10,}{cost.cpu_us_per_frame:>14.1f}"
        f"{cost.memory_kib_per_subscriber:>16.1f}{cost.ready_s:>9.1f}\n"
        for cost in costs
    )


def measure(name: str, start: Start, endpoint: Endpoint, scratch: Path, count: int, load: Load) -> Cost:
    """Start the client twice, with few and with many subscribers, and load the latter."""
    small = start(endpoint, scratch, provisioned(endpoint, SMALL))
    try:
        small.wait_for("ready", READY_S)
        small_bytes = own_memory(small)
    finally:
        small.stop()
    population = provisioned(endpoint, count)
    begin = time.monotonic()
    child = start(endpoint, scratch, population)
    try:
        child.wait_for("ready", READY_S)
        ready_s = time.monotonic() - begin
        memory = (own_memory(child) - small_bytes) / (count - SMALL) / 1024
        idle_per_s = cpu_during(child, lambda: time.sleep(IDLE_S)) / IDLE_S
        began = time.monotonic()
        busy = cpu_during(child, lambda: insert_and_wait(child, endpoint, load, population))
        busy -= idle_per_s * (time.monotonic() - began)
    finally:
        child.stop()
    frames = load.rows * count
    return Cost(
        client=name,
        subscribers=count,
        frames=frames,
        cpu_us_per_frame=busy / frames * 1e6,
        memory_kib_per_subscriber=memory,
        ready_s=ready_s,
    )


def insert_and_wait(child: Child, endpoint: Endpoint, load: Load, population: Population) -> None:
    """Insert all rows at their pace and wait until each subscriber has each."""
    organization, author = population.organization_id(0), population.author_id(0)
    frames = load.rows * len(population.subscribers)
    begin = time.monotonic()
    with psycopg.connect(endpoint.database_url, autocommit=True) as database:
        for row in range(load.rows):
            time.sleep(max(0.0, begin + row / load.rows_per_s - time.monotonic()))
            database.execute(INSERT, (organization, str(uuid4()), str(uuid4()), author))
    deadline = time.monotonic() + ARRIVE_S
    child.messages()
    while (told := child.wait_for("progress", ARRIVE_S))["signals"] < frames:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{told['signals']:,} of {frames:,} frames arrived")


def cpu_during(child: Child, what: Callable[[], None]) -> float:
    """Return the CPU seconds that the child uses while `what` runs."""
    process = psutil.Process(child.pid)
    before = process.cpu_times()
    what()
    after = process.cpu_times()
    return (after.user + after.system) - (before.user + before.system)


def own_memory(child: Child) -> int:
    """Return the bytes that would be free if the child ended."""
    uss: int = psutil.Process(child.pid).memory_full_info().uss
    return uss


# ---- starting the parts


@contextmanager
def started_stack(scratch: Path) -> Iterator[Endpoint]:
    """Run the embedded pipeline."""
    child = Child.start(
        "loadtests.pipeline", name="pipeline", log=scratch / "pipeline.log", hello=StackSettings().to_json()
    )
    try:
        yield Endpoint.from_json(child.wait_for("ready", READY_S)["endpoint"])
    finally:
        child.stop()


def provisioned(endpoint: Endpoint, count: int) -> Population:
    """Create one organization with `count` members and 25 jobs."""
    scenario = {
        "name": "bench-swarm",
        "question": "What does one received frame cost?",
        "organizations": {"count": 1, "jobs": 25},
        # Longer than the measurement: no flush, so no re-fetch.
        "subscribers": {"count": count, "debounce_ms": 60_000, "connects_per_s": 500, "live_within_s": 60},
        "phases": [{"name": "load", "duration_s": 60, "mutations_per_s": 20}],
    }
    population = Population(Scenario.model_validate(scenario), seed=1, run_id=str(uuid4()))
    provision(endpoint.database_url, population)
    return population


def start_swarm(endpoint: Endpoint, scratch: Path, population: Population) -> Child:
    """Start our swarm and let it connect."""
    run = RunDirectory.create(scratch / population.run_id)
    scenario = population.scenario.model_dump(mode="json")
    manifest = {"schema": MANIFEST_SCHEMA, "scenario": scenario, "seed": population.seed, "run_id": population.run_id}
    run.write_json(run.manifest_file, manifest)
    hello = {"run": str(run.path), "shard": 0, "shards": 1}
    child = Child.start("loadtests.drivers.swarm", name="swarm", log=run.log_file, hello=hello)
    child.send({"do": "prepare", "endpoint": endpoint.to_json()})
    return child


def start_yardstick(kind: str) -> Start:
    """Return what starts one of the clients that ours is compared with."""

    def start(endpoint: Endpoint, scratch: Path, population: Population) -> Child:
        expires_at_s = time.time_ns() // 1_000_000_000 + 3600
        tokens = [
            mint(endpoint.jwt_secret, role="authenticated", expires_at_s=expires_at_s, subject=device.user_id)
            for device in population.subscribers
        ]
        hello = {
            "kind": kind,
            "realtime_url": endpoint.realtime_url,
            "anon_key": endpoint.anon_key,
            "organization_id": population.organization_id(0),
            "tokens": tokens,
        }
        return Child.start(
            "yardstick_clients",
            name=kind,
            log=scratch / f"{kind}.log",
            hello=hello,
            environment={"PYTHONPATH": str(Path(__file__).parent)},
        )

    return start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
