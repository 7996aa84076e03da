"""The database's wall clock on the run's clock, with a bound on the error.

Each CLOCK row is one timed exchange: what the database told lies somewhere within half of its duration. The
exchanges with the shortest durations tell best, and a line through them tells the drift. The bound holds from the
first exchange to the last.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.stamps import NS_PER_MS, UNKNOWN, Floats, Ints
from loadtests.history.history import History
from loadtests.history.kinds import Kind

_STRETCHES: Final = 20
"""The run is cut into so many stretches, and the best exchange of each is kept: good samples all along the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """wall = monotonic + offset + drift · (monotonic - origin), give or take the bound."""

    origin_ns: int
    offset_ns: int
    drift: float
    bound_ns: int | None
    """None: the clocks were never compared, and no wall stamp can be placed."""

    @property
    def is_known(self) -> bool:
        """Whether wall stamps can be placed at all."""
        return self.bound_ns is not None

    @property
    def bound_ms(self) -> float | None:
        """The bound in milliseconds."""
        return None if self.bound_ns is None else self.bound_ns / NS_PER_MS

    def monotonic_ns(self, wall_ns: Ints) -> Ints:
        """Return wall stamps on the run's clock; 0 ("not known") becomes UNKNOWN."""
        if not self.is_known:
            return np.full(len(wall_ns), UNKNOWN, dtype=np.int64)
        # Subtract in integers first: wall nanoseconds since 1970 do not fit a double.
        since_origin = wall_ns.astype(np.int64) - (self.origin_ns + self.offset_ns)
        drifted = np.round(since_origin * (self.drift / (1 + self.drift))).astype(np.int64)
        return np.where(wall_ns == 0, UNKNOWN, self.origin_ns + since_origin - drifted)


def fit_clock(history: History) -> Clock:
    """Return the clock that the run's exchanges tell.

    Where there was an exchange, the line is wrong by half of it plus what the line leaves over, at most; at both ends
    of the run, by what two such errors can come to when a straight line goes through them.
    """
    rows = history.of(Kind.CLOCK)
    if not len(rows):
        return Clock(origin_ns=0, offset_ns=0, drift=0.0, bound_ns=None)
    best = rows[_best_of_each_stretch(rows["at_ns"], rows["due_ns"])]
    origin_ns = int(best["at_ns"][0])
    since = (best["at_ns"] - origin_ns).astype(np.float64)
    base_ns = int(best["value"][0]) - origin_ns
    above = ((best["value"] - best["at_ns"]) - base_ns).astype(np.float64)
    half = best["due_ns"].astype(np.float64)
    drift, offset = _line(since, above, half)
    error = half + np.abs(above - (offset + drift * since))
    # An exchange that took far longer than the best ones would widen the bound and tell nothing new.
    is_good = half <= 2 * half.min() + NS_PER_MS // 100
    ends = (float(rows["at_ns"][0] - origin_ns), float(rows["at_ns"][-1] - origin_ns))
    bound = max(float(error[is_good].max()), *(_error_at(end, since, error) for end in ends))
    return Clock(origin_ns=origin_ns, offset_ns=base_ns + round(offset), drift=drift, bound_ns=int(np.ceil(bound)))


def _best_of_each_stretch(at_ns: Ints, half_ns: Ints) -> Ints:
    span = int(at_ns[-1]) - int(at_ns[0]) + 1
    stretch = (at_ns - at_ns[0]) * _STRETCHES // span
    order = np.lexsort((half_ns, stretch))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = stretch[order][1:] != stretch[order][:-1]
    chosen: Ints = np.sort(order[first])
    return chosen


def _error_at(end: float, x: Floats, error: Floats) -> float:
    """Return how wrong a line can be at `end`, given how wrong it is at `x`, at most; the best two places decide."""
    near, far = np.nonzero(x[:, None] != x[None, :])
    beyond = (x[near] - end) / (x[far] - x[near])
    # The places stand on one side of the end, the near one between it and the far one.
    near, far, beyond = near[beyond >= 0], far[beyond >= 0], beyond[beyond >= 0]
    if not len(near):
        return float(error.max())
    return float((error[near] * (1 + beyond) + error[far] * beyond).min())


def _line(x: Floats, y: Floats, half: Floats) -> tuple[float, float]:
    """Return slope and intercept by least squares, weighted with 1/half²; no slope from fewer than three points."""
    weight = 1.0 / np.maximum(half, 1.0) ** 2
    mean_x = float((weight * x).sum() / weight.sum())
    mean_y = float((weight * y).sum() / weight.sum())
    spread = float((weight * (x - mean_x) ** 2).sum())
    if len(x) < 3 or spread <= 0:
        return 0.0, mean_y
    slope = float((weight * (x - mean_x) * (y - mean_y)).sum() / spread)
    return slope, mean_y - slope * mean_x
