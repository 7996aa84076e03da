"""The live policy's regret: its refreshes and waits beside the cheapest and the greedy."""

import pytest

from loadtests.analysis.coalescing import read_asked
from loadtests.analysis.laboratory.regret import Regret, regrets
from loadtests.analysis.laboratory.waiting import Bill
from tests.analysis.literal import MS, Story


def regret_at(price_s: float) -> Regret:
    """Return the regret of two signals 100 ms apart that one flush served after 600 and 500 ms."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, 100).mutation(1, 200).signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=1)
    run = story.fetch(0, 710, 720, "page", batch=1).run()
    return regrets(read_asked(run.signals, run.events, run.screens.requests, run.window), [price_s])[0]


def test_dear_requests_are_saved_by_waiting_for_the_second_signal() -> None:
    """At 1 s a request: one refresh at the second signal, 0.1 s of waiting; live waited for 1.1 s."""
    regret = regret_at(1)

    assert (regret.live, regret.cheapest) == (Bill(1, 1100 * MS), Bill(1, 100 * MS))
    assert regret.over_cheapest == pytest.approx(2.1 / 1.1 - 1)


def test_the_greedy_waits_for_one_price() -> None:
    """1 s for both together, so a little less than live: whole nanoseconds."""
    regret = regret_at(1)

    assert regret.greedy == Bill(1, 1000 * MS)
    assert regret.over_greedy == pytest.approx(2.1 / 2.0 - 1)


def test_without_signals_nothing_is_regretted() -> None:
    """No cost, no share of it."""
    run = Story(subscribers={"count": 1, "web": 0}).clock().live(0).run()
    asked = read_asked(run.signals, run.events, run.screens.requests, run.window)

    assert [each.over_cheapest for each in regrets(asked, [1])] == [None]


def test_costs_are_told_in_seconds() -> None:
    """One request of 1 s, and 0.1 s of waiting."""
    assert regret_at(1).to_json()["cheapest"] == {"refreshes": 1, "waited_s": 0.1, "cost_s": 1.1}
