"""One recorded run under many refresh policies: what each would have cost in requests, and how stale screens were.

Staleness here is the part that a policy decides: it counts from the receipt of a signal, while somebody looks, to the
first answer that was requested after it, for the last of the keys that it made stale, or until they look away. What
came before the receipt is the same under every policy, and so is what was fetched for other reasons: as recorded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np

from loadtests.analysis.attention import Looks, read_looks
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.policy_grid import Choice
from loadtests.analysis.laboratory.replay import Fetched, ReplayError, replay
from loadtests.analysis.laboratory.traces import Trace, Traces
from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.results import Quantiles
from loadtests.analysis.segments import find, running_max, starts
from loadtests.analysis.staleness import Promises, Staleness, behind
from loadtests.analysis.stamps import NEVER, NS_PER_S, Bools, Ints, elapsed_ms
from loadtests.clients.models import ClientModel
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.scenario.vocabulary import DeviceModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetches:
    """One entry per request of a subscriber, recorded or replayed."""

    lifetime: Ints
    key: Ints
    cause: Ints
    started_ns: Ints
    answered_ns: Ints
    """NEVER: it failed, or nobody was there any more."""


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
    staleness: Staleness
    waits_ms: Quantiles
    """From the receipt of each signal that asked for something until it was shown; never: not before they looked away,
    for which `n` counts events and `pairs` signals."""
    by_model: Mapping[DeviceModel, int]
    """Refreshes of each client model."""

    @property
    def refreshes_per_subscriber_minute(self) -> float | None:
        """None: there was no subscriber."""
        return self.refreshes / self.minutes if self.minutes else None


class Durations:
    """How long fetches take: the run's own latencies of that kind of key, drawn with a seed."""

    def __init__(self, run: Reconstruction) -> None:
        requests = run.screens.requests
        chosen = np.flatnonzero(requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER))
        if not len(chosen):
            raise ReplayError("no re-fetch of a subscriber was answered: how long one takes is not known")
        took_ns = requests.answered_ns[chosen] - requests.requested_ns[chosen]
        self._all: list[int] = took_ns.tolist()
        self._of_kind = {kind: took_ns[requests.kind[chosen] == kind].tolist() or self._all for kind in KeyKind}

    def drawn_by(self, chance: Callable[[], float]) -> Callable[[KeyKind], int]:
        """Return a function that draws the duration of a fetch of a kind."""

        def draw(kind: KeyKind) -> int:
            known = self._of_kind[kind]
            took_ns: int = known[int(chance() * len(known))]
            return took_ns

        return draw


