"""The real server's clock: polls, costs, failures, idleness; in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.pacing import (
    COLD_START_S,
    Backoff,
    IdleWatch,
    PollCost,
    PollOutcome,
    between,
    pause_s,
)

MINUTE_NS = 60 * 10**9
MEASURED = PollCost(check_us=50)


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


def test_batches_come_a_little_more_than_the_idle_pause_apart() -> None:
    """A poll that delivers a row, an empty one, the pause: a client's 500 ms of quiet just fit in between."""
    delivering_s = MEASURED.seconds(rows=1, checks=1)
    period_s = delivering_s + MEASURED.seconds(rows=0, checks=0) + pause_s(PollOutcome.EMPTY, low)

    assert period_s == pytest.approx(0.5135, abs=0.0001)


@pytest.mark.parametrize(
    ("subscribers", "rows_per_s", "measured"),
    [(500, 38, "the most that 500 subscribers drained"), (1, 640, "a load of 500/s took 81 % of the backend")],
)
def test_cost_puts_the_knee_where_it_was_measured(subscribers: int, rows_per_s: int, measured: str) -> None:
    """So many rows take about a second."""
    takes_s = MEASURED.seconds(rows=rows_per_s, checks=rows_per_s * subscribers)

    assert takes_s == pytest.approx(1.0, abs=0.05), measured


def test_no_cost_of_a_check_leaves_the_poll_to_the_machine() -> None:
    """Nothing is added."""
    takes_s = PollCost(check_us=0).seconds(rows=100, checks=50_000)

    assert takes_s == 0.0


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
