"""Polling at an interval that nobody polled at: what devices with random phases would have seen of the recorded writes.

A change that took effect is seen after a uniform part of the interval and a fetch; so the distribution is a mixture of
uniform ones, one per change, and its quantiles are exact. It costs one request each interval, whatever happens.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.stamps import Floats

_STEPS: Final = 60
"""Halvings of a bracket: far below a nanosecond."""
SHORTEST_S: Final = 0.1
LONGEST_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomPhase:
    """The writes of a run, as they delay every poller alike."""

    ahead_ms: Floats
    """Of each change: from its due time until a fetch that begins right when it took effect would show it."""
    weight: Floats
    """Of each change."""

    def share_within(self, visibility_ms: float, interval_s: float) -> float:
        """Return the share of (change, device) pairs seen within a time."""
        part = np.clip((visibility_ms - self.ahead_ms) / (interval_s * 1000), 0.0, 1.0)
        return float((part * self.weight).sum() / self.weight.sum())

    def quantile_ms(self, share: float, interval_s: float) -> float | None:
        """Return the visibility latency that a share of the pairs does not exceed; None without any change."""
        if not len(self.ahead_ms) or self.weight.sum() <= 0:
            return None
        known = self.ahead_ms[self.weight > 0]
        low, high = float(known.min()), float(known.max()) + interval_s * 1000
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.share_within(middle, interval_s) >= share else (middle, high)
        return high

    def interval_s_with(self, share: float, quantile_ms: float) -> float | None:
        """Return the interval whose quantile is the given one; None where none between 0.1 s and an hour has it."""
        if not len(self.ahead_ms) or self.weight.sum() <= 0:
            return None
        low, high = SHORTEST_S, LONGEST_S
        if self.share_within(quantile_ms, low) < share or self.share_within(quantile_ms, high) >= share:
            return None
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.share_within(quantile_ms, middle) >= share else (low, middle)
        return low
