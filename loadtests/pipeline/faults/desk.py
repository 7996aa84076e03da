"""A process's own faults: begun and ended as the supervisor's messages say, and what they did reported back.

Knows the messages and the clock; what a kind of fault does is passed in.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from loadtests.pipeline.faults.kinds import Fault, read_fault
from loadtests.pipeline.faults.register import Detail

_DETAILS_PER_MESSAGE: Final = 200
"""A message fits into the pipe, so that the event loop does not wait for its reader."""


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """See to it that it does not."""


Later = Callable[[float, Callable[[], None]], Timer]
"""Call a function after so many seconds."""


def in_loop(delay_s: float, call: Callable[[], None]) -> Timer:
    """Call a function from the running event loop."""
    return asyncio.get_running_loop().call_later(delay_s, call)


End = Callable[[], None]
"""Undoes a fault."""


class Running:
    """A fault under way, as it sees itself."""

    def __init__(self, number: int, fault: Fault, desk: "Desk") -> None:
        self.number = number
        self.fault = fault
        self._desk = desk

    def note(self, **detail: object) -> None:
        """Report one thing done, now."""
        self._desk.note(self.number, detail)

    def end(self) -> None:
        """Say that nothing more will be done."""
        self._desk.end(self.number)


Begin = Callable[[Running], End]
"""Puts a fault in force; returns what undoes it."""


class Desk:
    """All faults of one process; to be used from its event loop alone."""

    def __init__(
        self,
        begin: Begin,
        *,
        say: Callable[[Mapping[str, Any]], None],
        now_ns: Callable[[], int],
        later: Later,
    ) -> None:
        self._begin = begin
        self._say = say
        self._now_ns = now_ns
        self._later = later
        self._ends: dict[int, End] = {}
        self._timers: dict[int, Timer] = {}
        self._unsaid: dict[int, list[Detail]] = {}

    def take(self, message: Mapping[str, Any]) -> None:
        """Do what a message of the supervisor says; those about other things are passed over."""
        match message.get("do"):
            case "fault":
                self._start(int(message["id"]), read_fault(message["fault"]))
            case "end_fault":
                self.end(int(message["id"]))
            case _:
                return

    def note(self, number: int, detail: Mapping[str, Any]) -> None:
        """Report one thing done; all of one turn of the loop go in one message."""
        if not self._unsaid:
            self._later(0, self._report)
        self._unsaid.setdefault(number, []).append({**detail, "at_ns": self._now_ns()})

    def end(self, number: int) -> None:
        """End a fault, if it still runs, and say so after all that it did."""
        end = self._ends.pop(number, None)
        if end is None:
            return
        timer = self._timers.pop(number, None)
        if timer is not None:
            timer.cancel()
        end()
        self._report()
        self._say({"is": "fault_ended", "id": number, "at_ns": self._now_ns()})

    def _start(self, number: int, fault: Fault) -> None:
        # Its end is entered first: a fault may be over as soon as it begins.
        self._ends[number] = _nothing
        self._say({"is": "fault_begun", "id": number, "at_ns": self._now_ns()})
        end = self._begin(Running(number, fault, self))
        if number not in self._ends:
            return
        self._ends[number] = end
        duration_s = getattr(fault, "duration_s", None)
        if duration_s is not None:
            self._timers[number] = self._later(duration_s, lambda: self.end(number))

    def _report(self) -> None:
        unsaid, self._unsaid = self._unsaid, {}
        for number, details in unsaid.items():
            for start in range(0, len(details), _DETAILS_PER_MESSAGE):
                some = details[start : start + _DETAILS_PER_MESSAGE]
                self._say({"is": "fault", "id": number, "planted": len(some), "details": some})


def _nothing() -> None:
    return
