"""Faults as the supervisor sees them: passed on to the process that commits them, or committed by itself.

Requests come from the control endpoint's threads; what touches processes is done by the supervisor's main thread,
because PostgreSQL lives no longer than the thread that started it.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import psycopg

from loadtests.pipeline.faults.kinds import (
    API_FAULTS,
    REALTIME_FAULTS,
    Fault,
    FaultRefused,
    Kill,
    LockEvents,
    RestartPostgres,
    SlotLost,
    kind_of,
    parameters_of,
)
from loadtests.pipeline.faults.register import Entry, Register
from loadtests.processes.lifeline import Message

_BEGINS_WITHIN_S: Final = 15.0
_END_FEEDS: Final = """
    select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
    where application_name in ('realtime_feed', 'realtime_poll') and datname = current_database()
"""


class Processes(Protocol):
    """The pipeline's processes, as far as faults concern them."""

    @property
    def owns_postgres(self) -> bool:
        """Whether PostgreSQL was started for this pipeline."""

    @property
    def database_url(self) -> str:
        """The owner's connection string."""

    def tell_realtime(self, message: Mapping[str, Any]) -> None:
        """Send a message to the Realtime server."""

    def tell_api(self, message: Mapping[str, Any]) -> None:
        """Send a message to the jobs API."""

    def kill_realtime(self) -> None:
        """Kill the Realtime server and start it again on its port."""

    def kill_api(self) -> None:
        """Kill the jobs API and start it again on its port."""

    def restart_postgres(self) -> None:
        """Stop PostgreSQL and start it again on its port."""


class Supervision:
    """All faults of a pipeline."""

    def __init__(self, register: Register, now_ns: Callable[[], int]) -> None:
        self._register = register
        self._now_ns = now_ns
        self._processes: Processes | None = None
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._locks: dict[int, threading.Event] = {}

    # ---- for the control endpoint's threads

    def begin(self, fault: Fault) -> int:
        """Return the id of a fault that has begun.

        Raises:
            FaultRefused: it cannot be committed here.

        """
        processes = self._processes
        if processes is None:
            raise FaultRefused("the pipeline is still starting; ask again when it is ready")
        if isinstance(fault, RestartPostgres) and not processes.owns_postgres:
            raise FaultRefused("PostgreSQL was not started by this pipeline, so it is not restarted")
        entry = self._register.add(fault)
        self._calls.put(lambda: self._commit(entry, processes))
        if not self._register.wait(lambda: entry.begun_ns is not None, _BEGINS_WITHIN_S):
            raise FaultRefused(f"the fault has not begun within {_BEGINS_WITHIN_S:g} s; the log says more")
        return entry.id

    def end(self, number: int) -> bool:
        """End a fault, if it still runs; return whether there is one with this id."""
        entry = self._register.get(number)
        if entry is None:
            return False
        if entry.ended_ns is None:
            self._calls.put(lambda: self._end(entry))
            self._register.wait(lambda: entry.ended_ns is not None, _BEGINS_WITHIN_S)
        return True

    def truth(self) -> Mapping[str, Any]:
        """Return all faults and what they did, with all that the processes have reported so far."""
        is_up_to_date = threading.Event()
        self._calls.put(is_up_to_date.set)
        is_up_to_date.wait(_BEGINS_WITHIN_S)
        return self._register.to_json()

    # ---- for the supervisor's main thread

    @contextmanager
    def in_charge_of(self, processes: Processes) -> Iterator[None]:
        """Take faults within the block; at its end let go of what they hold."""
        self._processes = processes
        try:
            yield
        finally:
            self._release_locks()

    def work(self, timeout_s: float, collect: Callable[[], None]) -> None:
        """Do what was asked for meanwhile, or is within `timeout_s`; `collect` passes reports on, before each."""
        try:
            call = self._calls.get(timeout=timeout_s)
            while True:
                collect()
                call()
                call = self._calls.get_nowait()
        except queue.Empty:
            return

    def heard(self, message: Message) -> None:
        """Take a process's report; other messages are passed over."""
        match message.get("is"):
            case "fault_begun":
                self._register.begun(int(message["id"]), int(message["at_ns"]))
            case "fault":
                self._register.done(int(message["id"]), message["details"])
            case "fault_ended":
                self._register.ended(int(message["id"]), int(message["at_ns"]))
            case _:
                return

    # ---- inside

    def _commit(self, entry: Entry, processes: Processes) -> None:
        fault = entry.fault
        if isinstance(fault, REALTIME_FAULTS):
            processes.tell_realtime(_order(entry))
        elif isinstance(fault, API_FAULTS):
            processes.tell_api(_order(entry))
        elif isinstance(fault, LockEvents):
            released = self._locks[entry.id] = threading.Event()
            arguments = (entry.id, processes.database_url, fault.duration_s, released)
            threading.Thread(target=self._lock_events, args=arguments, name="lock_events", daemon=True).start()
        else:
            self._register.begun(entry.id, self._now_ns())
            self._strike(entry, processes)
            self._register.ended(entry.id, self._now_ns())

    def _strike(self, entry: Entry, processes: Processes) -> None:
        """Do what takes one moment, and note it once."""
        detail = {"at_ns": self._now_ns()}
        match entry.fault:
            case Kill(part="realtime"):
                processes.kill_realtime()
                self._forget(REALTIME_FAULTS)
            case Kill():
                processes.kill_api()
                self._forget(API_FAULTS)
            case RestartPostgres():
                self._release_locks()
                processes.restart_postgres()
            case SlotLost():
                with psycopg.connect(processes.database_url, autocommit=True) as connection:
                    row = connection.execute(_END_FEEDS).fetchone()
                if row == (0,):  # nobody is subscribed to the polling feed: there is no slot to lose
                    return
            case _:
                raise AssertionError(entry.fault)
        self._register.done(entry.id, [detail])

    def _release_locks(self) -> None:
        for released in self._locks.values():
            released.set()

    def _forget(self, kinds: tuple[type[Any], ...]) -> None:
        """End the faults that died with their process."""
        for entry in self._register.running():
            if isinstance(entry.fault, kinds):
                self._register.ended(entry.id, self._now_ns())

    def _end(self, entry: Entry) -> None:
        assert self._processes is not None
        order = {"do": "end_fault", "id": entry.id}
        if isinstance(entry.fault, REALTIME_FAULTS):
            self._processes.tell_realtime(order)
        elif isinstance(entry.fault, API_FAULTS):
            self._processes.tell_api(order)
        elif isinstance(entry.fault, LockEvents):
            self._locks[entry.id].set()

    def _lock_events(self, number: int, database_url: str, duration_s: float, released: threading.Event) -> None:
        try:
            with psycopg.connect(database_url) as connection:
                connection.execute("lock table public.realtime_events in access exclusive mode")
                self._register.begun(number, self._now_ns())
                self._register.done(number, [{"at_ns": self._now_ns()}])
                released.wait(duration_s)
                connection.rollback()
        except psycopg.OperationalError:
            released.set()  # the database went away, and the lock with it
        self._register.ended(number, self._now_ns())


def _order(entry: Entry) -> dict[str, Any]:
    return {"do": "fault", "id": entry.id, "fault": {"kind": kind_of(entry.fault), **parameters_of(entry.fault)}}