@dataclass(frozen=True)
class Laboratory:
    """A run that can be lived again."""

    run: Reconstruction
    traces: Traces
    models: Mapping[int, ClientModel]
    seed: int

    @cached_property
    def durations(self) -> Durations:
        """How long its fetches took."""
        return Durations(self.run)

    @cached_property
    def looks(self) -> Looks:
        """When somebody looked."""
        return read_looks(self.run.presence, self.run.devices)

    @cached_property
    def recorded(self) -> Fetches:
        """What subscribers really fetched."""
        requests, lifetimes = self.run.screens.requests, self.run.presence.lifetimes
        rows = np.flatnonzero(self.run.devices.cohort[requests.device] == SUBSCRIBER)
        lifetime = lifetimes.at(requests.device[rows], requests.requested_ns[rows])
        rows, lifetime = rows[lifetime >= 0], lifetime[lifetime >= 0]
        return Fetches(
            lifetime=lifetime,
            key=self.traces.key_of_name[requests.key[rows]],
            cause=requests.cause[rows],
            started_ns=requests.requested_ns[rows],
            answered_ns=np.where(requests.is_seen[rows], requests.answered_ns[rows], NEVER),
        )

    def live(self) -> Outcome:
        """Return the recorded run, measured as the replays are."""
        return self._outcome("recorded", self.recorded, suppressed=0)

    def replay(self, choice: Choice) -> Outcome:
        """Return what a policy would have made of the run; a lifetime draws the same under each."""
        fetched: list[tuple[int, list[Fetched]]] = []
        suppressed = 0
        for trace in self.traces.each:
            replayed = replay(
                trace,
                choice.policies[trace.model],
                self.models[trace.model].discipline,
                duration_ns=self.durations.drawn_by(self._chance("duration", trace)),
                chance=self._chance("jitter", trace),
            )
            fetched.append((trace.lifetime, replayed.fetched))
            suppressed += replayed.suppressed
        return self._outcome(choice.name, self._columns(fetched), suppressed=suppressed)

    def _chance(self, what: str, trace: Trace) -> Callable[[], float]:
        return Random(f"{self.seed}/{what}/{trace.lifetime}").random  # noqa: S311 - a seeded draw, no secret

    def _columns(self, fetched: Iterable[tuple[int, list[Fetched]]]) -> Fetches:
        keys: Mapping[RequestKey, int] = self.traces.keys
        table = np.array(
            [
                (lifetime, keys[key], cause, started_ns, answered_ns)
                for lifetime, own in fetched
                for key, cause, started_ns, answered_ns in own
            ],
            dtype=np.int64,
        ).reshape(-1, 5)
        lifetime, key, cause, started_ns, answered_ns = table.T
        ends_ns = self.run.presence.lifetimes.end_ns[lifetime]
        return Fetches(
            lifetime=lifetime,
            key=key,
            cause=cause,
            started_ns=started_ns,
            answered_ns=np.where(answered_ns < ends_ns, answered_ns, NEVER),
        )

    def _outcome(self, name: str, fetches: Fetches, *, suppressed: int) -> Outcome:
        run, window = self.run, self.run.window
        lifetimes, foreground = run.presence.lifetimes, run.presence.foreground
        among: Bools = run.devices.cohort == SUBSCRIBER
        first, shown_ns = self._shown(fetches)
        lifetime, received_ns = self.traces.wanted.lifetime[first], self.traces.wanted.received_ns[first]
        device, signal = lifetimes.device[lifetime], self.traces.wanted.signal[first]
        until_ns = foreground.end_ns[foreground.at(device, received_ns)]
        inside = window.holds(fetches.started_ns)
        refreshes = inside & (fetches.cause == Cause.FLUSH)
        model = run.devices.model[lifetimes.device[fetches.lifetime[refreshes]]]
        counted = window.holds(received_ns)
        return Outcome(
            name=name,
            refreshes=int(refreshes.sum()),
            others=int(inside.sum() - refreshes.sum()),
            suppressed=suppressed,
            minutes=lifetimes.device_ns(window.start_ns, window.end_ns, among) / (60 * NS_PER_S),
            staleness=behind(
                Promises(
                    device=device,
                    organization=run.presence.organization[lifetime],
                    promised_ns=received_ns,
                    ends_ns=np.minimum(shown_ns, until_ns),
                ),
                window,
                looks=self.looks,
                device_ns=foreground.device_ns(window.start_ns, window.end_ns, among),
            ),
            waits_ms=of_distinct(
                elapsed_ms(received_ns, np.where(shown_ns < until_ns, shown_ns, NEVER))[counted],
                distinct=len(np.unique(run.signals.name[signal[counted]])),
            ),
            by_model={DeviceModel(int(each)): int((model == each).sum()) for each in np.unique(model)},
        )

    def _shown(self, fetches: Fetches) -> tuple[Ints, Ints]:
        """Return where each signal begins in what was wanted, and when the last of its keys was shown."""
        wanted, keys = self.traces.wanted, len(self.traces.keys)
        stream = fetches.lifetime * keys + fetches.key
        order = np.lexsort((fetches.started_ns, stream))
        stream, started_ns, answered_ns = stream[order], fetches.started_ns[order], fetches.answered_ns[order]
        place = find(stream, started_ns, wanted.lifetime * keys + wanted.key, wanted.received_ns)
        earliest_ns = _earliest_from(stream, answered_ns)
        shown_ns = np.full(len(place), NEVER, dtype=np.int64)
        shown_ns[place >= 0] = earliest_ns[place[place >= 0]]
        begin = starts(wanted.signal)
        return begin, np.maximum.reduceat(shown_ns, begin) if len(begin) else shown_ns


def _earliest_from(stream: Ints, answered_ns: Ints) -> Ints:
    """Return for each request the earliest answer to it or to a later one of its stream: a fast one may overtake."""
    earliest_ns: Ints = -running_max(-stream[::-1], -answered_ns[::-1])[::-1]
    return earliest_ns


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
    best = min((each for each in outcomes if _is_fair(each, live)), key=_rank, default=None)
    return best if best is not None and _rank(best) < _rank(live) else None


def _is_fair(outcome: Outcome, live: Outcome) -> bool:
    worst_ns, live_worst_ns = (int(each.staleness.to_ns.max(initial=0)) for each in (outcome, live))
    is_no_dearer = outcome.refreshes <= live.refreshes and outcome.suppressed <= live.suppressed
    return is_no_dearer and _mean_ms(outcome) <= _mean_ms(live) and worst_ns <= live_worst_ns


def _rank(outcome: Outcome) -> tuple[int, float]:
    return outcome.refreshes, _mean_ms(outcome)


def _mean_ms(outcome: Outcome) -> float:
    """Return the mean staleness; nobody who looked was never stale."""
    return outcome.staleness.mean_ms or 0.0
