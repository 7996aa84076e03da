"""Stochastic dominance: is push better at every quantile, worse at every quantile, or do the two cross, and where.

First order: one is better where its quantile is smaller. Differences within the bootstrap's band, which holds all
quantiles at once, are no differences.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from loadtests.analysis.baseline.blocks import FEWEST, Blocks
from loadtests.analysis.stamps import Floats, Ints

SHARES: Final = tuple(round(share, 2) for share in np.arange(0.05, 1.0, 0.05).tolist())
"""The quantiles that are compared."""
_BINS: Final = 2000
"""Ranks of the pooled values that resampling tells apart."""


class Dominance(StrEnum):
    """How push compares with a cohort."""

    BETTER = "better"
    """At some quantiles, and at none worse beyond chance."""
    WORSE = "worse"
    CROSSING = "crossing"
    """Better at some, worse at others."""
    SAME = "same"
    """No difference beyond chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The verdict, and where it rests on."""

    verdict: Dominance | None
    """None: too few stretches, or one of both saw nothing."""
    better_at: tuple[float, ...]
    """Shares at which push's quantile is smaller beyond chance."""
    worse_at: tuple[float, ...]


def compare(push: "Sample", other: "Sample", blocks: Blocks) -> Compared:
    """Return how push's distribution compares with another one's, over the same writes."""
    if blocks.count < FEWEST or not len(push.values) or not len(other.values):
        return Compared(verdict=None, better_at=(), worse_at=())
    edges = np.unique(
        np.quantile(np.concatenate([push.values, other.values]), np.linspace(0, 1, _BINS), method="lower")
    )
    draws = blocks.draws()
    differences = push.quantiles(edges, draws, blocks.count) - other.quantiles(edges, draws, blocks.count)
    # Two that never show a change are equal there; one that does against one that does not is infinitely better.
    differences = np.where(np.isnan(differences), 0.0, differences)
    low, high = _band(differences, outside=2 * blocks.outside)
    better = tuple(share for share, bound in zip(SHARES, high.tolist(), strict=True) if bound < 0)
    worse = tuple(share for share, bound in zip(SHARES, low.tolist(), strict=True) if bound > 0)
    return Compared(verdict=_verdict(better, worse), better_at=better, worse_at=worse)


def _band(differences: Floats, *, outside: float) -> tuple[Floats, Floats]:
    """Return between what all but a part `outside` of the draws lie at all quantiles at once.

    Nineteen bands for one quantile each would be left somewhere by far more draws than that. So a draw is as deep as it
    lies in the column in which it is most extreme, and the band is cut at the depth that all but that part have (Mandel
    and Betensky, Computational Statistics & Data Analysis 52, 2008). Ranks alone count: a difference may be infinite.

    Args:
        differences: one row per draw, one column per quantile.
        outside: of the draws.

    """
    ordered = np.sort(differences, axis=0)
    columns = [
        np.minimum(
            np.searchsorted(column, values, side="right"), len(column) - np.searchsorted(column, values, side="left")
        )
        for column, values in zip(ordered.T, differences.T, strict=True)
    ]
    depth = np.sort(np.min(columns, axis=0))[int(outside * len(differences))]
    return ordered[depth - 1], ordered[-depth]


def _verdict(better: tuple[float, ...], worse: tuple[float, ...]) -> Dominance:
    if better and worse:
        return Dominance.CROSSING
    if not better and not worse:
        return Dominance.SAME
    return Dominance.BETTER if better else Dominance.WORSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Observations, each in a stretch of the window; +inf: never."""

    values: Floats
    block: Ints

    def quantiles(self, edges: Floats, draws: Floats, blocks: int) -> Floats:
        """Return the quantiles at `SHARES` under each draw of stretches: one row per draw."""
        place = np.searchsorted(edges, self.values, side="left")
        counts = np.bincount(self.block * len(edges) + np.minimum(place, len(edges) - 1), minlength=blocks * len(edges))
        drawn = np.cumsum(draws @ counts.reshape(blocks, len(edges)), axis=1)
        wanted = np.array(SHARES)[None, :] * drawn[:, -1:]
        places = np.stack([np.searchsorted(row, want - 1e-9) for row, want in zip(drawn, wanted, strict=True)])
        quantiles: Floats = edges[np.minimum(places, len(edges) - 1)]
        return quantiles
