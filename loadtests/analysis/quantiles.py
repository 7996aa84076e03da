"""Quantiles by nearest rank, and the one rule on how many observations a quantile needs.

Ranks, because +infinity stands for "never": nothing is interpolated between what happened and what did not.
"""

from typing import Final

import numpy as np

from loadtests.analysis.results import Quantiles
from loadtests.analysis.stamps import Floats, Ints

SAMPLES_NEEDED: Final = {0.9: 100, 0.95: 200, 0.99: 1000}
"""Distinct observations below which a quantile is not told."""


def nearest_rank(values: Floats, share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed; there must be one value."""
    return float(np.partition(values, rank(len(values), share))[rank(len(values), share)])


def rank(count: int, share: float) -> int:
    """Return the index, in ascending order, of the quantile of `count` values."""
    # 0.95 · 20 is 19.000000000000004 or 18.999999999999996 depending on the share: only the integer is meant.
    return max(int(np.ceil(round(share * count, 9))) - 1, 0)


def distribution(values_ms: Floats, observed: Ints) -> Quantiles:
    """Return the quantiles of `values_ms`; `observed` says of which mutation (or the like) each value is."""
    return of_distinct(values_ms, distinct=len(np.unique(observed)))


def of_distinct(values_ms: Floats, *, distinct: int) -> Quantiles:
    """Return the quantiles of values that stem from `distinct` independent observations."""
    count = len(values_ms)
    if not count:
        return Quantiles(p50=None, p90=None, p95=None, p99=None, max=None, n=distinct, pairs=0)
    assert not np.isnan(values_ms).any(), "a latency without a stamp is left out before it comes here"
    shares = (0.5, 0.9, 0.95, 0.99, 1.0)
    ranks = [rank(count, share) for share in shares]
    ordered = np.partition(values_ms, sorted(set(ranks)))
    p50, p90, p95, p99, most = (
        float(ordered[place]) if distinct >= SAMPLES_NEEDED.get(share, 1) else None
        for share, place in zip(shares, ranks, strict=True)
    )
    return Quantiles(
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        max=most,
        n=distinct,
        pairs=count,
        never=int(np.isinf(values_ms).sum()),
        negative=int((values_ms < 0).sum()),
    )


def p99_or_max(values_ms: Floats) -> float | None:
    """Return the p99 of a health figure, its maximum while there are too few for one, None without any."""
    if not len(values_ms):
        return None
    return nearest_rank(values_ms, 0.99 if len(values_ms) >= SAMPLES_NEEDED[0.99] else 1.0)
