"""The ground truth: every fault that was asked for, and what was really done, from whichever process did it.

Shared by the control server's threads and the supervisor; knows nothing of how a fault is carried out.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.pipeline.faults.kinds import Fault, kind_of, parameters_of

Detail = Mapping[str, Any]
"""One thing done: when (`at_ns`, CLOCK_MONOTONIC), and to whom or what."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One fault."""

    id: int
    fault: Fault
    begun_ns: int | None = None
    ended_ns: int | None = None
    details: list[Detail] = field(default_factory=list)
    """One for each thing done."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "id": self.id,
            "kind": kind_of(self.fault),
            "parameters": parameters_of(self.fault),
            "begun_ns": self.begun_ns,
            "ended_ns": self.ended_ns,
            "planted": len(self.details),
            "details": self.details,
        }


class Register:
    """All faults since the start."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._changed = threading.Condition()

    def add(self, fault: Fault) -> Entry:
        """Enter a fault that has not begun yet."""
        with self._changed:
            entry = Entry(id=len(self._entries) + 1, fault=fault)
            self._entries[entry.id] = entry
            return entry

    def get(self, number: int) -> Entry | None:
        """Return a fault by its id."""
        with self._changed:
            return self._entries.get(number)

    def begun(self, number: int, at_ns: int) -> None:
        """Note when a fault has begun."""
        with self._changed:
            self._entries[number].begun_ns = at_ns
            self._changed.notify_all()

    def done(self, number: int, details: Iterable[Detail]) -> None:
        """Note what a fault has done."""
        with self._changed:
            self._entries[number].details += details

    def ended(self, number: int, at_ns: int) -> None:
        """Note when a fault was over; the first time counts."""
        with self._changed:
            entry = self._entries[number]
            if entry.ended_ns is None:
                entry.ended_ns = at_ns
            self._changed.notify_all()

    def running(self) -> list[Entry]:
        """Return the faults that are not over."""
        with self._changed:
            return [entry for entry in self._entries.values() if entry.ended_ns is None]

    def wait(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something holds that follows from the register; return whether it does."""
        with self._changed:
            return self._changed.wait_for(holds, timeout_s)

    def to_json(self) -> dict[str, Any]:
        """Return all faults, as the control endpoint answers."""
        with self._changed:
            return {"faults": [entry.to_json() for entry in self._entries.values()]}
