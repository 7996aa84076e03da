"""Search, maxima and expansion within groups, against plain loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.segments import expand, find, find_exact, find_last, is_record, running_max

# Both narrow and wide ranges, so that packing and ranking are met.
groups = st.integers(0, 4) | st.integers(0, 2**40)
values = st.integers(-3, 12) | st.integers(-(2**50), 2**50)
entries = st.lists(st.tuples(groups, values), max_size=30)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return two columns."""
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(entries, entries)
def test_finding_agrees_with_looking_at_every_entry(known: list[tuple[int, int]], asked: list[tuple[int, int]]) -> None:
    """The first at least, the last at most, the first equal, each within the asked group only."""
    known.sort()
    asked += known
    at_least = [
        next((place for place, (g, v) in enumerate(known) if g == group and v >= value), -1) for group, value in asked
    ]
    at_most = [
        max((place for place, (g, v) in enumerate(known) if g == group and v <= value), default=-1)
        for group, value in asked
    ]
    equal = [known.index(pair) if pair in known else -1 for pair in asked]

    assert find(*columns(known), *columns(asked)).tolist() == at_least
    assert find_last(*columns(known), *columns(asked)).tolist() == at_most
    assert find_exact(*columns(known), *columns(asked)).tolist() == equal


@given(st.lists(st.tuples(groups, values), max_size=30))
def test_running_maxima_stay_within_their_group(pairs: list[tuple[int, int]]) -> None:
    """Each entry's maximum is that of its group so far; a record exceeds it."""
    pairs.sort(key=lambda pair: pair[0])
    highest = [max(v for g, v in pairs[: place + 1] if g == group) for place, (group, _) in enumerate(pairs)]
    records = [all(v < value for g, v in pairs[:place] if g == group) for place, (group, value) in enumerate(pairs)]

    assert running_max(*columns(pairs)).tolist() == highest
    assert is_record(*columns(pairs)).tolist() == records


def test_expanding_repeats_owners_with_positions() -> None:
    """Counts 2, 0, 3."""
    owner, position = expand(np.array([2, 0, 3]))

    assert owner.tolist() == [0, 0, 2, 2, 2]
    assert position.tolist() == [0, 1, 0, 1, 2]
