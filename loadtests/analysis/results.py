"""The shape of what analysis yields: the numbers of `metrics.json`, and the series that figures are drawn from.

Only shapes: how a number comes about is defined in the module that computes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

METRICS_SCHEMA = "loadtests.metrics/1"

_ROUNDING = 1e-6
"""Of a device: sums of the time of many are exact to much less."""

Milliseconds = NDArray[np.float64]
"""One value per observation; +inf is "never happened before the end of the drain"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """A distribution in a few numbers; a quantile with too few distinct observations is None."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    n: int
    """Distinct mutations (or whatever the metric says it counts)."""
    pairs: int
    """Observations: usually (mutation, device) pairs."""
    p90: float | None = None
    never: int = 0
    """Observations that are +inf."""
    negative: int = 0
    """Observations below 0: kept, never clipped."""

    def to_json(self) -> dict[str, Any]:
        """Return the object of `metrics.json`; +inf becomes the text "never"."""
        values = {"p50": self.p50, "p90": self.p90, "p95": self.p95, "p99": self.p99, "max": self.max}
        told = {name: "never" if value is not None and np.isinf(value) else value for name, value in values.items()}
        return {**told, "n": self.n, "pairs": self.pairs, "never": self.never, "negative": self.negative}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Counts and latencies in equal bins of `bin_s` seconds over the load, warm-up included."""

    bin_s: float
    begin_s: NDArray[np.float64]
    """Start of each bin, seconds since the measurement window began (negative in the warm-up)."""
    writes: NDArray[np.int64]
    """Mutations acknowledged."""
    signals: NDArray[np.int64]
    refreshes: NDArray[np.int64]
    """Requests of subscribers."""
    polls: NDArray[np.int64]
    visibility_ms_p50: NDArray[np.float64]
    """Of the push pairs whose mutation was due in the bin; nan where there is none, inf where it never showed."""
    visibility_ms_p95: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """How many subscribers were in which state, on average over each of the timeline's bins; together, all of them."""

    bin_s: float
    begin_s: NDArray[np.float64]
    live: NDArray[np.float64]
    """Logged in, looked at, and changes flow to it."""
    away: NDArray[np.float64]
    """Logged in, and nobody looks."""
    not_live: NDArray[np.float64]
    """Looked at, and connecting or cut off."""
    logged_out: NDArray[np.float64]

    @property
    def is_eventful(self) -> bool:
        """Whether any subscriber was ever anything but live."""
        return any(bool((told > _ROUNDING).any()) for told in (self.away, self.not_live, self.logged_out))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one kind of device costs, per device and minute."""

    refreshes: float
    requests: float
    bytes: float
    signals: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What figures are drawn from."""

    push_visibility_ms: Milliseconds
    """Per pair (mutation, subscriber) on the screen."""
    polling_visibility_ms: Mapping[str, Milliseconds]
    """The same for each cohort of pollers; keys such as `5s`, in ascending order of the interval."""
    client_visibility_ms: Mapping[str, Milliseconds]
    """The pairs of push by client model, of each that takes part; keys such as `ios_as_built`."""
    stages_ms: Mapping[str, Milliseconds]
    """The waterfall, stage by stage in their order; all arrays equally long, one entry per pair that its own
    event made visible; over all stages an entry sums to that pair's visibility latency."""
    push_cost: Cost
    polling_cost: Mapping[str, Cost]
    timeline: Timeline
    states: States


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that a verdict judges and a report shows."""

    metrics: Mapping[str, Any]
    """The document `metrics.json`."""
    series: Series
    replay: Mapping[str, Any] | None = None
    """The document `replay.json`: the run under other refresh policies. None: too large to replay by the way, or
    nothing to replay."""
