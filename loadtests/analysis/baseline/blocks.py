"""Block bootstrap: how much a number of a run would vary, from resampling stretches of its window.

Changes that are close in time share queues, batches and luck, so stretches are drawn and not single observations: a
stretch is at least as long as what is compared remembers, such as the interval of a cohort that polls. Too few
stretches say nothing. It knows weights of stretches and nothing of what is counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from loadtests.analysis.stamps import NS_PER_S, Floats, Ints
from loadtests.analysis.window import Window

SHORTEST_S: Final = 2.0
"""A debounce, a fetch and what they delay."""
FEWEST: Final = 10
"""Stretches below which no interval is told."""
_DRAWS: Final = 400
_Z: Final = NormalDist().inv_cdf(0.975)

Weights = Floats
"""How often each stretch was drawn; all 1 for the run as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number with its confidence interval; the bounds are None where there are too few stretches."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The window cut into equal stretches."""

    start_ns: int
    length_ns: int
    count: int
    seed: int

    @property
    def length_s(self) -> float:
        """Of one stretch."""
        return self.length_ns / NS_PER_S

    @property
    def outside(self) -> float:
        """Which part of the draws a 95% interval leaves out on each side: less than 2.5% where stretches are few.

        Few stretches vary less among themselves than what they are a sample of, so percentiles alone are too narrow:
        the expanded percentile interval (Hesterberg, The American Statistician 69, 2015, section 4.3), with Student's
        quantile by its expansion in the inverse of its freedom (Abramowitz and Stegun 26.7.5).
        """
        freedom = self.count - 1
        student = _Z + (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)
        return NormalDist().cdf(-math.sqrt(self.count / freedom) * student)

    def of(self, at_ns: Ints) -> Ints:
        """Return which stretch each stamp of the window lies in."""
        return np.clip((at_ns - self.start_ns) // self.length_ns, 0, self.count - 1)

    def spans(self, window: Window) -> list[tuple[int, int]]:
        """Return when each stretch begins and ends; the last one ends with the window."""
        begins_ns = [self.start_ns + number * self.length_ns for number in range(self.count)]
        return list(zip(begins_ns, [*begins_ns[1:], window.end_ns], strict=True))

    def interval(self, statistic: Callable[[Weights], float | None]) -> Interval:
        """Return a statistic of the run with its percentile interval over resampled stretches.

        `statistic` takes one weight per stretch. Where it is None for more draws than the interval leaves out on one
        side, nobody knows where the bounds are. Bounds are draws: nothing is interpolated, for +inf is "never".
        """
        value = statistic(np.ones(self.count))
        if self.count < FEWEST or value is None:
            return Interval(value=value, low=None, high=None)
        drawn = [told for weights in self.draws() if (told := statistic(weights)) is not None]
        if _DRAWS - len(drawn) > self.outside * _DRAWS:
            return Interval(value=value, low=None, high=None)
        drawn.sort()
        beyond = int(self.outside * len(drawn))
        return Interval(value=value, low=drawn[beyond], high=drawn[-1 - beyond])

    def draws(self) -> Floats:
        """Return the weights of each draw: one row for each, the same for every statistic."""
        random = np.random.default_rng([self.seed, 77])
        drawn = random.integers(0, self.count, size=(_DRAWS, self.count))
        weights = np.zeros((_DRAWS, self.count))
        np.add.at(weights, (np.arange(_DRAWS)[:, None], drawn), 1.0)
        return weights


def cut(window: Window, *, remembered_s: float, seed: int) -> Blocks:
    """Return the window cut into stretches that are at least as long as what is remembered."""
    length_ns = max(window.end_ns - window.start_ns, 1)
    count = max(int(length_ns / (max(remembered_s, SHORTEST_S) * NS_PER_S)), 1)
    return Blocks(start_ns=window.start_ns, length_ns=-(-length_ns // count), count=count, seed=seed)


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float | None:
    """Return the nearest-rank quantile of ascending `values` with weights; None if nothing has any."""
    total = float(weights.sum())
    if total <= 0:
        return None
    place = int(np.searchsorted(np.cumsum(weights), share * total - 1e-9))
    return float(values[min(place, len(values) - 1)])
