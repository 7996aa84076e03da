"""What the target told of itself while it was being loaded: when it discarded, when it lost its slot.

Each thing is a stretch of time between two askings, with how often it happened. Knows neither events nor devices;
without metrics there are no stretches, and nothing is concluded from that.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.stamps import UNKNOWN, Bools, Ints
from loadtests.analysis.why import Why
from loadtests.history.history import History, Rows
from loadtests.history.kinds import Kind
from loadtests.wire.prometheus import Series, read_series

UP: Final = "up"
"""1 at each asking that Realtime answered, 0 at each that it did not."""
PG_UP: Final = "pg_up"
"""The same of the database."""
STARTED: Final = "pg_postmaster_start_time_seconds"
SLOT: Final = "pg_replication_slot_active_pid"
"""One series for each logical slot that was seen; 0 since it is gone."""

_DISCARDED: Final = "realtime_replication_poller_changes_skip"
_SLOT_TROUBLE: Final = frozenset(
    {
        "realtime_replication_poller_stop",
        "realtime_replication_poller_exception",
        "realtime_replication_poller_query_exception",
        "realtime_replication_poller_prepare_exception",
        "realtime_replication_reconnects",
    }
)
"""Counters each of which is a probable gap; Prometheus may add `_total`."""
_POLLS: Final = "realtime_replication_poller_query_duration_count"
_ASKED: Final = "realtime_rls_checks"
_GRANTED: Final = "realtime_rls_granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretches:
    """Something that happened `amount` times after `begin` and not after `end`; sorted by end."""

    begin_ns: Ints
    end_ns: Ints
    amount: Ints

    def __len__(self) -> int:
        return len(self.end_ns)

    @property
    def occasions(self) -> int:
        """Stretches that overlap or touch count once: several signs of one thing."""
        order = np.argsort(self.begin_ns, kind="stable")
        so_far_ns = np.maximum.accumulate(self.end_ns[order])
        return int(len(self) > 0) + int((self.begin_ns[order][1:] > so_far_ns[:-1]).sum())

    def amount_in(self, begin_ns: Ints, end_ns: Ints) -> Ints:
        """Return how often it happened in the stretches that have a moment in common with each (begin, end)."""
        # Of those that end after `begin`, only the ones that begin at `end` or later have none.
        ending = _from(self.amount, np.searchsorted(self.end_ns, begin_ns, side="right"))
        order = np.argsort(self.begin_ns, kind="stable")
        return ending - _from(self.amount[order], np.searchsorted(self.begin_ns[order], end_ns))

    def meet(self, begin_ns: Ints, end_ns: Ints) -> Bools:
        """Return whether any stretch has a moment in common with each (begin, end)."""
        meets: Bools = self.amount_in(begin_ns, end_ns) > 0
        return meets

    def following(self, at_ns: Ints) -> Ints:
        """Return the first stretch that ends at each stamp or later, `len` if none does."""
        return np.searchsorted(self.end_ns, at_ns).astype(np.int64)


def _from(amount: Ints, first: Ints) -> Ints:
    """Return the sum of the amounts from each place on."""
    total = np.concatenate((np.cumsum(amount[::-1])[::-1], [0]))
    return total[first].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the target's metrics tell; a kind of thing that never happened has no stretches."""

    stretches: Mapping[Why, Stretches]
    polls: bool = False
    """Whether the feed counted polls."""

    def of(self, why: Why) -> Stretches:
        """Return the stretches of one thing."""
        return self.stretches.get(why, _joined([]))


@dataclass(frozen=True, slots=True)
class _Told:
    """One series as it was told, and the askings of its source that were answered."""

    at_ns: Ints
    value: Ints
    askings_ns: Ints

    def at(self, at_ns: Ints) -> Ints:
        """Return the value at each stamp, 0 before the first telling."""
        place = np.searchsorted(self.at_ns, at_ns, side="right")
        return np.concatenate(([0], self.value))[place]

    def since(self) -> Ints:
        """Return for each telling when the answer before it was there; UNKNOWN if it is the first."""
        place = np.searchsorted(self.askings_ns, self.at_ns) - 1
        before_ns: Ints = np.where(place >= 0, self.askings_ns[np.maximum(place, 0)], UNKNOWN)
        return before_ns

    def growth(self) -> Ints:
        """Return by how much a counter grew with each telling; one that has begun anew grew from 0."""
        before = np.concatenate(([0], self.value[:-1]))
        growth = np.where(self.value >= before, self.value - before, self.value)
        # A counter that is there at the first asking grew before; one that appears later does so with its first count.
        return np.where(self.since() == UNKNOWN, 0, growth)


def read_evidence(history: History) -> Evidence:
    """Return what the run's metrics tell."""
    rows = history.of(Kind.TARGET_METRIC)
    series = {int(entity): read_series(history.names[entity]) for entity in np.unique(rows["entity"])}
    if not series:
        return Evidence({})
    return Evidence(
        {
            Why.RATE_LIMITED: _joined(_grown(rows, series, _is_discarded)),
            Why.SLOT_LOST: _joined([*_grown(rows, series, _is_slot_trouble), *_gone_slots(rows, series)]),
            Why.DATABASE_RESTARTED: _joined(_restarts(rows, series)),
            Why.ROW_LEVEL_SECURITY: _hidden(rows, series),
        },
        polls=any(len(grown) for grown in _grown(rows, series, lambda one: one.name == _POLLS)),
    )


