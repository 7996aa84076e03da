"""A process's own faults: what the supervisor is told, and in which order."""

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.pipeline.faults.desk import Desk, End, Running


class Clock:
    """Timers that ring when the time is set."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def later(self, delay_s: float, call: Callable[[], None]) -> "Clock":
        """Note a call."""
        self.timers.append((delay_s, call))
        return self

    def cancel(self) -> None:
        """A timer that is not cancelled must do no harm either."""

    def pass_by(self, seconds: float) -> None:
        """Make the calls that are due."""
        due = [call for delay_s, call in self.timers if delay_s <= seconds]
        self.timers = [timer for timer in self.timers if timer[0] > seconds]
        for call in due:
            call()


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


def order(**parameters: Any) -> dict[str, Any]:
    """Return the supervisor's message."""
    return {"do": "fault", "id": 7, "fault": {"kind": "drop", "share": 1.0, **parameters}}


def desk(clock: Clock, begun: list[Running], ended: list[int]) -> tuple[Desk, list[dict[str, Any]]]:
    """Return a desk and what it says."""
    said: list[dict[str, Any]] = []

    def begin(running: Running) -> End:
        begun.append(running)
        return lambda: ended.append(running.number)

    return Desk(begin, say=said.append, now_ns=lambda: 5, later=clock.later), said  # type: ignore[arg-type]


def test_what_was_done_in_one_turn_is_one_message(clock: Clock) -> None:
    """With the time of each."""
    begun: list[Running] = []
    of_test, said = desk(clock, begun, [])
    of_test.take(order())
    begun[0].note(event="a")
    begun[0].note(event="b")
    clock.pass_by(0)

    assert said == [
        {"is": "fault_begun", "id": 7, "at_ns": 5},
        {"is": "fault", "id": 7, "planted": 2, "details": [{"event": "a", "at_ns": 5}, {"event": "b", "at_ns": 5}]},
    ]


def test_the_end_is_said_after_all_that_was_done(clock: Clock) -> None:
    """Once, whoever ends it and however often."""
    begun: list[Running] = []
    ended: list[int] = []
    of_test, said = desk(clock, begun, ended)
    of_test.take(order(duration_s=3))
    begun[0].note(event="a")
    of_test.take({"do": "end_fault", "id": 7})
    clock.pass_by(10)

    assert [message["is"] for message in said] == ["fault_begun", "fault", "fault_ended"]
    assert ended == [7]


def test_a_fault_ends_when_its_time_is_over(clock: Clock) -> None:
    """Not before."""
    ended: list[int] = []
    of_test, said = desk(clock, [], ended)
    of_test.take(order(duration_s=3))
    clock.pass_by(2.9)
    early = list(ended)
    clock.pass_by(3)

    assert early == []
    assert ended == [7]
    assert said[-1]["is"] == "fault_ended"


def test_much_that_was_done_is_said_in_several_messages(clock: Clock) -> None:
    """Nothing is lost between them."""
    begun: list[Running] = []
    of_test, said = desk(clock, begun, [])
    of_test.take(order())
    for number in range(450):
        begun[0].note(event=str(number))
    clock.pass_by(0)

    assert [message["planted"] for message in said[1:]] == [200, 200, 50]
    assert [detail["event"] for message in said[1:] for detail in message["details"]] == [str(n) for n in range(450)]


def test_messages_about_other_things_are_passed_over(clock: Clock) -> None:
    """A supervisor may speak of more than faults."""
    of_test, said = desk(clock, [], [])
    of_test.take({"do": "something else"})
    of_test.take({"do": "end_fault", "id": 99})

    assert said == []
