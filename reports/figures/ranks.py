"""Ranks for drawing: which points of a distribution a curve passes through, and which pairs stand for "typical"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.results import Milliseconds

MOST_POINTS: Final = 2000
_TAIL_POINTS: Final = 400
LADDER: Final = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A cumulative distribution: at `value[i]`, `share[i]` of all observations have happened."""

    value: NDArray[np.float64]
    share: NDArray[np.float64]
    n: int
    """All observations, those that never happened included."""
    never: int


def cumulative(values: Milliseconds, most: int = MOST_POINTS) -> Curve:
    """Return the exact distribution, thinned to at most `most` ranks; the slowest ranks are all kept."""
    finite = np.sort(values[np.isfinite(values)])
    ranks = np.arange(len(finite))
    if len(finite) > most:
        tail = min(_TAIL_POINTS, most // 2)
        body = np.linspace(0, len(finite) - tail - 1, most - tail).round().astype(np.int64)
        ranks = np.unique(np.concatenate([body, ranks[-tail:]]))
    return Curve(
        value=finite[ranks],
        share=(ranks + 1) / max(len(values), 1),
        n=len(values),
        never=len(values) - len(finite),
    )


def at_share(values: Milliseconds, share: float) -> float | None:
    """Return the smallest observation that `share` of all observations do not exceed (+inf counts); None if empty."""
    return nearest_rank(values, share) if len(values) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The mean pair among neighbours in rank: its stages add up to its total."""

    name: str
    stages_ms: Mapping[str, float]
    total_ms: float
    pairs: int


def bands(stages_ms: Mapping[str, Milliseconds]) -> tuple[Band, ...]:
    """Return the middle and the slowest tenth of the pairs by total; empty if there is no pair."""
    if not stages_ms:
        return ()
    table = np.vstack(list(stages_ms.values()))
    table = table[:, np.isfinite(table).all(axis=0)]
    pairs = table.shape[1]
    if pairs == 0:
        return ()
    order = np.argsort(table.sum(axis=0), kind="stable")
    middle = order[int(pairs * 0.45) : max(int(np.ceil(pairs * 0.55)), int(pairs * 0.45) + 1)]
    slowest = order[min(int(pairs * 0.9), pairs - 1) :]
    return tuple(
        _band(name, list(stages_ms), table[:, members])
        for name, members in (("middle tenth", middle), ("slowest tenth", slowest))
    )


def _band(name: str, stages: list[str], table: NDArray[np.float64]) -> Band:
    means = table.mean(axis=1)
    return Band(
        name=name,
        stages_ms=dict(zip(stages, means.tolist(), strict=True)),
        total_ms=float(means.sum()),
        pairs=table.shape[1],
    )
