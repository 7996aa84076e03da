"""What one core of the jobs API sustains: mutations a second, each with its audit row and its event.

A closed loop of raw sockets, as wrk and oha make it: so many connections, each sends its next request when it has its
answer. The machine is shared by the API, PostgreSQL and the generator, so the figure that says something is the CPU
of each per mutation; a second of API process divided by it is the rate that one core of it carries. The target was
written for another machine: a yardstick that both have measured tells what the rate would be there.
"""

import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import psutil
import psycopg
import uvloop
from yardsticks import Yardstick, token_check

from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.migrate import migrate
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import ApiHello, ApiOptions
from loadtests.processes.spawn import Child
from loadtests.wire.tokens import mint

SECRET = "a secret of the benchmark, long enough"
ORGANIZATIONS = 40
JOBS_PER_ORGANIZATION = 50
CONNECTIONS = 16
WARM_UP_S = 1.0
PHASE_S = 3.0
TARGET_PER_CORE = 2000
CODES = ["height", "electrical"]

NEW_JOB = {"client_name": "Client", "client_type": "commercial", "job_type": "repair", "location": "Somewhere 1"}
DOCUMENT = {"name": "roof.jpg", "file_path": "a/roof.jpg", "file_size": 1, "mime_type": "image/jpeg"}


@dataclass(frozen=True)
class World:
    """Who asks, and the jobs that there are."""

    tokens: list[str]
    jobs: list[list[str]]

    def request(self, method: str, path: str, connection: int, body: object) -> bytes:
        """Return a whole HTTP/1.1 request of one organization's owner."""
        content = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: jobs\r\nauthorization: Bearer {self.tokens[connection % ORGANIZATIONS]}"
            f"\r\nx-request-id: {uuid.uuid4()}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
        )
        return head.encode() + b"\r\n" + content

    def job(self, connection: int, turn: int) -> str:
        """Return the path of one of the organization's jobs."""
        return f"/api/jobs/{self.jobs[connection % ORGANIZATIONS][turn % JOBS_PER_ORGANIZATION]}"


Make = Callable[[World, int, int], bytes]

PHASES: dict[str, Make] = {
    "create": lambda world, c, _: world.request("POST", "/api/jobs", c, NEW_JOB),
    "create with risk": lambda world, c, _: world.request(
        "POST", "/api/jobs", c, {**NEW_JOB, "risk_factor_codes": CODES}
    ),
    "update": lambda world, c, turn: world.request("PATCH", world.job(c, turn), c, {"status": "in_progress"}),
    "flag": lambda world, c, turn: world.request("PATCH", f"{world.job(c, turn)}/flag", c, {"flagged": True}),
    "document": lambda world, c, turn: world.request("POST", f"{world.job(c, turn)}/documents", c, DOCUMENT),
}


class RawClient(asyncio.Protocol):
    """One connection that has one request in flight."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment] - a TCP transport

    def data_received(self, data: bytes) -> None:
        """Resolve when an answer is complete."""
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._received[:head_end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(self._received) >= head_end + 4 + length and self._answered is not None:
            self._received.clear()
            self._answered.set_result(head)

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the head of its answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


@dataclass
class Tally:
    """What one phase measured."""

    latencies_s: list[float] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    elapsed_s: float = 0.0
    api_s: float = 0.0
    postgres_s: float = 0.0
    generator_s: float = 0.0

    def lines(self, name: str, yardstick: Yardstick) -> list[str]:
        """Return the report, a line each."""
        count = len(self.latencies_s)
        p50, p99 = np.quantile(np.array(self.latencies_s) * 1e3, [0.5, 0.99])
        per_core = count / self.api_s
        there = yardstick.rate_there(per_core)
        verdict = "reached" if there >= TARGET_PER_CORE else "missed"
        failed = f", {len(self.failures)} FAILED: {self.failures[0]!r}" if self.failures else ""
        rate = count / self.elapsed_s
        per_core_line = (
            f"{per_core:8.0f} /s     (reference machine: {there:,.0f}/s; target: {TARGET_PER_CORE:,}/s, {verdict})"
        )
        api_us, postgres_us, generator_us = (
            used_s / count * 1e6 for used_s in (self.api_s, self.postgres_s, self.generator_s)
        )
        cpu = f"API {api_us:.0f} µs, PostgreSQL {postgres_us:.0f} µs, generator {generator_us:.0f} µs"
        return [
            f"{name:<17} per core of API process    {per_core_line}",
            f"{'':<17} as measured, machine shared {rate:7.0f} /s     p50 {p50:.1f} ms, p99 {p99:.1f} ms{failed}",
            f"{'':<17} CPU per mutation           {cpu}",
        ]


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of a process and its children, those that ended included."""
    times = [each.cpu_times() for each in [process, *process.children(recursive=True)]]
    own = sum(each.user + each.system for each in times)
    return float(own + times[0].children_user + times[0].children_system)


