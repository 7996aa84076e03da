"""Push and polling compared fairly: at the same cost, at the same freshness, and over all quantiles.

At equal request budget: the interval that costs what push costs, and how late its devices see changes. At equal
freshness: the interval whose p95 is push's, and what it costs. Both with block-bootstrap intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from loadtests.analysis.baseline.blocks import Blocks, Interval, Weights, cut, weighted_quantile
from loadtests.analysis.baseline.dominance import Sample, compare
from loadtests.analysis.baseline.random_phase import RandomPhase
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NS_PER_S, UNKNOWN, Floats, Ints, elapsed_ms
from loadtests.clients.requests import KeyKind

P95: Final = 0.95
CURVE_S: Final = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120)
"""Intervals at which the curve of polling is told."""


@dataclass(frozen=True)
class Comparison:
    """Push beside random-phase polling over the same writes."""

    run: Reconstruction
    blocks: Blocks

    @cached_property
    def _pairs(self) -> Ints:
        return self.run.pairs.of_subscribers()

    @cached_property
    def _sorted(self) -> tuple[Floats, Ints]:
        """Push's visibility latencies in ascending order, and the due time of each."""
        pairs, mutations = self.run.pairs, self.run.mutations
        values = pairs.visibility_ms[self._pairs]
        order = np.argsort(values, kind="stable")
        return values[order], mutations.due_ns[pairs.mutation[self._pairs]][order]

    @cached_property
    def _block(self) -> Ints:
        """The stretch of each of these."""
        return self.blocks.of(self._sorted[1])

    @cached_property
    def _requests(self) -> Floats:
        """Requests of subscribers in each stretch."""
        requests, window = self.run.screens.requests, self.run.window
        own = (self.run.devices.cohort[requests.device] == SUBSCRIBER) & window.holds(requests.requested_ns)
        counts = np.bincount(self.blocks.of(requests.requested_ns[own]), minlength=self.blocks.count)
        return counts.astype(np.float64)

    @cached_property
    def _minutes(self) -> Floats:
        """Subscriber-minutes in each stretch."""
        lifetimes, among = self.run.presence.lifetimes, self.run.devices.cohort == SUBSCRIBER
        lived_ns = [lifetimes.device_ns(*span, among) for span in self.blocks.spans(self.run.window)]
        return np.array(lived_ns) / (60 * NS_PER_S)

    @cached_property
    def _fetch_ms(self) -> float | None:
        """How long half of the list's fetches take."""
        requests = self.run.screens.requests
        chosen = requests.is_ok & (requests.kind == KeyKind.JOB_LIST) & self.run.window.holds(requests.requested_ns)
        took_ms = elapsed_ms(requests.requested_ns[chosen], requests.answered_ns[chosen])
        return nearest_rank(took_ms, 0.5) if len(took_ms) else None

    @cached_property
    def _writes(self) -> tuple[Floats, Ints, Ints]:
        """Of each change that subscribers were to see: what delays every poller alike, its stretch, and how many."""
        mutations = self.run.mutations
        chosen, seers = np.unique(self.run.pairs.mutation[self._pairs], return_counts=True)
        is_known = mutations.effective_ns[chosen] != UNKNOWN
        chosen, seers = chosen[is_known], seers[is_known]
        ahead_ms = elapsed_ms(mutations.due_ns[chosen], mutations.effective_ns[chosen]) + (self._fetch_ms or 0.0)
        return ahead_ms, self.blocks.of(mutations.due_ns[chosen]), seers

    def polling(self, weights: Weights) -> RandomPhase:
        """Return what the subscribers would have seen of the writes by random-phase polling, stretches weighted."""
        ahead_ms, block, seers = self._writes
        return RandomPhase(ahead_ms=ahead_ms, weight=weights[block] * seers)

    def push_p95_ms(self, weights: Weights) -> float | None:
        """Return the p95 of push's visibility latency."""
        values = self._sorted[0]
        return weighted_quantile(values, weights[self._block], P95) if len(values) else None

    def push_requests_per_minute(self, weights: Weights) -> float | None:
        """Return what a subscriber costs."""
        minutes = float((self._minutes * weights).sum())
        return float((self._requests * weights).sum()) / minutes if minutes else None

    def equal_interval_s(self, weights: Weights) -> float | None:
        """Return the interval that costs what push costs."""
        requests = self.push_requests_per_minute(weights)
        return 60 / requests if requests else None

    def p95_at_equal_cost_ms(self, weights: Weights) -> float | None:
        """Return the p95 of polling at that interval."""
        interval_s = self.equal_interval_s(weights)
        return None if interval_s is None else self.polling(weights).quantile_ms(P95, interval_s)

    def p50_at_equal_cost_ms(self, weights: Weights) -> float | None:
        """Return the median of polling at that interval."""
        interval_s = self.equal_interval_s(weights)
        return None if interval_s is None else self.polling(weights).quantile_ms(0.5, interval_s)

    def interval_as_fresh_s(self, weights: Weights) -> float | None:
        """Return the interval whose p95 is push's."""
        p95_ms = self.push_p95_ms(weights)
        if p95_ms is None or not np.isfinite(p95_ms):
            return None
        return self.polling(weights).interval_s_with(P95, p95_ms)

    def requests_as_fresh_per_minute(self, weights: Weights) -> float | None:
        """Return what polling at that interval costs."""
        interval_s = self.interval_as_fresh_s(weights)
        return None if interval_s is None else 60 / interval_s

    def curve(self) -> list[dict[str, float]]:
        """Return what polling would cost and how fresh it would be, interval by interval."""
        polling = self.polling(np.ones(self.blocks.count))
        told = []
        for interval_s in CURVE_S:
            p50_ms, p95_ms = (polling.quantile_ms(share, interval_s) for share in (0.5, P95))
            if p50_ms is not None and p95_ms is not None:
                point = {"interval_s": float(interval_s), "requests_per_minute": 60 / interval_s}
                told.append({**point, "visibility_ms_p50": p50_ms, "visibility_ms_p95": p95_ms})
        return told

    def dominance(self, cohort: int, blocks: Blocks) -> dict[str, Any]:
        """Return how push compares with a measured cohort, quantile by quantile, by stretches that fit both."""
        pairs, mutations = self.run.pairs, self.run.mutations
        other = pairs.of_cohort(cohort)
        values, due_ns = self._sorted
        theirs = Sample(values=pairs.visibility_ms[other], block=blocks.of(mutations.due_ns[pairs.mutation[other]]))
        found = compare(Sample(values=values, block=blocks.of(due_ns)), theirs, blocks)
        return {
            "verdict": None if found.verdict is None else found.verdict.value,
            "better_at": list(found.better_at),
            "worse_at": list(found.worse_at),
            "blocks": blocks.count,
        }


