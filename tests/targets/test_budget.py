"""Time that steps share, by a clock that the test holds."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.targets.budget import LEAST_S, Budget


class Clock:
    """One that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def test_a_step_is_given_what_it_wants_or_what_is_left() -> None:
    """And a last moment when nothing is."""
    clock = Clock()
    budget = Budget(total_s=10, clock=clock)

    assert budget.left_s(4) == 4
    clock.now_s += 8
    assert budget.left_s(4) == 2
    assert budget.until_s(4) == 1010
    clock.now_s += 5
    assert budget.left_s(4) == LEAST_S


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), max_size=20))
def test_steps_that_keep_what_they_are_given_end_in_time(steps: list[tuple[float, float]]) -> None:
    """Whatever each wants, and whatever part of it it takes."""
    clock = Clock()
    budget = Budget(total_s=14, clock=clock)

    for wanted_s, share in steps:
        clock.now_s += budget.left_s(wanted_s) * share

    assert clock.now_s - 1000 <= 14 + LEAST_S * len(steps) + 1e-9
