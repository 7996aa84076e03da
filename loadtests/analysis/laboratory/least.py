"""The least possible number of refreshes of each subscriber, if they were counted by entity, by key or by client.

What the clients do is one of several ways to count: a refresh for each entity of a flush, for each request key, or one
that brings the whole client up to date. Each has an optimum of its own, and the same bound on the wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from loadtests.analysis.coalescing import (
    BOUNDS_S,
    OF_JOBS,
    Asked,
    Demands,
    achieved_bounds,
    optimum_of_each,
    read_asked,
)
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import is_start, starts
from loadtests.analysis.stamps import NS_PER_S, Floats, Ints
from loadtests.history.kinds import NO_ENTITY

ACHIEVED: Final = "achieved"
"""The bound that the live policy kept for 99% of the signals of that subscriber."""

_CLIENT: Final = 0


class Level(StrEnum):
    """What one refresh brings up to date."""

    ENTITY = "entity"
    REQUEST_KEY = "request_key"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastPossible:
    """One entry per subscriber that had something to refresh."""

    device: Ints
    optimum: Ints
    actual: Ints
    """What the live policy made of the same signals, counted in the same unit."""

    @property
    def efficiency(self) -> float | None:
        """Least possible ÷ actual, of all subscribers together; above 1: the live policy broke the bound."""
        return int(self.optimum.sum()) / int(self.actual.sum()) if len(self.device) else None

    @property
    def efficiencies(self) -> Floats:
        """The same for each subscriber."""
        each: Floats = self.optimum / self.actual
        return each

    def to_json(self) -> dict[str, Any]:
        """Return the object of `metrics.json`."""
        each = self.efficiencies
        quantiles = {"min": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "max": 1.0}
        return {
            "subscribers": len(self.device),
            "optimum": int(self.optimum.sum()),
            "actual": int(self.actual.sum()),
            "efficiency": self.efficiency,
            **{
                f"efficiency_{name}": nearest_rank(each, share) if len(each) else None
                for name, share in quantiles.items()
            },
        }


def least_metrics(run: Reconstruction) -> dict[str, Any]:
    """Return the object `coalescing.least` of `metrics.json`."""
    asked = read_asked(run.signals, run.events, run.screens.requests, run.window)
    told: dict[str, Any] = {}
    for level in Level:
        by_bound = least_possible(asked, run.signals, run.events, level)
        told[level.value] = {bound: least.to_json() for bound, least in by_bound.items()}
    return told


def least_possible(asked: Asked, signals: Signals, events: Events, level: Level) -> Mapping[str, LeastPossible]:
    """Return the least possible for each bound on the wait: the one achieved, and the fixed ones."""
    demands = demands_of(asked, signals, events, level)
    actual = _actual(asked, demands, signals, level)
    fixed = {name: np.full(len(demands.device), round(bound * NS_PER_S)) for name, bound in BOUNDS_S.items()}
    return {
        name: _against(demands, bound_ns, actual)
        for name, bound_ns in {ACHIEVED: achieved_bounds(demands), **fixed}.items()
    }


def demands_of(asked: Asked, signals: Signals, events: Events, level: Level) -> Demands:
    """Return the demands as streams of a level; a signal that asked for several keys waited for the last of them."""
    demands = asked.demands
    if level is Level.REQUEST_KEY:
        return demands
    order = np.lexsort((demands.wait_ns, demands.signal))
    last = np.append(demands.signal[order][1:] != demands.signal[order][:-1], True)[: len(order)]
    row = order[last]
    signal = demands.signal[row]
    key = entities(signals, events, signal) if level is Level.ENTITY else np.full(len(row), _CLIENT, dtype=np.int64)
    order = np.lexsort((demands.received_ns[row], key, demands.device[row]))
    row, key = row[order], key[order]
    return Demands(
        device=demands.device[row],
        key=key,
        received_ns=demands.received_ns[row],
        wait_ns=demands.wait_ns[row],
        signal=demands.signal[row],
    )


def entities(signals: Signals, events: Events, signal: Ints) -> Ints:
    """Return a number for the entity that each of the signals is about.

    An event of a job is about that job. The others are about something that is new with them: a document, an entry of
    the audit feed; so the event itself stands for it, as it does where its job is not known.
    """
    event = signals.event[signal]
    job = np.where(event >= 0, events.job[event], NO_ENTITY) if len(events) else np.full(len(signal), NO_ENTITY)
    job = np.where(np.isin(signals.type[signal], [int(each) for each in OF_JOBS]), job, NO_ENTITY)
    own = np.where(signals.name[signal] != NO_ENTITY, signals.name[signal], -2 - signal)
    numbers: Ints = np.where(job != NO_ENTITY, job, own)
    return numbers


def _actual(asked: Asked, demands: Demands, signals: Signals, level: Level) -> Ints:
    """Return the device of each refresh that the live policy made, counted in the unit of the level."""
    if level is Level.REQUEST_KEY:
        return asked.flushed_device
    batch = signals.batch[demands.signal]
    order = np.lexsort((demands.key, batch, demands.device))
    first = is_start(demands.device[order]) | is_start(batch[order]) | is_start(demands.key[order])
    device: Ints = demands.device[order][first]
    return device


def _against(demands: Demands, bound_ns: Ints, actual: Ints) -> LeastPossible:
    stream = np.flatnonzero(is_start(demands.device) | is_start(demands.key))
    of_stream = optimum_of_each(demands, bound_ns)
    device = demands.device[stream]
    begin = starts(device)
    distinct = device[begin]
    return LeastPossible(
        device=distinct,
        optimum=np.add.reduceat(of_stream, begin) if len(begin) else of_stream,
        actual=np.bincount(actual, minlength=int(distinct.max(initial=-1)) + 1)[distinct],
    )