def comparison_metrics(
    run: Reconstruction, cohorts: Mapping[str, int], intervals_s: Mapping[str, float]
) -> dict[str, Any]:
    """Return the metrics under `comparison`; empty for a run in which no subscriber was to see a change."""
    remembered_s = _remembered_s(run)
    if remembered_s is None:
        return {}

    def stretches(*at_least_s: float) -> Blocks:
        return cut(run.window, remembered_s=max(at_least_s), seed=run.population.seed)

    compared = Comparison(run, stretches(remembered_s))
    interval = compared.blocks.interval
    return {
        "blocks": compared.blocks.count,
        "block_s": compared.blocks.length_s,
        "push_visibility_ms_p95": _told(interval(compared.push_p95_ms)),
        "push_requests_per_minute": _told(interval(compared.push_requests_per_minute)),
        "equal_cost": {
            "interval_s": _told(interval(compared.equal_interval_s)),
            "visibility_ms_p50": _told(interval(compared.p50_at_equal_cost_ms)),
            "visibility_ms_p95": _told(interval(compared.p95_at_equal_cost_ms)),
        },
        "equal_freshness": {
            "interval_s": _told(interval(compared.interval_as_fresh_s)),
            "requests_per_minute": _told(interval(compared.requests_as_fresh_per_minute)),
        },
        "dominance": {
            name: compared.dominance(cohort, stretches(remembered_s, intervals_s[name]))
            for name, cohort in cohorts.items()
        },
        "curve": compared.curve(),
    }


def _remembered_s(run: Reconstruction) -> float | None:
    """Return for how long push remembers a change: until 19 of 20 are visible. None: no subscriber was to see one.

    Polling with random phases remembers nothing, and is worked out write by write.
    """
    seen_ms = run.pairs.visibility_ms[run.pairs.of_subscribers()]
    if not len(seen_ms):
        return None
    return min(nearest_rank(seen_ms, P95) / 1000, run.window.duration_s)


def _told(interval: Interval) -> dict[str, float | str | None]:
    def number(value: float | None) -> float | str | None:
        return "never" if value is not None and np.isinf(value) else value

    return {"value": number(interval.value), "low": number(interval.low), "high": number(interval.high)}
