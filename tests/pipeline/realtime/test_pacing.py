"""The real server's clock: polls, costs, failures, idleness; in virtual time."""

import statistics
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.pacing import (
    COLD_START_S,
    POLL_CHANGES,
    Backoff,
    IdleWatch,
    PollCost,
    PollOutcome,
    PollTime,
    between,
    pause_s,
)

MINUTE_NS = 60 * 10**9
MEASURED = PollCost(check_us=48)


def low() -> float:
    """Return the least that the dice can show."""
    return 0.0


def high() -> float:
    """Return the most."""
    return 1.0


@pytest.mark.parametrize(
    ("outcome", "least", "most"),
    [
        (PollOutcome.DELIVERED, 0.0, 0.0),
        (PollOutcome.UNHEARD, 0.15, 0.2),
        (PollOutcome.EMPTY, 0.5, 0.5),
    ],
)
def test_pause_follows_from_what_the_poll_found(outcome: PollOutcome, least: float, most: float) -> None:
    """At once after deliveries, 100 ms and some jitter after rows for nobody, 500 ms after nothing."""
    bounds = (pause_s(outcome, low), pause_s(outcome, high))

    assert bounds == pytest.approx((least, most))


@given(st.floats(0, 1))
def test_cold_start_takes_one_and_a_half_to_three_seconds(dice: float) -> None:
    """Whatever the dice show."""
    waits_s = between(COLD_START_S, lambda: dice)

    assert 1.5 <= waits_s <= 3.0


def polled(*, subscribers: int, rows_per_s: int, duration_s: int) -> list[tuple[float, float]]:
    """Return when each row was committed and received: the poll loop in virtual time, rows evenly spaced."""
    random = Random(1).random  # noqa: S311 - dice, no secret
    committed_s = [number / rows_per_s for number in range(rows_per_s * duration_s)]
    received: list[tuple[float, float]] = []
    now_s, was_idle = 0.25, True
    while len(received) < len(committed_s):
        next_ones = islice(committed_s, len(received), len(received) + POLL_CHANGES)
        waiting = [at_s for at_s in next_ones if at_s <= now_s]
        pairs = len(waiting) * subscribers
        takes = MEASURED.of(rows=len(waiting), checks=pairs, messages=pairs, was_idle=was_idle, random=random)
        received += [(at_s, now_s + takes.query_s) for at_s in waiting]
        was_idle = not waiting
        outcome = PollOutcome.EMPTY if was_idle else PollOutcome.DELIVERED
        now_s += takes.query_s + takes.dispatch_s + pause_s(outcome, random)
    return received


def latencies_s(received: list[tuple[float, float]]) -> list[float]:
    """Return how long each row took."""
    return [received_s - committed_s for committed_s, received_s in received]


def test_quiet_batches_come_526_ms_apart() -> None:
    """A poll that delivers a row, an empty one, the pause: a client's 500 ms of quiet just fit in between."""
    batches_s = sorted({received_s for _, received_s in polled(subscribers=1, rows_per_s=2, duration_s=600)})
    between_s = [later - earlier for earlier, later in pairwise(batches_s)]

    assert statistics.median(between_s) == pytest.approx(0.526, abs=0.002)


def test_five_hundred_subscribers_drain_38_rows_a_second() -> None:
    """At a load of 50/s, for which the lag grows and grows."""
    received = polled(subscribers=500, rows_per_s=50, duration_s=200)
    _, last_s = received[-1]

    assert len(received) / last_s == pytest.approx(38, abs=2)


def test_five_hundred_subscribers_keep_up_with_30_rows_a_second() -> None:
    """For ten minutes; half of the rows in the third of a second that it took the real server, which still pauses."""
    took_s = latencies_s(polled(subscribers=500, rows_per_s=30, duration_s=600))

    assert statistics.median(took_s) == pytest.approx(0.338, rel=0.2)
    assert took_s[-1] < 2


def test_one_subscriber_keeps_up_with_500_rows_a_second() -> None:
    """The real server's median was 34 ms."""
    took_s = latencies_s(polled(subscribers=1, rows_per_s=500, duration_s=30))

    assert statistics.median(took_s) == pytest.approx(0.034, abs=0.015)


def test_no_cost_of_a_check_leaves_the_poll_to_the_machine() -> None:
    """Nothing is added."""
    takes = PollCost(check_us=0).of(rows=100, checks=50_000, messages=50_000, was_idle=True, random=low)

    assert takes == PollTime(query_s=0.0, dispatch_s=0.0)


def test_failures_lengthen_the_pause_up_to_five_seconds() -> None:
    """By up to three times the last one."""
    backoff = Backoff(high)
    pauses = [backoff.failed() for _ in range(6)]

    assert pauses == pytest.approx([0.3, 0.9, 2.7, 5.0, 5.0, 5.0])


def test_sixth_failure_in_a_row_is_the_last() -> None:
    """A success in between begins the count anew."""
    backoff = Backoff(low)
    for _ in range(5):
        backoff.failed()
    backoff.succeeded()
    exhausted = []
    for _ in range(6):
        backoff.failed()
        exhausted.append(backoff.is_exhausted)

    assert exhausted == [False] * 5 + [True]


def test_ten_minutes_without_a_subscriber_are_enough() -> None:
    """A subscriber in the ninth minute starts the time again."""
    idle = IdleWatch(0)
    asked = [(0, 9, 0), (9, 9, 1), (18, 18, 0), (19, 19, 0)]
    over = [idle.is_over(minute * MINUTE_NS, subscribers=subscribers) for _, minute, subscribers in asked]

    assert over == [False, False, False, True]
