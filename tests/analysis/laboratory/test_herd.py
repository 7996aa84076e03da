"""How dense requests are, from stamps in milliseconds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.laboratory.herd import peak_of, peak_of_one, read_crowds
from loadtests.analysis.stamps import Ints

MS = 1_000_000


def at(*stamps_ms: float) -> Ints:
    """Return stamps."""
    return np.array([round(stamp * MS) for stamp in stamps_ms], dtype=np.int64)


def test_the_peak_is_of_any_100_ms_wherever_they_begin() -> None:
    """Three at 90 ms, 110 ms and 180 ms are together, though a clock's tenths of a second would part them."""
    assert peak_of(at(180, 90, 110, 400)) == 3


def test_exactly_100_ms_later_is_not_together() -> None:
    """A stretch does not hold its end."""
    assert peak_of(at(0, 100)) == 1
    assert peak_of(at(0, 99.9)) == 2


def test_without_requests_there_is_no_peak() -> None:
    """Nor a crowd, whatever is asked."""
    crowds = read_crowds(at())

    assert (crowds.peak, crowds.count, crowds.hold(at(1)).tolist()) == (0, 0, [False])
    assert peak_of_one(at(), at()) == 0


def test_crowds_are_all_stretches_with_at_least_half_of_the_peak() -> None:
    """Four together at 0, two at 1,000, one at 2,000: two crowds, and the last is none."""
    crowds = read_crowds(at(0, 1, 2, 3, 1000, 1001, 2000))

    assert (crowds.peak, crowds.count) == (4, 2)
    assert crowds.hold(at(0, 3, 50, 500, 1001, 2000)).tolist() == [True, True, True, False, True, False]


def test_an_organizations_peak_is_its_own() -> None:
    """Three organizations at one moment, of which one makes two requests."""
    assert peak_of_one(np.array([0, 1, 2, 1]), at(0, 1, 2, 3)) == 2
    assert peak_of(at(0, 1, 2, 3)) == 4


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1000))))
def test_peaks_are_what_counting_gives(requests: list[tuple[int, int]]) -> None:
    """For each request, those of the next 100 ms: of everybody, and of its organization."""

    def counted(chosen: list[int]) -> int:
        return max((sum(first <= other < first + 100 for other in chosen) for first in chosen), default=0)

    organization = np.array([each for each, _ in requests], dtype=np.int64)
    stamps = at(*(stamp for _, stamp in requests))

    assert peak_of(stamps) == counted([stamp for _, stamp in requests])
    assert peak_of_one(organization, stamps) == max(
        counted([stamp for each, stamp in requests if each == asked]) for asked in range(4)
    )
