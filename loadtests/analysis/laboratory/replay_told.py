"""The replays of a run, told as a table for people and as JSON for everything else."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from loadtests.analysis.laboratory.advice import Advice
from loadtests.analysis.laboratory.outcome import Outcome, front
from loadtests.analysis.laboratory.regret import Regret
from loadtests.analysis.laboratory.replay_check import ReplayCheck
from loadtests.analysis.stamps import NS_PER_S

REPLAY_SCHEMA: Final = "loadtests.replay/1"
_MARK: Final = " ◄"


@dataclass(frozen=True)
class Replays:
    """One run under many policies."""

    subscribers: int
    signals: int
    seed: int
    recorded: Outcome
    live: Outcome
    design: Outcome
    others: tuple[Outcome, ...]
    is_grid: bool
    """Whether the others are all there are to choose from, or a few that somebody asked for."""
    best: Outcome | None
    """The cheapest of the others under which screens are no staler than live; None when the live policy is."""
    advice: Advice | None
    """What the herd adds to that; None: nothing, or it was not replayed."""
    check: ReplayCheck
    regrets: tuple[Regret, ...]

    @cached_property
    def front(self) -> tuple[Outcome, ...]:
        """What no other policy beats in both requests and mean staleness."""
        return front([self.live, self.design, *self.all_others])

    @cached_property
    def recommended(self) -> Outcome | None:
        """What to choose; None: the live policy."""
        if self.advice is None:
            return self.best
        return None if self.advice.policy is None else self.advice.policy.outcome

    @cached_property
    def all_others(self) -> tuple[Outcome, ...]:
        """The others, and the recommended policy if jitter was added to it: then it is none of them."""
        best = self.recommended
        return self.others if best is None or best in self.others else (*self.others, best)


def json_of(replays: Replays) -> dict[str, Any]:
    """Return everything."""
    best = replays.recommended
    return {
        "schema": REPLAY_SCHEMA,
        "subscribers": replays.subscribers,
        "signals": replays.signals,
        "seed": replays.seed,
        "check": replays.check.to_json(),
        "recorded": _json_of(replays.recorded),
        "live": _json_of(replays.live),
        "design": _json_of(replays.design),
        "policies": [_json_of(each) for each in replays.all_others],
        "front": [each.name for each in replays.front],
        "recommended": None if best is None else best.name,
        "herd": None if replays.advice is None else _herd_json(replays.advice),
        "prices": [regret.to_json() for regret in replays.regrets],
    }


def _herd_json(advice: Advice) -> dict[str, Any]:
    spread = advice.spread
    return {
        "limit_per_100ms": advice.limit,
        "is_chosen": advice.is_chosen,
        "live_peak": advice.live_peaks.median,
        "peak": advice.peaks.median,
        "is_kept": advice.is_kept,
        "added_jitter_ms": advice.added_jitter_ms,
        "without_added_jitter": {**_json_of(advice.plain.outcome), "peak": advice.plain_peaks.median},
        "with_enough_jitter": None
        if spread is None
        else {**_json_of(spread.tried.outcome), "peak": spread.peaks.median, "jitter_ms": spread.jitter_ms},
    }


def _json_of(outcome: Outcome) -> dict[str, Any]:
    return {
        "policy": outcome.name,
        "refreshes": outcome.refreshes,
        "refreshes_per_subscriber_minute": outcome.refreshes_per_subscriber_minute,
        "other_requests": outcome.others,
        "signals_dropped": outcome.suppressed,
        "staleness_ms": {**outcome.stale_ms.to_json(), "mean": outcome.stale_mean_ms},
        "shown_after_ms": outcome.waits_ms.to_json(),
    }


def lines_of(replays: Replays) -> Iterator[str]:
    """Yield the table: the live policy, the design's, and of a grid what is worth choosing."""
    yield (
        f"{replays.subscribers:,} subscribers, {replays.signals:,} signals while somebody looked, "
        f"{len(replays.others) + 2} policies replayed with seed {replays.seed}"
    )
    yield from _check_lines(replays.check)
    yield ""
    yield from _table(replays)
    yield from _recommendation(replays)
    yield ""
    yield from _price_lines(replays.regrets)


