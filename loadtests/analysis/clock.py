"""The database's wall clock on the run's clock, with a bound on the error.

Each CLOCK row is one timed exchange: what the database told lies somewhere within half of its duration. Where nobody
may ask the database, each acknowledged mutation is one: the `created_at` of its event lies between request and answer.
The exchanges with the shortest durations tell best, and a line through them tells the drift. The bound holds from the
first exchange to the last.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.anchors import anchored
from loadtests.analysis.stamps import NS_PER_MS, UNKNOWN, Floats, Ints
from loadtests.analysis.truth_source import true_events
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, Kind

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


@dataclass(frozen=True, slots=True)
class _Exchanges:
    """Timed exchanges with the database's clock, in their order."""

    at_ns: Ints
    """The middle of each."""
    told_ns: Ints
    """The wall clock's reading."""
    half_ns: Ints
    """Half of its duration."""


def _asked(history: History) -> _Exchanges | None:
    """Return what was asked of the database, None if nothing was."""
    rows = history.of(Kind.CLOCK)
    return _Exchanges(rows["at_ns"], rows["value"], rows["due_ns"]) if len(rows) else None


def _mutations(history: History) -> _Exchanges | None:
    """Return the acknowledged mutations whose event is known, None without any."""
    sent, acked, events = history.of(Kind.SENT), history.of(Kind.ACKED), true_events(history)
    mutation = anchored(history, events)
    is_known = (mutation != NOBODY) & (events["value"] != 0)
    mutation, events = mutation[is_known], events[is_known]
    if not len(sent) or not len(acked) or not len(events):
        return None
    size = int(max(sent["actor"].max(), acked["actor"].max(), mutation.max())) + 1
    sent_ns, acked_ns = np.full(size, UNKNOWN), np.full(size, UNKNOWN)
    sent_ns[sent["actor"]], acked_ns[acked["actor"]] = sent["at_ns"], acked["at_ns"]
    known = (sent_ns[mutation] != UNKNOWN) & (acked_ns[mutation] != UNKNOWN)
    mutation, told_ns = mutation[known], events["value"][known].astype(np.int64)
    if not len(mutation):
        return None
    at_ns = (sent_ns[mutation] + acked_ns[mutation]) // 2
    order = np.argsort(at_ns, kind="stable")
    half_ns = (acked_ns[mutation] - sent_ns[mutation] + 1) // 2
    return _Exchanges(at_ns[order], told_ns[order], half_ns[order])


def fit_clock(history: History) -> Clock:
    """Return the clock that the run's exchanges tell.

    Where there was an exchange, the line is wrong by half of it plus what the line leaves over, at most; at both ends
    of the run, by what two such errors can come to when a straight line goes through them.
    """
    all_of_them = _asked(history) or _mutations(history)
    if all_of_them is None:
        return Clock(origin_ns=0, offset_ns=0, drift=0.0, bound_ns=None)
    at_ns = all_of_them.at_ns
    best = _best_of_each_stretch(at_ns, all_of_them.half_ns)
    origin_ns = int(at_ns[best[0]])
    since = (at_ns[best] - origin_ns).astype(np.float64)
    told_ns = all_of_them.told_ns[best]
    base_ns = int(told_ns[0]) - origin_ns
    above = ((told_ns - at_ns[best]) - base_ns).astype(np.float64)
    half = all_of_them.half_ns[best].astype(np.float64)
    drift, offset = _line(since, above, half)
    error = half + np.abs(above - (offset + drift * since))
    # An exchange that took far longer than the best ones would widen the bound and tell nothing new.
    is_good = half <= 2 * half.min() + NS_PER_MS // 100
    ends = (float(at_ns[0] - origin_ns), float(at_ns[-1] - origin_ns))
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
