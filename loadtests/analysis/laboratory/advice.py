"""Which refresh policy to choose, and with how much jitter: one rule over requests, staleness and the herd.

First the cheapest policy under which screens are no staler than live. Then, where its re-fetches come too densely, the
least jitter that brings the densest 100 ms to the wanted rate: what the scenario chose, or half of what the live policy
makes without jitter. Jitter makes screens staler and saves no request. So for a rate that was chosen it is added
whatever it costs; for half of the peak, which nobody asked for, only if screens are still no staler than live, and
otherwise what it would cost is told. And never is a policy advised that makes a herd denser than the live one does.

It knows outcomes and peaks, and no run: who replays a policy is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from loadtests.analysis.laboratory.herd import Peaks
from loadtests.analysis.laboratory.outcome import Outcome, is_fair, recommended
from loadtests.analysis.laboratory.policy_grid import Choice, is_defect, jitter_ms_of, jittered

A_HERD: Final = 10
"""Fewer requests at one moment are none."""
_DENSER: Final = 1.1
"""A peak that exceeds another by less is the same within chance."""


class Tried(NamedTuple):
    """A policy, and what it made of the run."""

    choice: Choice
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How policies are replayed."""

    outcome: Callable[[Choice], Outcome]
    peaks: Callable[[Choice], Peaks]
    """The densest 100 ms, over several draws."""
    jitters_ms: tuple[int, ...]
    """What there is to choose from, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A policy with just so much jitter that it keeps a rate."""

    tried: Tried
    jitter_ms: int
    peaks: Peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to choose, and what is to be said of its herd."""

    policy: Tried | None
    """None: the live one."""
    peaks: Peaks
    """Of what is advised."""
    plain: Tried
    """The same without the jitter that was added for the herd; the same object where none was."""
    plain_peaks: Peaks
    live_peaks: Peaks
    limit: int
    """The most re-fetches of any 100 ms that are wanted."""
    is_chosen: bool
    """Whether the scenario says so; else it is half of what the live policy makes without jitter."""
    added_jitter_ms: int
    """The jitter that the advised policy has for the herd's sake; 0: none was added."""
    spread: Spread | None
    """What is advised with the jitter that would keep the limit, where it does not keep it itself; None: no need, or
    no jitter that was replayed does."""

    @property
    def is_kept(self) -> bool:
        """Whether what is advised keeps the limit, in each draw."""
        return self.peaks.highest <= self.limit


def cheapest_of(others: Sequence[Tried], live: Tried) -> Tried | None:
    """Return the cheapest of the others under which screens are no staler than live, today's faults left aside.

    None: the live one is.
    """
    best = recommended([each.outcome for each in others if not is_defect(each.choice.name)], live.outcome)
    return next((each for each in others if each.outcome is best), None)


def advise(live: Tried, best: Tried | None, again: Again, *, chosen: int | None) -> Advice | None:
    """Return which policy to choose; None: nobody chose a rate and there is no herd, so `best` stands as it is.

    `best` is the cheapest policy under which screens are no staler than live, None where that is the live one;
    `chosen` is the most re-fetches in any 100 ms that the scenario allows.
    """
    live_peaks = again.peaks(live.choice)
    base = Spread(tried=live, jitter_ms=0, peaks=live_peaks)
    if best is not None:
        base = Spread(tried=best, jitter_ms=0, peaks=again.peaks(best.choice))
    if chosen is None and max(live_peaks.median, base.peaks.median) < A_HERD:
        return None
    limit = chosen or max(again.peaks(jittered(live.choice, 0)).median // 2, 1)
    aim = chosen or min(limit, _alike(live_peaks))
    enough = least_jitter(base.tried.choice, again, limit=aim) if base.peaks.highest > aim else None
    if enough is not None and _is_worth_it(enough, live, live_peaks, chosen):
        return Advice(
            policy=enough.tried, peaks=enough.peaks, plain=base.tried, plain_peaks=base.peaks, live_peaks=live_peaks,
            limit=limit, is_chosen=chosen is not None, added_jitter_ms=enough.jitter_ms, spread=None,
        )  # fmt: skip
    if base.peaks.lowest > _alike(live_peaks) or (chosen and live_peaks.highest <= chosen < base.peaks.highest):
        base = Spread(tried=live, jitter_ms=0, peaks=live_peaks)
        enough = least_jitter(live.choice, again, limit=limit)
    return Advice(
        policy=None if base.tried is live else base.tried, peaks=base.peaks, plain=base.tried, plain_peaks=base.peaks,
        live_peaks=live_peaks, limit=limit, is_chosen=chosen is not None, added_jitter_ms=0,
        spread=enough if base.peaks.highest > limit else None,
    )  # fmt: skip


def _is_worth_it(enough: Spread, live: Tried, live_peaks: Peaks, chosen: int | None) -> bool:
    """Return whether jitter belongs to the advice: a chosen rate is worth staler screens, unless live keeps it too."""
    is_needed = chosen is not None and live_peaks.highest > chosen
    return is_needed or is_fair(enough.tried.outcome, live.outcome)


def _alike(live_peaks: Peaks) -> int:
    """Return the peak up to which a herd is as dense as the live one, within chance."""
    return max(int(_DENSER * live_peaks.highest), A_HERD)


def least_jitter(choice: Choice, again: Again, *, limit: int) -> Spread | None:
    """Return a policy with the least jitter under which no draw exceeds the limit; None: there is none."""
    own_ms = jitter_ms_of(choice)
    for jitter_ms in (each for each in again.jitters_ms if each > own_ms):
        spread = jittered(choice, jitter_ms)
        peaks = again.peaks(spread)
        if peaks.highest <= limit:
            return Spread(tried=Tried(spread, again.outcome(spread)), jitter_ms=jitter_ms, peaks=peaks)
    return None
