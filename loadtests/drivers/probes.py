"""Probes of the runner: the database's clock against ours, and what our own processes use.

Each call takes one sample and writes it into the ledger; whoever calls decides how often.
"""

import time
from collections.abc import Mapping
from typing import Protocol

import psutil
import psycopg

from loadtests.history.kinds import Kind, Process
from loadtests.history.ledger import Ledger
from loadtests.wire.endpoint import Endpoint

_NS = 1_000_000_000


class Clock(Protocol):
    """Whoever compares the target's clock with ours."""

    def sample(self, ledger: Ledger, *, exchanges: int = 1) -> None:
        """Make `exchanges` in a row and record each."""

    def reconnect(self) -> None:
        """Connect anew, after the database was restarted."""

    def close(self) -> None:
        """Ask no more."""


class NoClock:
    """Nobody tells the time of the database: what depends on it stays unknown."""

    def sample(self, ledger: Ledger, *, exchanges: int = 1) -> None:
        """Record nothing."""

    def reconnect(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is no connection."""


def open_clock(endpoint: Endpoint) -> Clock:
    """Return what compares a target's clock with ours, if its keys open one."""
    return ClockProbe(endpoint.database_url) if endpoint.database_url else NoClock()


class ClockProbe:
    """Compares the database's wall clock with CLOCK_MONOTONIC by timed exchanges.

    An exchange that took r has the clock's reading somewhere within its r: the middle is the estimate, r/2 the
    bound. The best exchanges are picked later, by analysis; here none is thrown away.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection = psycopg.connect(database_url, autocommit=True, prepare_threshold=1)

    def reconnect(self) -> None:
        """Connect anew, after the database was restarted."""
        self._connection.close()
        self._connection = psycopg.connect(self._database_url, autocommit=True, prepare_threshold=1)

    def sample(self, ledger: Ledger, *, exchanges: int = 1) -> None:
        """Make `exchanges` in a row and record each."""
        for _ in range(exchanges):
            begin_ns = time.monotonic_ns()
            row = self._connection.execute(
                "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
            ).fetchone()
            end_ns = time.monotonic_ns()
            assert row is not None
            ledger.record(
                Kind.CLOCK, (begin_ns + end_ns) // 2, value=int(row[0]) * 1000, due_ns=(end_ns - begin_ns + 1) // 2
            )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class UsageProbe:
    """CPU time and resident memory of processes, including the children of the database's postmaster."""

    def __init__(self, processes: Mapping[int, tuple[Process, int]]) -> None:
        """Watch `processes`: pid → what it is, and which of several."""
        self._watched = {psutil.Process(pid): what for pid, what in processes.items() if psutil.pid_exists(pid)}

    def sample(self, ledger: Ledger) -> None:
        """Record one sample of each; a process that has ended is left out from then on."""
        for process, (what, index) in list(self._watched.items()):
            try:
                cpu_ns, resident = _usage(process, with_children=what is Process.POSTGRES)
            except psutil.NoSuchProcess:
                del self._watched[process]
                continue
            ledger.record(Kind.USAGE, time.monotonic_ns(), actor=what, value=cpu_ns, due_ns=resident, flag=index)


def _usage(process: psutil.Process, *, with_children: bool) -> tuple[int, int]:
    times = process.cpu_times()
    seconds = times.user + times.system
    resident = process.memory_info().rss
    if with_children:
        # Backends that have ended are in the postmaster's own account; those that live are added here.
        seconds += times.children_user + times.children_system
        for child in process.children():
            try:
                own = child.cpu_times()
                seconds += own.user + own.system
                # Shared buffers would be counted once per backend: count only what is its own.
                memory = child.memory_info()
                resident += memory.rss - memory.shared
            except psutil.NoSuchProcess:
                continue
    return round(seconds * _NS), resident
