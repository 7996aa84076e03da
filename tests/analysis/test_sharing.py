"""What is worked out once for each distinct pair reaches all who went through it."""

import numpy as np

from loadtests.analysis import sharing
from loadtests.analysis.sharing import share
from loadtests.analysis.stamps import Ints


def test_each_place_gets_the_items_of_its_pair() -> None:
    """Pair 0 has two items, pair 1 none, pair 2 one."""

    def compute(_: slice) -> tuple[Ints, Ints]:
        return np.array([0, 0, 2]), np.array([10, 11, 12])

    place, item = share(np.array([2, 0, 1, 0]), 3, compute)

    assert place.tolist() == [0, 1, 1, 3, 3]
    assert item.tolist() == [12, 10, 11, 10, 11]


def test_pairs_are_worked_out_some_at_a_time_and_once_each() -> None:
    """More pairs than one slice takes; each one's item is its own number."""
    pairs = 2 * sharing._CHUNK + 1
    asked: list[int] = []

    def compute(some: slice) -> tuple[Ints, Ints]:
        numbers = np.arange(pairs)[some]
        asked.extend(numbers.tolist())
        return numbers - some.start, numbers

    place, item = share(np.array([pairs - 1, 0, pairs - 1]), pairs, compute)

    assert asked == list(range(pairs))
    assert (place.tolist(), item.tolist()) == ([0, 1, 2], [pairs - 1, 0, pairs - 1])
