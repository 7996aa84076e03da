"""Which victims a fault chooses: repeatable, and never too many."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.faults.choice import COUNTED_SHARE, Choice


def test_the_seed_alone_decides() -> None:
    """Two choices of one seed are equal, of another seed they are not."""
    first, second, other = (Choice(seed=seed, share=0.5) for seed in (7, 7, 8))
    drawn = [first.takes() for _ in range(64)]

    assert [second.takes() for _ in range(64)] == drawn
    assert [other.takes() for _ in range(64)] != drawn


def test_a_whole_share_takes_everything_up_to_the_count() -> None:
    """The first three of five."""
    choice = Choice(seed=1, share=1.0, count=3)

    assert [choice.takes() for _ in range(5)] == [True, True, True, False, False]
    assert choice.is_over


def test_a_share_without_a_count_is_never_over() -> None:
    """It goes on until it is ended."""
    choice = Choice(seed=1, share=1.0)

    assert all(choice.takes() for _ in range(1000))
    assert not choice.is_over


def test_a_choice_that_came_to_nothing_is_made_again() -> None:
    """Given back, it can be taken by another."""
    choice = Choice(seed=1, share=1.0, count=1)
    taken = choice.takes()
    choice.give_back()

    assert taken
    assert not choice.is_over
    assert choice.takes()


@given(st.integers(), st.integers(1, 20))
def test_a_count_alone_is_reached_exactly(seed: int, count: int) -> None:
    """Given enough to choose from, which lie apart."""
    choice = Choice(seed=seed, count=count)
    taken = [choice.takes() for _ in range(round(count / COUNTED_SHARE) * 20)]

    assert sum(taken) == count