async def measure(port: int, world: World, make: Make, *, duration_s: float, parts: list[psutil.Process]) -> Tally:
    """Send for so long over all connections."""
    tally = Tally()
    before = [cpu_s(part) for part in parts]
    own, began = time.process_time(), time.monotonic()

    async def connection(number: int) -> None:
        _, client = await asyncio.get_running_loop().create_connection(RawClient, "127.0.0.1", port)
        turn = 0
        while (sent := time.monotonic()) < began + duration_s:
            head = await client.ask(make(world, number, turn))
            tally.latencies_s.append(time.monotonic() - sent)
            turn += 1
            if not head.startswith(b"http/1.1 20"):
                tally.failures.append(head[:40])
        client.close()

    await asyncio.gather(*(connection(number) for number in range(CONNECTIONS)))
    tally.elapsed_s, tally.generator_s = time.monotonic() - began, time.process_time() - own
    tally.api_s, tally.postgres_s = (cpu_s(part) - was for part, was in zip(parts, before, strict=True))
    return tally


def provision(url: str) -> World:
    """Create organizations, an owner each, and their jobs."""
    world = World([], [])
    expires_at_s = int(time.time_ns() / 1e9) + 3600
    with psycopg.connect(url, autocommit=True) as sql:
        for _ in range(ORGANIZATIONS):
            organization, user = str(uuid.uuid4()), str(uuid.uuid4())
            sql.execute("insert into organizations (id, name) values (%s, 'o')", (organization,))
            sql.execute("insert into auth.users (id) values (%s)", (user,))
            sql.execute("insert into users (id, organization_id) values (%s, %s)", (user, organization))
            sql.execute(
                "insert into organization_members (user_id, organization_id, role) values (%s, %s, 'owner')",
                (user, organization),
            )
            jobs = sql.execute(
                "insert into jobs (organization_id, client_name, client_type, job_type, location) "
                "select %s, 'client ' || n, 'mixed', 'other', 'somewhere' from generate_series(1, %s) n "
                "returning id::text",
                (organization, JOBS_PER_ORGANIZATION),
            )
            world.jobs.append([row[0] for row in jobs])
            world.tokens.append(mint(SECRET, role="authenticated", subject=user, expires_at_s=expires_at_s))
        sql.execute("analyze")
    return world


def check_rows(url: str, acknowledged: int) -> str:
    """Return a line that says how many audit rows and events the acknowledged mutations left."""
    with psycopg.connect(url) as sql:
        row = sql.execute("select (select count(*) from audit_logs), (select count(*) from realtime_events)").fetchone()
    assert row is not None
    return f"acknowledged {acknowledged:,}; audit rows {row[0]:,}, events {row[1]:,}"


def main() -> None:
    """Print each kind of mutation."""
    yardstick = token_check()
    print(yardstick.line())
    print(f"one API process, {CONNECTIONS} connections, {os.cpu_count()} CPUs shared by API, PostgreSQL and generator")
    with (
        owned_directory(Path(tempfile.gettempdir())) as directory,
        PostgresServer.create(directory / "postgres") as server,
    ):
        url = server.url()
        migrate(url)
        world = provision(url)
        hello = ApiHello(database_url=server.local_url(), jwt_secret=SECRET, options=ApiOptions())
        child = Child.start("loadtests.pipeline.api", name="API", log=directory / "api.log", hello=hello.to_json())
        try:
            port = child.wait_for("ready", 20)["port"]
            parts = [psutil.Process(child.pid), psutil.Process(server.pid)]
            acknowledged = 0
            for name, make in {"warm-up": PHASES["update"], **PHASES}.items():
                duration_s = WARM_UP_S if name == "warm-up" else PHASE_S
                tally = uvloop.run(measure(port, world, make, duration_s=duration_s, parts=parts))
                acknowledged += len(tally.latencies_s) - len(tally.failures)
                if name != "warm-up":
                    print("\n".join(tally.lines(name, yardstick)), flush=True)
            print(check_rows(url, acknowledged))
        finally:
            child.stop()


if __name__ == "__main__":
    main()
