"""Stochastic dominance: is push better at every quantile, worse at every quantile, or do the two cross, and where.

First order: one is better where its quantile is smaller. Differences within the bootstrap's band are no differences.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from loadtests.analysis.baseline.blocks import FEWEST, Blocks
from loadtests.analysis.stamps import Floats, Ints

SHARES: Final = tuple(round(share, 2) for share in np.arange(0.05, 1.0, 0.05).tolist())
"""The quantiles that are compared."""
_LOW, _HIGH = 0.025, 0.975
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
    low, high = (np.quantile(differences, share, axis=0, method="lower") for share in (_LOW, _HIGH))
    better = tuple(share for share, bound in zip(SHARES, high.tolist(), strict=True) if bound < 0)
    worse = tuple(share for share, bound in zip(SHARES, low.tolist(), strict=True) if bound > 0)
    return Compared(verdict=_verdict(better, worse), better_at=better, worse_at=worse)


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
