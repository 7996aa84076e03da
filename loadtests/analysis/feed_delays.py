"""Why an event came late to everybody: the shape of its delay among those of the events around it.

A feed tells events in the order of their commits, so what waits shows in what was waiting before it. Knows events
and who heard them first; not what became of single devices.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.edges import Edges
from loadtests.analysis.events import Events
from loadtests.analysis.hearing import Hearing
from loadtests.analysis.segments import is_start, starts
from loadtests.analysis.stamps import NEVER, NS_PER_MS, UNKNOWN, Bools, Ints
from loadtests.analysis.why import Why
from loadtests.history.kinds import Kind

_MANY: Final = 10
"""So many events with one commit stamp are one transaction."""
_IDLE_POLL_NS: Final = 600 * NS_PER_MS
"""The real server sleeps 500 ms after a poll that found nothing; the poll itself takes some more."""
_POLLED_EVENTS: Final = 20
_POLLED_MS: Final = ((25, 225), (140, 360), (275, 475))
"""Where the quartiles of latencies lie that are evenly spread over a sleep of 500 ms, within two standard errors."""
_BACKLOG: Final = 3
"""Fewer events that wait for each other are no backlog."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """The events whose commit is known and that somebody heard, in the order of their commits."""

    event: Ints
    committed_ns: Ints
    told_ns: Ints
    organization: Ints

    @property
    def latency_ns(self) -> Ints:
        """From commit to the first receipt."""
        latency_ns: Ints = self.told_ns - self.committed_ns
        return latency_ns


def feed_delays(events: Events, hearing: Hearing, edges: Edges, *, polls: bool) -> Ints:
    """Return for each event the `Why` of its delay up to its first receipt, however short that was.

    `polls`: whether the target has told that its feed polls; else the latencies may show it.
    """
    heard = _heard(events, hearing)
    why = np.full(len(events), int(Why.UNEXPLAINED), dtype=np.int64)
    if not len(heard.event):
        return why
    latency_ns = heard.latency_ns
    is_poll = (polls or _looks_polled(latency_ns)) & (latency_ns <= _IDLE_POLL_NS)
    backlog, stalled = _waiting_lines(heard)
    why[heard.event] = np.select(
        [~_anybody_live(edges, heard.committed_ns), _is_in_big_transaction(heard), is_poll, backlog, stalled],
        [Why.COLD_START, Why.BIG_TRANSACTION, Why.IDLE_POLL, Why.BACKLOG, Why.STALLED_FEED],
        Why.UNEXPLAINED,
    )
    return why


def _heard(events: Events, hearing: Hearing) -> _Heard:
    event = np.flatnonzero((hearing.told_ns != NEVER) & (events.committed_ns != UNKNOWN))
    event = event[np.argsort(events.committed_ns[event], kind="stable")]
    return _Heard(event, events.committed_ns[event], hearing.told_ns[event], events.organization[event])


def _looks_polled(latency_ns: Ints) -> bool:
    """Tell whether latencies are spread as a poller's sleep spreads them."""
    if len(latency_ns) < _POLLED_EVENTS:
        return False
    quartiles = np.quantile(latency_ns / NS_PER_MS, (0.25, 0.5, 0.75))
    return all(low <= value <= high for value, (low, high) in zip(quartiles, _POLLED_MS, strict=True))


def _anybody_live(edges: Edges, at_ns: Ints) -> Bools:
    begins = np.flatnonzero(edges.kind == Kind.LIVE)
    ends_ns = edges.stamp(edges.away_after(begins))
    # "Subscribed" said again to a live device begins a stretch with the same end: both count, both end.
    live = np.searchsorted(np.sort(edges.at_ns[begins]), at_ns, side="right")
    live -= np.searchsorted(np.sort(ends_ns), at_ns, side="right")
    is_any: Bools = live > 0
    return is_any


def _is_in_big_transaction(heard: _Heard) -> Bools:
    _, inverse, counts = np.unique(heard.committed_ns, return_inverse=True, return_counts=True)
    is_big: Bools = counts[inverse] >= _MANY
    return is_big


def _waiting_lines(heard: _Heard) -> tuple[Bools, Bools]:
    """Return which events stood in a line that grew (backlog), and which in one that was let go at once (stall).

    A line: each was committed while the one before it had not been told yet.
    """
    latency_ns = heard.latency_ns
    waits = np.zeros(len(latency_ns), dtype=np.bool_)
    waits[1:] = heard.told_ns[:-1] > heard.committed_ns[1:]
    line = np.cumsum(~waits) - (0 if waits[0] else 1)
    begin = starts(line)
    lengths = np.bincount(line)
    longest_ns = np.maximum.reduceat(latency_ns, begin)
    organizations = _distinct(line, heard.organization)
    concerns_all = organizations >= min(2, len(np.unique(heard.organization)))
    # Let go at once: the first waited longest, and what had been committed over a while was told in a fraction of it.
    # What is late by the same each time is neither.
    at_once = (latency_ns[begin] >= 0.9 * longest_ns) & (
        2 * _spans(heard.told_ns, begin) <= _spans(heard.committed_ns, begin)
    )
    grows = longest_ns >= 1.5 * latency_ns[begin]
    is_stall = (lengths > 1) & concerns_all & at_once
    is_backlog = (lengths >= _BACKLOG) & concerns_all & grows
    return is_backlog[line], is_stall[line]


def _spans(stamps: Ints, begin: Ints) -> Ints:
    """Return the time from the first to the last stamp of each line."""
    spans: Ints = np.maximum.reduceat(stamps, begin) - np.minimum.reduceat(stamps, begin)
    return spans


def _distinct(group: Ints, value: Ints) -> Ints:
    """Return how many distinct values each group has; groups are sorted."""
    order = np.lexsort((value, group))
    is_new = is_start(group[order])
    is_new[1:] |= value[order][1:] != value[order][:-1]
    return np.bincount(group[order], weights=is_new).astype(np.int64)
