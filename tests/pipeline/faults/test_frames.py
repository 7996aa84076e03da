"""What faults make of change messages, with messages that are plain values."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from loadtests.pipeline.faults.desk import Desk
from loadtests.pipeline.faults.frames import Act, Surroundings, begin_frame_fault
from loadtests.pipeline.faults.kinds import kind_of, parameters_of, read_fault


class Plain(NamedTuple):
    """A message."""

    event: str
    receiver: str = "anna"
    job: str = "job"

    @property
    def channel(self) -> str:
        """The receiver's user id."""
        return self.receiver

    def degraded(self, error: int) -> Plain:
        """Return the message with an error."""
        return self._replace(event=f"{self.event} with {error}")

    def phantom(self, random: Random) -> Plain:
        """Return a message about nothing."""
        return self._replace(event=f"no {random.randrange(1)}")

    def leaked(self, random: Random) -> Plain | None:
        """Return the message for a stranger; some messages have none."""
        return None if self.event == "a" else self._replace(receiver=random.choice(["stranger"]))


class Timers:
    """Timers that ring when told."""

    def __init__(self) -> None:
        self.calls: dict[int, Callable[[], None]] = {}

    def later(self, _delay_s: float, call: Callable[[], None]) -> Timers:
        """Note a call."""
        self.calls[len(self.calls)] = call
        self.newest = len(self.calls) - 1
        return self

    def cancel(self) -> None:
        """Forget nothing: a call that comes too late must do no harm."""

    def ring(self) -> None:
        """Make all calls."""
        for call in self.calls.values():
            call()


class Bench:
    """One fault in force."""

    def __init__(self, kind: str, **parameters: Any) -> None:
        self.timers = Timers()
        self.sent: list[Plain] = []
        self.said: list[dict[str, Any]] = []
        self.act: Act
        self.desk = Desk(self._begin, say=self.said.append, now_ns=lambda: 42, later=self.timers.later)  # type: ignore[arg-type]
        self.desk.take({"do": "fault", "id": 1, "fault": {"kind": kind, **parameters}})

    def _begin(self, running: Any) -> Any:
        surroundings = Surroundings(later=self.timers.later, send=self.sent.append)
        self.act, end = begin_frame_fault(running.fault, running, surroundings)
        return end

    def put(self, *frames: Plain) -> list[Plain]:
        """Return what is sent of some messages."""
        return [sent for frame in frames for sent in self.act(frame)]

    @property
    def planted(self) -> list[str]:
        """The events told so far."""
        self.timers.ring()
        return [detail["event"] for message in self.said if message["is"] == "fault" for detail in message["details"]]


A, B, C = Plain("a"), Plain("b"), Plain("c")


def test_a_drop_leaves_out_what_it_tells() -> None:
    """And is over when it has had its count."""
    bench = Bench("drop", share=1.0, count=2)

    assert bench.put(A, B) == []
    assert bench.planted == ["a", "b"]
    assert bench.said[-1] == {"is": "fault_ended", "id": 1, "at_ns": 42}


def test_a_duplicate_is_sent_twice() -> None:
    """One of three."""
    bench = Bench("duplicate", share=1.0, count=1)

    assert bench.put(A, B) == [A, A, B]
    assert bench.planted == ["a"]


def test_a_degraded_message_takes_the_place_of_the_whole_one() -> None:
    """The truth names the event that it was about."""
    bench = Bench("degraded", share=1.0, count=1)

    assert bench.put(A, B) == [Plain("a with 413"), B]
    assert bench.planted == ["a"]


def test_a_phantom_comes_besides() -> None:
    """The truth names the event that never was."""
    bench = Bench("phantom", share=1.0, count=1)

    assert bench.put(A, B) == [A, Plain("no 0"), B]
    assert bench.planted == ["no 0"]


def test_a_leak_without_a_stranger_is_no_leak() -> None:
    """It waits for a message that can be leaked."""
    bench = Bench("leak", share=1.0, count=1)

    assert bench.put(A, B, C) == [A, B, B._replace(receiver="stranger"), C]
    assert bench.planted == ["b"]


def test_a_reordered_message_waits_for_the_next_of_its_job_to_its_receiver() -> None:
    """Messages of other jobs and to others pass it."""
    bench = Bench("reorder", share=1.0, count=1)
    other_job, other_receiver = Plain("x", job="other"), Plain("y", receiver="otto")

    assert bench.put(A, other_job, other_receiver, B, C) == [other_job, other_receiver, B, A, C]
    assert bench.planted == ["a"]
    assert bench.sent == []


def test_a_reordered_message_is_not_overtaken_by_its_own_double() -> None:
    """It waits for another event."""
    bench = Bench("reorder", share=1.0, count=1)

    assert bench.put(A, A, B) == [A, B, A]
    assert bench.planted == ["a"]


def test_a_message_that_nothing_overtakes_is_sent_and_does_not_count() -> None:
    """When patience ends, and when the fault does."""
    waited, ended = Bench("reorder", share=1.0, count=1), Bench("reorder", share=1.0, count=1)
    assert waited.put(A) == ended.put(A) == []
    waited.timers.ring()
    ended.desk.end(1)

    assert waited.sent == ended.sent == [A]
    assert waited.planted == ended.planted == []
    assert waited.put(B, C) == [C, B]  # its count was given back


def test_a_delayed_message_is_sent_when_its_time_has_come() -> None:
    """Even if the fault is over by then."""
    bench = Bench("delay", share=1.0, count=1, ms=5)

    assert bench.put(A, B) == [B]
    assert bench.sent == []
    assert bench.planted == ["a"]  # looking rings the timers
    assert bench.sent == [A]


def test_the_deaf_are_deaf_to_everything() -> None:
    """Decided once for each receiver."""
    bench = Bench("deaf", share=0.5, duration_s=9, seed=3)
    receivers = [f"{number}" for number in range(20)]
    heard = {sent.receiver for sent in bench.put(*(Plain("a", receiver=one) for one in receivers))}
    again = {sent.receiver for sent in bench.put(*(Plain("b", receiver=one) for one in receivers))}

    assert 0 < len(heard) < 20
    assert again == heard


def test_a_discard_spares_nobody() -> None:
    """And tells what it took."""
    bench = Bench("discard", duration_s=9)

    assert bench.put(A, B, C) == []
    assert bench.planted == ["a", "b", "c"]


def test_what_a_process_is_sent_reads_as_what_was_asked_for() -> None:
    """The supervisor passes on kind and parameters."""
    fault = read_fault({"kind": "delay", "share": 0.25, "ms": 5})

    assert read_fault({"kind": kind_of(fault), **parameters_of(fault)}) == fault
