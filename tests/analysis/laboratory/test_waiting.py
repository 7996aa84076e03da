"""The price of waiting: the cheapest refresh times, and a policy that is never twice as dear."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.laboratory.waiting import NOTHING, Bill, cheapest, greedy

streams = st.lists(st.integers(0, 60), min_size=1, max_size=10).map(sorted)


def by_force(arrivals: list[int], price: int) -> int:
    """Return the least cost over all ways to cut the stream into refreshes, each at the last signal that it serves."""
    costs = []
    for cuts in product((False, True), repeat=len(arrivals) - 1):
        cost, pending = 0, []
        for at, ends in zip(arrivals, (*cuts, True), strict=True):
            pending.append(at)
            if ends:
                cost += price + sum(at - each for each in pending)
                pending = []
        costs.append(cost)
    return min(costs)


def test_dear_requests_wait_for_each_other() -> None:
    """At 10 a request the second signal is worth waiting for, the third is not."""
    assert cheapest([0, 4, 100], 10) == Bill(refreshes=2, waited_ns=4)


def test_cheap_requests_do_not() -> None:
    """At 3 a request, 4 of waiting are too much."""
    assert cheapest([0, 4, 100], 3) == Bill(refreshes=3, waited_ns=0)


def test_the_greedy_lets_a_price_of_waiting_accrue() -> None:
    """The first has waited 4 when the second comes; 3 later both together have waited 10."""
    assert greedy([0, 4, 100], 10) == Bill(refreshes=2, waited_ns=20)


def test_a_signal_at_the_very_moment_of_the_refresh_begins_anew() -> None:
    """The first has waited for its 10 when the second comes."""
    assert greedy([0, 10], 10) == Bill(refreshes=2, waited_ns=20)


@pytest.mark.parametrize("bill", [cheapest([], 10), greedy([], 10)])
def test_no_signal_costs_nothing(bill: Bill) -> None:
    """An empty stream has no refresh."""
    assert bill == NOTHING


@given(arrivals=streams, price=st.integers(0, 50))
def test_the_cheapest_equals_brute_force(arrivals: list[int], price: int) -> None:
    """No way to cut the stream is cheaper, and its refreshes and waits are those of a way that exists."""
    assert cheapest(arrivals, price).cost_ns(price) == by_force(arrivals, price)


@given(arrivals=st.lists(st.integers(0, 10**9), max_size=80).map(sorted), price=st.integers(0, 10**8))
def test_the_cheapest_equals_the_plain_recurrence(arrivals: list[int], price: int) -> None:
    """The queue of lines leaves out nothing that the quadratic recurrence would have found."""
    best = [0]
    for end, at in enumerate(arrivals, start=1):
        best.append(min(best[i] + price + sum(at - each for each in arrivals[i:end]) for i in range(end)))

    assert cheapest(arrivals, price).cost_ns(price) == best[-1]


@given(arrivals=st.lists(st.integers(0, 10**9), max_size=60).map(sorted), price=st.integers(0, 10**9))
def test_the_greedy_costs_at_most_twice_the_cheapest(arrivals: list[int], price: int) -> None:
    """To two nanoseconds for each signal, which whole nanoseconds cost."""
    most = 2 * cheapest(arrivals, price).cost_ns(price) + 2 * len(arrivals)

    assert greedy(arrivals, price).cost_ns(price) <= most
