"""What a refresh policy made of a run, and which outcomes are worth choosing.

Staleness here is the part that a policy decides: it counts from the receipt of a signal, while somebody looks, to the
first answer that was requested after it, for the last of the keys that it made stale, or until they look away. What
came before the receipt is the same under every policy, and so is what was fetched for other reasons: as recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.analysis.results import Quantiles
from loadtests.scenario.vocabulary import DeviceModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy made of the run, in its window."""

    name: str
    refreshes: int
    """Requests because of signals."""
    others: int
    """Requests for other reasons: catch-ups, polls."""
    suppressed: int
    """Signals that the policy dropped; whole run."""
    minutes: float
    """Subscriber-minutes."""
    stale_mean_ms: float | None
    """Time-weighted; None: nobody ever looked."""
    stale_ms: Quantiles
    """Over the time in which somebody looked, as `Staleness.quantiles` tells them."""
    waits_ms: Quantiles
    """From the receipt of each signal that asked for something until it was shown; never: not before they looked away,
    for which `n` counts events and `pairs` signals."""
    by_model: Mapping[DeviceModel, int]
    """Refreshes of each client model."""

    @property
    def refreshes_per_subscriber_minute(self) -> float | None:
        """None: there was no subscriber."""
        return self.refreshes / self.minutes if self.minutes else None


def front(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes that no other beats in both requests and mean staleness, by rising number of requests."""
    best: list[Outcome] = []
    for outcome in sorted(outcomes, key=_rank):
        if not best or _mean_ms(outcome) < _mean_ms(best[-1]):
            best.append(outcome)
    return tuple(best)


def recommended(outcomes: Sequence[Outcome], live: Outcome) -> Outcome | None:
    """Return the policy with the fewest requests under which screens are no staler than live, on average and at worst.

    It drops no more signals either: nothing but the next one would make up for the last that was dropped. `live` is
    the replay of the live policy, whose fetches took as long as those of the others. None: none is better.
    """
    best = min((each for each in outcomes if is_fair(each, live)), key=_rank, default=None)
    return best if best is not None and _rank(best) < _rank(live) else None


def is_fair(outcome: Outcome, live: Outcome) -> bool:
    """Return whether a policy costs no more requests, leaves screens no staler and drops no more signals than live."""
    worst_ms, live_worst_ms = (each.stale_ms.max or 0.0 for each in (outcome, live))
    is_no_dearer = outcome.refreshes <= live.refreshes and outcome.suppressed <= live.suppressed
    return is_no_dearer and _mean_ms(outcome) <= _mean_ms(live) and worst_ms <= live_worst_ms


def _rank(outcome: Outcome) -> tuple[int, float]:
    return outcome.refreshes, _mean_ms(outcome)


def _mean_ms(outcome: Outcome) -> float:
    """Return the mean staleness; nobody who looked was never stale."""
    return outcome.stale_mean_ms or 0.0
