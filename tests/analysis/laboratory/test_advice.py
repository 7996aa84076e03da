"""Which policy is advised, from requests, staleness and peaks by hand."""

from collections.abc import Mapping

import numpy as np
import pytest

from loadtests.analysis.laboratory.advice import Advice, Again, Tried, advise, cheapest_of
from loadtests.analysis.laboratory.herd import Peaks
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.policy_grid import Choice, parse_policy
from loadtests.analysis.quantiles import of_distinct
from tests.analysis.literal import scenario_of

SCENARIO = scenario_of(subscribers={"count": 1})
QUICK = "edge=fixed-window,window_ms=100,coalescing=request-key"


def outcome(name: str, refreshes: int, mean_ms: float, *, worst_ms: float | None = None) -> Outcome:
    """Return what a policy came to."""
    worst = np.array([mean_ms * 10 if worst_ms is None else worst_ms])
    return Outcome(
        name=name,
        refreshes=refreshes,
        others=0,
        suppressed=0,
        minutes=10.0,
        stale_mean_ms=mean_ms,
        stale_ms=of_distinct(worst, distinct=1),
        waits_ms=of_distinct(worst, distinct=1),
        by_model={},
    )


def tried(name: str, refreshes: int, mean_ms: float) -> Tried:
    """Return a policy with it."""
    return Tried(parse_policy(name, SCENARIO), outcome(name, refreshes, mean_ms))


LIVE, BEST = tried("live", 100, 50.0), tried(QUICK, 90, 20.0)


def advised(
    best: Tried | None, peaks: Mapping[str, int], *, chosen: int | None = None, added_ms: float = 0.0
) -> Advice | None:
    """Return the advice where policies have the given peaks, those without one 8, and jitter adds to staleness.

    Draws differ by one to both sides.
    """

    def peaks_of(choice: Choice) -> Peaks:
        middle = peaks.get(choice.name, peaks["live"] if choice.name == "live,jitter_ms=0" else 8)
        return Peaks((middle - 1, middle, middle + 1))

    def replay(choice: Choice) -> Outcome:
        base = (best or LIVE).outcome
        return outcome(choice.name, base.refreshes, (base.stale_mean_ms or 0.0) + added_ms)

    again = Again(outcome=replay, peaks=peaks_of, jitters_ms=(0, 200, 400, 800))
    return advise(LIVE, best, again, chosen=chosen)


def name_of(advice: Advice | None) -> str | None:
    """Return what is advised."""
    assert advice is not None
    return None if advice.policy is None else advice.policy.outcome.name


def test_without_a_herd_nothing_is_added() -> None:
    """Nine re-fetches at one moment are none."""
    assert advised(BEST, {"live": 9, QUICK: 9}) is None


def test_a_chosen_rate_is_worth_staler_screens() -> None:
    """The least jitter that keeps it, though screens are staler than live by it; without it they were not."""
    peaks = {"live": 500, QUICK: 500, f"{QUICK},jitter_ms=200": 60}
    advice = advised(BEST, peaks, chosen=50, added_ms=200.0)

    assert advice is not None
    assert name_of(advice) == f"{QUICK},jitter_ms=400"
    assert (advice.added_jitter_ms, advice.plain.outcome.name, advice.plain_peaks.median) == (400, QUICK, 500)
    assert (advice.peaks.median, advice.is_kept, advice.is_chosen, advice.spread) == (8, True, True, None)


def test_a_rate_holds_in_every_draw() -> None:
    """The median keeps it, the unluckiest draw does not."""
    peaks = {"live": 500, QUICK: 500, f"{QUICK},jitter_ms=200": 50}

    assert name_of(advised(BEST, peaks, chosen=50)) == f"{QUICK},jitter_ms=400"
    assert name_of(advised(BEST, peaks, chosen=51)) == f"{QUICK},jitter_ms=200"


def test_a_policy_that_keeps_the_rate_needs_no_jitter() -> None:
    """And what no other policy beats gets it if it does not."""
    assert name_of(advised(BEST, {"live": 500, QUICK: 40}, chosen=50)) == QUICK
    assert name_of(advised(None, {"live": 500}, chosen=50)) == "live,jitter_ms=200"
    assert name_of(advised(None, {"live": 40}, chosen=50)) is None


def test_half_the_peak_is_taken_where_it_costs_nothing() -> None:
    """Nobody chose a rate; with jitter screens are still no staler than live."""
    advice = advised(BEST, {"live": 500, QUICK: 500}, added_ms=30.0)

    assert advice is not None
    assert name_of(advice) == f"{QUICK},jitter_ms=200"
    assert (advice.limit, advice.is_chosen, advice.is_kept) == (250, False, True)


@pytest.mark.parametrize("best", [BEST, None])
def test_half_the_peak_is_only_told_where_it_would_cost_something(best: Tried | None) -> None:
    """With how much jitter, and how stale screens were then."""
    advice = advised(best, {"live": 500, QUICK: 500}, added_ms=31.0)

    assert advice is not None
    assert advice.policy is best
    assert (advice.added_jitter_ms, advice.is_kept) == (0, False)
    assert advice.spread is not None
    assert (advice.spread.jitter_ms, advice.spread.peaks.median) == (200, 8)


def test_no_policy_is_advised_that_makes_a_denser_herd_than_live() -> None:
    """Live is spread by a jitter of its own, which the other lacks."""
    peaks = {"live": 77, "live,jitter_ms=0": 500, QUICK: 500, f"{QUICK},jitter_ms=200": 200}

    assert name_of(advised(BEST, peaks, added_ms=10.0)) == f"{QUICK},jitter_ms=400"
    assert name_of(advised(BEST, peaks, added_ms=31.0)) is None


def test_a_chosen_rate_that_live_keeps_is_not_given_up() -> None:
    """The other would need a jitter that makes screens staler than live."""
    peaks = {"live": 45, QUICK: 60}

    assert name_of(advised(BEST, peaks, chosen=50, added_ms=31.0)) is None
    assert name_of(advised(BEST, peaks, chosen=50, added_ms=30.0)) == f"{QUICK},jitter_ms=200"


def test_a_rate_out_of_reach_says_so() -> None:
    """No jitter is enough: the policy stands as it is, and nothing is pretended."""
    advice = advised(BEST, {"live": 500, QUICK: 500}, chosen=5)

    assert advice is not None
    assert advice.policy is BEST
    assert (advice.is_kept, advice.spread) == (False, None)


def test_faults_of_today_are_never_the_cheapest() -> None:
    """The restarted timer is replayed for comparison."""
    fault = tried("edge=flush-on-cancel,window_ms=500,coalescing=request-key", 10, 1.0)

    assert cheapest_of([fault, BEST], LIVE) is BEST
    assert cheapest_of([fault], LIVE) is None
