"""The one number among the counters that is more than a sum."""

from loadtests.pipeline.realtime.counters import Histogram


def test_an_observation_counts_for_the_lowest_bound_that_it_does_not_exceed() -> None:
    """Bounds are inclusive, as Prometheus' are; what is above all of them is counted last."""
    histogram = Histogram((10, 100))
    for milliseconds in (3, 10, 10.5, 100, 2_000):
        histogram.observe(milliseconds)

    assert histogram.counts == [2, 2, 1]
    assert (histogram.count, histogram.total) == (5, 2_123.5)