def _check_lines(check: ReplayCheck) -> Iterator[str]:
    recorded, replayed = sum(check.recorded.values()), sum(check.replayed.values())
    deviation = "" if check.deviation is None else f" ({check.deviation:+.2%})"
    verdict = "within 1%" if check.is_faithful else "NOT within 1%"
    yield f"replay of the live policy: {replayed:,} refreshes, {recorded:,} recorded{deviation}: {verdict}"
    if not check.is_faithful:
        yield from (f"  {reason}" for reason in check.reasons or ("nothing that is recorded explains it",))


def _table(replays: Replays) -> Iterator[str]:
    others = replays.others
    if replays.is_grid:
        others = tuple(each for each in replays.front if each is not replays.live and each is not replays.design)
    rows = {
        f"{outcome.name}{_MARK if outcome is replays.recommended else ''}": outcome
        for outcome in (replays.recorded, replays.live, replays.design, *others)
    }
    width = max(map(len, rows))
    yield f"{'':<{width}} {'refreshes':>9} {'stale for, ms':>21} {'shown after, ms':>21} {'signals':>16}"
    yield (
        f"{'policy':<{width}} {'/sub/min':>9} {'mean':>7}{'p95':>7}{'max':>7} {'p50':>7}{'p95':>7}{'max':>7} "
        f"{'dropped':>8}{'unshown':>8}"
    )
    for name, outcome in rows.items():
        yield f"{name:<{width}} {_figures(outcome)}"


def _figures(outcome: Outcome) -> str:
    stale, waits = outcome.stale_ms, outcome.waits_ms
    ages = "".join(map(_cell, (outcome.stale_mean_ms, stale.p95, stale.max)))
    shown = "".join(map(_cell, (waits.p50, waits.p95, waits.max)))
    rate = outcome.refreshes_per_subscriber_minute
    told = "-" if rate is None else f"{rate:.2f}"
    return f"{told:>9} {ages} {shown} {outcome.suppressed:>8,}{waits.never:>8,}"


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'-':>7}"
    return f"{'never' if value == float('inf') else f'{value:,.0f}':>7}"


def _recommendation(replays: Replays) -> Iterator[str]:
    best, live, advice = replays.recommended, replays.live, replays.advice
    if best is None:
        yield "No other of these costs as few requests without screens being staler than live."
    else:
        saved = 1 - best.refreshes / live.refreshes if live.refreshes else 0.0
        cost = (
            "as many refreshes as"
            if not saved
            else f"{abs(saved):.0%} {'fewer' if saved > 0 else 'more'} refreshes than"
        )
        worst, live_worst = (f"{each.stale_ms.max or 0:,.0f}" for each in (best, live))
        yield (
            f"◄ {cost} live, screens stale for {best.stale_mean_ms or 0:,.0f} instead of "
            f"{live.stale_mean_ms or 0:,.0f} ms on average and for {worst} instead of {live_worst} ms at worst."
        )
    if advice is not None:
        yield _herd_line(advice)


def _herd_line(advice: Advice) -> str:
    peak = f"Densest 100 ms: {advice.peaks.median:,} re-fetches, live {advice.live_peaks.median:,}"
    wanted = f"wanted are at most {advice.limit:,}"
    if advice.added_jitter_ms:
        return f"{peak}, {wanted}: that takes its jitter of {advice.added_jitter_ms:,} ms."
    if advice.is_kept:
        return f"{peak}, {wanted}."
    if advice.spread is None:
        return f"{peak}, {wanted}: no jitter that was replayed does it."
    stale_ms = advice.spread.tried.outcome.stale_mean_ms or 0
    return (
        f"{peak}, {wanted}: {advice.spread.jitter_ms:,} ms of jitter would do it, with screens stale for "
        f"{stale_ms:,.0f} ms on average."
    )


def _price_lines(regrets: tuple[Regret, ...]) -> Iterator[str]:
    yield "If one request is worth so many seconds in which a signal waits: costs in seconds, and what live overpays."
    yield f"{'price, s':>8} {'live':>10} {'cheapest':>10} {'greedy':>10} {'over cheapest':>14} {'over greedy':>12}"
    for each in regrets:
        costs = "".join(
            f" {bill.cost_ns(each.price_ns) / NS_PER_S:>10,.1f}" for bill in (each.live, each.cheapest, each.greedy)
        )
        yield f"{each.price_s:>8g}{costs} {_share(each.over_cheapest):>14} {_share(each.over_greedy):>12}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:+.0%}"