def _is_discarded(series: Series) -> bool:
    return _base(series) == _DISCARDED and series.label("reason") == "rate_limited"


def _is_slot_trouble(series: Series) -> bool:
    return _base(series) in _SLOT_TROUBLE


def _base(series: Series) -> str:
    return series.name.removesuffix("_total")


def _told(rows: Rows, series: Mapping[int, Series], entity: int) -> _Told:
    own = rows[rows["entity"] == entity]
    source = PG_UP if series[entity].name.startswith("pg_") else UP
    up = [number for number, one in series.items() if one.name == source]
    answered = rows[np.isin(rows["entity"], up) & (rows["value"] > 0)]
    return _Told(own["at_ns"].astype(np.int64), own["value"].astype(np.int64), answered["at_ns"].astype(np.int64))


def _grown(rows: Rows, series: Mapping[int, Series], is_meant: Callable[[Series], bool]) -> Iterable[Stretches]:
    for entity, one in series.items():
        if is_meant(one):
            told = _told(rows, series, entity)
            growth = told.growth()
            yield _chosen(told, growth > 0, growth)


def _gone_slots(rows: Rows, series: Mapping[int, Series]) -> Iterable[Stretches]:
    """Yield when slots were lost: one that is gone, or that another session has."""
    for entity, one in series.items():
        if one.name == SLOT:
            told = _told(rows, series, entity)
            before = np.concatenate(([0], told.value[:-1]))
            lost = (before != 0) & (told.value != before)
            yield _chosen(told, lost, np.ones(len(lost), dtype=np.int64))


def _restarts(rows: Rows, series: Mapping[int, Series]) -> Iterable[Stretches]:
    for entity, one in series.items():
        if one.name == STARTED:
            told = _told(rows, series, entity)
            is_new = np.ones(len(told.at_ns), dtype=np.bool_)
            is_new[:1] = False
            yield _chosen(told, is_new, np.ones(len(is_new), dtype=np.int64))


def _hidden(rows: Rows, series: Mapping[int, Series]) -> Stretches:
    """Return when more (row, subscriber) pairs were asked about than granted.

    What is asked about while the metrics are told is granted a moment later: only what stays missing was hidden.
    """
    asked, granted = (
        [_told(rows, series, entity) for entity, one in series.items() if _base(one) == name]
        for name in (_ASKED, _GRANTED)
    )
    if not asked or not granted:
        return _joined([])
    at_ns = np.unique(np.concatenate([told.at_ns for told in (*asked, *granted)]))
    values = [np.sum([told.at(at_ns) for told in one], axis=0) for one in (asked, granted)]
    missing: Ints = values[0] - values[1]
    began_anew = np.zeros(len(at_ns), dtype=np.bool_)
    for value in values:
        began_anew[1:] |= value[1:] < value[:-1]
    *ended, last = np.split(missing, np.flatnonzero(began_anew))
    staying = np.concatenate([*(_staying(_but_the_last(part)) for part in ended), _staying(last)])
    before = np.concatenate((staying[:1], staying[:-1]))
    before[began_anew] = 0
    told = _Told(at_ns, missing, asked[0].askings_ns)
    return _chosen(told, staying > before, staying - before)


def _but_the_last(missing: Ints) -> Ints:
    """Return the tellings of a process that has ended, the last as the one before it.

    Nobody knows whether what it was asking about then would have been granted.
    """
    return np.append(missing[:-1], missing[-2] if len(missing) > 1 else 0)


def _staying(missing: Ints) -> Ints:
    """Return of what is missing at each telling that which is missing at all later ones of the same process too."""
    staying: Ints = np.minimum.accumulate(missing[::-1])[::-1]
    return staying


def _chosen(told: _Told, chosen: Bools, amount: Ints) -> Stretches:
    return Stretches(begin_ns=told.since()[chosen], end_ns=told.at_ns[chosen], amount=amount[chosen])


def _joined(parts: Iterable[Stretches]) -> Stretches:
    """Return all stretches together."""
    parts = list(parts)
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return Stretches(begin_ns=none, end_ns=none, amount=none)
    end_ns = np.concatenate([part.end_ns for part in parts])
    order = np.argsort(end_ns, kind="stable")
    return Stretches(
        begin_ns=np.concatenate([part.begin_ns for part in parts])[order],
        end_ns=end_ns[order],
        amount=np.concatenate([part.amount for part in parts])[order],
    )


def target_metrics(history: History, evidence: Evidence) -> dict[str, int | None]:
    """Return the object `target` of `metrics.json`: what the target told of itself; None where it told nothing."""
    realtime, database = (_has_answered(history, source) for source in (UP, PG_UP))
    return {
        "discarded": int(evidence.of(Why.RATE_LIMITED).amount.sum()) if realtime else None,
        "hidden": int(evidence.of(Why.ROW_LEVEL_SECURITY).amount.sum()) if realtime else None,
        "slots_lost": evidence.of(Why.SLOT_LOST).occasions if realtime or database else None,
        "database_restarts": len(evidence.of(Why.DATABASE_RESTARTED)) if database else None,
    }


def _has_answered(history: History, source: str) -> bool:
    rows = history.of(Kind.TARGET_METRIC)
    return bool((rows["value"][rows["entity"] == history.number(source)] > 0).any())
