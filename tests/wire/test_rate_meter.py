"""The mean by which limits per second are kept, in virtual time."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.wire.rate_meter import RateMeter

SECOND_NS = 10**9


def seconds(at_s: float) -> int:
    """Return the moment in nanoseconds."""
    return round(at_s * SECOND_NS)


def test_burst_within_one_bucket_is_not_seen_before_its_end() -> None:
    """190 joins at once pass a limit of 100 a second, as on the real server: 190 in two buckets are 19 a second."""
    meter = RateMeter(100)
    meter.is_exceeded(0)
    meter.add(seconds(1), 190)
    seen = [meter.is_exceeded(seconds(at_s)) for at_s in (1, 4.9, 5, 10)]

    assert seen == [False, False, False, False]


def test_meter_trips_at_the_limit_itself() -> None:
    """1000 in two buckets are a mean of 100."""
    meter = RateMeter(100)
    meter.add(seconds(0), 1000)

    assert [meter.is_exceeded(seconds(at_s)) for at_s in (4.99, 5)] == [False, True]


def test_meter_clears_as_the_buckets_grow_more() -> None:
    """3300 in three buckets are 220 a second, in seven they are 94: changes are withheld for 20 s."""
    meter = RateMeter(100)
    meter.add(seconds(0), 800)
    meter.add(seconds(6), 2500)
    seen = [meter.is_exceeded(seconds(at_s)) for at_s in (9, 10, 15, 20, 25, 29, 30)]

    assert seen == [False, True, True, True, True, True, False]


def test_meter_forgets_after_a_minute() -> None:
    """Twelve buckets later nothing is left of the largest burst."""
    meter = RateMeter(1)
    meter.add(0, 10**9)
    seen = [meter.is_exceeded(seconds(at_s)) for at_s in (5, 64, 65, 100_000)]

    assert seen == [True, True, False, False]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 5000)), max_size=50))
def test_meter_agrees_with_the_mean_of_all_its_buckets(steps: list[tuple[float, int]]) -> None:
    """For any history of counts, against a list of all buckets."""
    meter, at_ns, counts = RateMeter(100), 0, [0]
    meter.is_exceeded(0)
    for wait_s, count in steps:
        at_ns += seconds(wait_s)
        meter.add(at_ns, count)
        counts += [0] * (at_ns // (5 * SECOND_NS) + 1 - len(counts))
        counts[-1] += count
    buckets = [0, *counts[:-1]][-12:]
    expected = sum(buckets) / (len(buckets) * 5) >= 100

    assert meter.is_exceeded(at_ns) == expected
