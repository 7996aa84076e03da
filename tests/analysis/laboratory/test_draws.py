"""Chance without a state: one by one or as columns, the same draws."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.laboratory.draws import What, draw, draw_each, states_of

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@settings(deadline=None)  # the first example waits for the compiler
@given(seed=st.integers(0, 2**70), rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1), what=st.sampled_from(What))
def test_columns_draw_what_single_numbers_draw(seed: int, rows: list[tuple[int, int]], what: What) -> None:
    """To the last bit, whatever the numbers."""
    first, second = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))

    assert draw_each(states_of(seed, what, first), np.arange(len(first)), second).tolist() == [
        draw(seed, what, *row) for row in rows
    ]


def test_draws_are_even_and_differ_by_what_they_are_for() -> None:
    """A hundred thousand neighbours: their mean is that of [0, 1), and two questions have little in common."""
    numbers = np.arange(100_000)
    jitter, duration = (
        draw_each(states_of(1, what, numbers * 0), numbers, numbers) for what in (What.JITTER, What.DURATION)
    )

    assert abs(jitter.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(jitter, duration)[0, 1]) < 0.02
    assert abs(np.corrcoef(jitter[1:], jitter[:-1])[0, 1]) < 0.02
