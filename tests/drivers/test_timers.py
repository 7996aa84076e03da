"""The queue of due times on a real event loop."""

import asyncio
import time
from collections.abc import Callable

import uvloop

from loadtests.drivers.timers import TimerQueue

MS = 1_000_000
DEADLINE_S = 10.0


def run_until(count: int, schedule: Callable[[TimerQueue, Callable[[int], None], int], None]) -> list[tuple[int, int]]:
    """Return (due, called) offsets in nanoseconds of the first `count` calls that `schedule` leads to."""

    async def story() -> list[tuple[int, int]]:
        loop = asyncio.get_running_loop()
        timers = TimerQueue(loop)
        begin_ns = time.monotonic_ns()
        calls: list[tuple[int, int]] = []
        enough = asyncio.Event()

        def call(due_ns: int) -> None:
            calls.append((due_ns - begin_ns, time.monotonic_ns() - begin_ns))
            if len(calls) == count:
                enough.set()

        schedule(timers, call, begin_ns)
        await asyncio.wait_for(enough.wait(), DEADLINE_S)
        timers.stop()
        return calls

    return uvloop.run(story())


def test_calls_come_in_the_order_of_their_due_times() -> None:
    """Whatever the order in which they were asked for; nothing is ever called early."""

    def schedule(timers: TimerQueue, call: Callable[[int], None], begin_ns: int) -> None:
        for offset_ms in (30, 5, 20, 1, 12):
            timers.at(begin_ns + offset_ms * MS, call)

    calls = run_until(5, schedule)

    assert [due_ns for due_ns, _ in calls] == [1 * MS, 5 * MS, 12 * MS, 20 * MS, 30 * MS]
    assert all(called_ns >= due_ns for due_ns, called_ns in calls)


def test_what_is_due_already_is_called_as_well() -> None:
    """A due time in the past, and one that a call asks for."""

    def schedule(timers: TimerQueue, call: Callable[[int], None], begin_ns: int) -> None:
        def ask_again(due_ns: int) -> None:
            call(due_ns)
            timers.at(due_ns + 2 * MS, call)

        timers.at(begin_ns - 5 * MS, ask_again)

    assert [due_ns for due_ns, _ in run_until(2, schedule)] == [-5 * MS, -3 * MS]


def test_an_earlier_due_time_overtakes_a_later_one() -> None:
    """The loop's timer is set anew for it."""

    def schedule(timers: TimerQueue, call: Callable[[int], None], begin_ns: int) -> None:
        timers.at(begin_ns + 3600_000 * MS, call)
        timers.at(begin_ns + 2 * MS, call)

    assert run_until(1, schedule)[0][0] == 2 * MS


def test_a_call_that_asks_for_more_hides_nothing() -> None:
    """A due time far away, asked for by a call, does not move the timer behind what stands in the queue already."""

    def schedule(timers: TimerQueue, call: Callable[[int], None], begin_ns: int) -> None:
        def ask_for_much_later(due_ns: int) -> None:
            call(due_ns)
            timers.at(begin_ns + 3600_000 * MS, call)

        timers.at(begin_ns + MS, ask_for_much_later)
        timers.at(begin_ns + 10 * MS, call)

    assert [due_ns for due_ns, _ in run_until(2, schedule)] == [1 * MS, 10 * MS]


def test_nothing_comes_after_the_stop() -> None:
    """Neither what was asked for before nor what is asked for after it."""

    async def story() -> list[int]:
        timers = TimerQueue(asyncio.get_running_loop())
        calls: list[int] = []
        timers.at(time.monotonic_ns() + MS, calls.append)
        timers.stop()
        timers.at(time.monotonic_ns() + MS, calls.append)
        control = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, control.set)
        await control.wait()
        return calls

    assert uvloop.run(story()) == []
