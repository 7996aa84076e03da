"""Which job a mutation hits: each strategy by its definition."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.scenario.choice import RECENT_JOBS, Strategy, choose

STRATEGIES: tuple[Strategy, ...] = ("uniform", "recent", "hot", "one", "each")
PICKS = st.floats(min_value=0, max_value=1, exclude_max=True)


def evenly_picked(strategy: Strategy, *, count: int, picks: int) -> Counter[int]:
    """Return how often each job is chosen when the random number takes `picks` equally spaced values."""
    return Counter(choose(strategy, pick=number / picks, turn=number, count=count) for number in range(picks))


@given(strategy=st.sampled_from(STRATEGIES), pick=PICKS, turn=st.integers(0, 10**9), count=st.integers(1, 5000))
def test_a_choice_is_one_of_the_jobs(strategy: Strategy, pick: float, turn: int, count: int) -> None:
    """No strategy leaves the list, not even with the largest number below 1."""
    assert 0 <= choose(strategy, pick=pick, turn=turn, count=count) < count


def test_uniform_hits_all_jobs_alike() -> None:
    """Equally spaced numbers hit equally often."""
    assert evenly_picked("uniform", count=5, picks=100) == {0: 20, 1: 20, 2: 20, 3: 20, 4: 20}


def test_recent_hits_the_newest_alone() -> None:
    """Of many jobs only the newest few are hit, and equally often."""
    chosen = evenly_picked("recent", count=50, picks=99)

    assert chosen == {49: 33, 48: 33, 47: 33}
    assert len(chosen) == RECENT_JOBS


def test_hot_follows_zipfs_law() -> None:
    """The newest job is hit twice as often as the next, three times as often as the third."""
    chosen = evenly_picked("hot", count=3, picks=11_000)

    assert [chosen[index] for index in (2, 1, 0)] == pytest.approx([6000, 3000, 2000], abs=2)


def test_one_hits_the_oldest_whatever_was_drawn() -> None:
    """All mutations of a phase hit the same job."""
    assert evenly_picked("one", count=12, picks=10) == {0: 10}


def test_each_takes_the_jobs_in_turn() -> None:
    """Ten mutations of twelve jobs hit ten different ones; the thirteenth begins again."""
    assert [choose("each", pick=0.5, turn=turn, count=12) for turn in (0, 1, 9, 11, 12)] == [0, 1, 9, 11, 0]
