"""Stale answers: flushes whose re-fetches answered with less than what had caused them.

A replica that lags, a cache, or an event that was emitted before its mutation's commit all show here.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import BatchEnds
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.segments import find_exact
from loadtests.analysis.stamps import Floats, Ints, elapsed_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Answers to hints, and those that were older than their hint."""

    answered: int
    """Flushes that were answered in full and had a change on the screen behind them."""
    stale: int
    healed_ms: Floats
    """From the stale answer until each change was shown; +inf if never."""
    mutation: Ints
    """Which mutation each is of."""


def stale_answers(pairs: Pairs, events: Events, signals: Signals, ends: BatchEnds) -> Freshness:
    """Return the flushes after whose last answer something that they were asked for was still not visible."""
    rows = np.flatnonzero((signals.batch > 0) & (signals.event >= 0))
    event = signals.event[rows]
    pair = pairs.find(np.where(events.is_primary[event], events.mutation[event], -1), signals.device[rows])
    flush = find_exact(ends.device, ends.batch, signals.device[rows], signals.batch[rows])
    known = (pair >= 0) & (flush >= 0)
    pair, flush = pair[known], flush[known]
    usable = pairs.counted[pair] & ~pairs.left_screen[pair] & ends.is_ok[flush]
    pair, flush = pair[usable], flush[usable]
    answered_ns = ends.answered_ns[flush]
    stale = pairs.visible_ns[pair] > answered_ns
    return Freshness(
        answered=len(np.unique(flush)),
        stale=len(np.unique(flush[stale])),
        healed_ms=elapsed_ms(answered_ns[stale], pairs.visible_ns[pair[stale]]),
        mutation=pairs.mutation[pair[stale]],
    )
