"""The faults of the Realtime server: each begun at the place that commits it, and undone there.

Sockets that are open, connections that come, the flow of changes; the messages themselves are `tampering`'s.
"""

import asyncio
from collections.abc import Collection
from typing import Any, get_args

from loadtests.pipeline.faults.choice import Choice
from loadtests.pipeline.faults.desk import End, Running
from loadtests.pipeline.faults.kinds import Close, FrameFault, RefuseConnects, SlowAccept, Stalled
from loadtests.pipeline.realtime.connection import Connection
from loadtests.pipeline.realtime.tampering import Tampering

ABNORMAL = 1006
"""What a client sees of a connection that just ends; no frame carries it (RFC 6455, 7.1.5)."""


class Misbehaviour:
    """The faults in force."""

    def __init__(self, *, tampering: Tampering, flows: asyncio.Event, open_connections: Collection[Connection]) -> None:
        self._tampering = tampering
        self._flows = flows
        self._open_connections = open_connections
        self._refusing: dict[int, Running] = {}
        self._slowing: dict[int, tuple[Running, float]] = {}
        self._stalling: set[int] = set()

    def begin(self, running: Running) -> End:
        """Put a fault in force; return what undoes it."""
        number = running.number
        match running.fault:
            case Stalled():
                return self._stall(running)
            case Close() as close:
                self._close(close, running)
                return _nothing
            case RefuseConnects():
                self._refusing[number] = running
                return lambda: _forget(self._refusing, number)
            case SlowAccept(ms=ms):
                self._slowing[number] = (running, ms / 1000)
                return lambda: _forget(self._slowing, number)
            case fault:
                assert isinstance(fault, get_args(FrameFault)), fault
                return self._tampering.begin(fault, running)

    def refuses_connection(self) -> bool:
        """Whether a handshake is answered with HTTP 429."""
        for running in self._refusing.values():
            running.note(event="", channel="")
        return bool(self._refusing)

    def acceptance_delay_s(self) -> float:
        """Return how long a handshake waits."""
        for running, _ in self._slowing.values():
            running.note(event="", channel="")
        return sum(delay_s for _, delay_s in self._slowing.values())

    def _stall(self, running: Running) -> End:
        self._stalling.add(running.number)
        self._flows.clear()
        running.note(event="", channel="")

        def resume() -> None:
            self._stalling.discard(running.number)
            if not self._stalling:
                self._flows.set()

        return resume

    def _close(self, fault: Close, running: Running) -> None:
        choice = Choice(seed=fault.seed, share=fault.share)
        for connection in sorted(self._open_connections, key=lambda one: one.user):
            if choice.takes():
                running.note(event="", channel=connection.user)
                if fault.code == ABNORMAL:
                    connection.abort()
                else:
                    connection.close(fault.code)
        running.end()


def _forget(running: dict[int, Any], number: int) -> None:
    del running[number]


def _nothing() -> None:
    return
