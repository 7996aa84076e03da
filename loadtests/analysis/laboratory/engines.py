"""Two ways to live lifetimes again: by loops over columns, and by the clients' own state machines.

They come to the same. The loops are exact where a flush knows nothing of another flush (`is_independent`); chance
follows from what is drawn and not from the order of drawing, so that both draw alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.laboratory.arrivals import Masks, Part
from loadtests.analysis.laboratory.carried_out import Requests, carry_out, is_independent, kinds_of
from loadtests.analysis.laboratory.draws import What, draw, draw_each, states_of
from loadtests.analysis.laboratory.durations import Durations
from loadtests.analysis.laboratory.replay import Replayed, replay
from loadtests.analysis.laboratory.schedule import Schedule, schedule
from loadtests.analysis.laboratory.traces import Trace, Traces
from loadtests.analysis.stamps import Floats, Ints
from loadtests.clients.models import ClientModel
from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.requests import Cause, RequestKey

_NO_POLICY: Final = RefreshPolicy(0, Coalescing.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What became of the lifetimes of a part."""

    requests: Requests
    flushes: tuple[tuple[int, int], ...]
    """The lifetime, counted from 0 in the part, and the stamp of each."""
    suppressed: int


@dataclass(frozen=True)
class Engines:
    """What both are made of."""

    traces: Traces
    models: Mapping[int, ClientModel]
    durations: Durations
    seed: int

    def parts(self) -> Iterator[tuple[int, Part]]:
        """Yield all lifetimes in parts of one client model each."""
        arrivals = self.traces.arrivals
        for model in np.unique(arrivals.model).tolist():
            for part in arrivals.parts(np.flatnonzero(arrivals.model == model)):
                yield model, part

    def is_fast(self, model: int) -> bool:
        """Return whether loops over columns can do what clients of a model do."""
        return is_independent(self.models[model].discipline)

    def flushes(self, part: Part, policy: RefreshPolicy) -> Schedule:
        """Return when a part flushes, by one loop over its columns."""
        return schedule(part, policy, lambda: self._chances(part))

    def by_columns(self, part: Part, flushes: Schedule, policy: RefreshPolicy, model: int) -> Requests:
        """Return what those flushes come to, and what was fetched for other reasons."""
        arrivals = self.traces.arrivals
        key_of = arrivals.key_of[part.lifetimes]
        kinds = key_of.shape[1]
        states = self.durations.states(np.repeat(arrivals.lifetime[part.lifetimes], kinds), key_of.ravel())

        def takes(owner: Ints, kind: Masks, started_ns: Ints) -> Ints:
            return self.durations.each(states, owner * kinds + (kind - 1), kind, started_ns)

        made = carry_out(
            part,
            flushes,
            policy,
            is_sequential=self.models[model].is_sequential,
            end_ns=arrivals.end_ns[part.lifetimes],
            takes=takes,
        )
        return _joined(made, self._others(part, model))

    def by_machines(self, part: Part, policy: RefreshPolicy, model: int) -> Lived:
        """Return what becomes of a part under a policy, signal by signal."""
        lives = [self._live_again(self.traces.trace(place), policy, model) for place in _places(part)]
        return Lived(
            requests=self._columns(part, lives),
            flushes=tuple((owner, at_ns) for owner, life in enumerate(lives) for at_ns in life.flushed_ns),
            suppressed=sum(life.suppressed for life in lives),
        )

    def prepare(self) -> None:
        """Work out everything now that is the same under all policies."""
        for _, part in self.parts():
            part.prepare()
            self._chances(part)

    def _chances(self, part: Part) -> Floats:
        """Return what the jitter of batches is drawn with, which no policy changes."""
        known = self._known_chances.get(part)
        if known is None:
            states = states_of(self.seed, What.JITTER, self.traces.arrivals.lifetime[part.lifetimes])
            known = self._known_chances[part] = draw_each(states, part.owner, part.at_ns)
        return known

    @cached_property
    def _known_chances(self) -> dict[Part, Floats]:
        return {}

    def _others(self, part: Part, model: int) -> Requests:
        """Return the requests for other reasons than signals, which no policy changes where flushes are independent."""
        known = self._known_others.get(part)
        if known is None:
            lives = [self._live_again(self.traces.quiet(place), _NO_POLICY, model) for place in _places(part)]
            known = self._known_others[part] = self._columns(part, lives)
        return known

    @cached_property
    def _known_others(self) -> dict[Part, Requests]:
        return {}

    def _live_again(self, trace: Trace, policy: RefreshPolicy, model: int) -> Replayed:
        keys, durations = self.traces.keys, self.durations
        return replay(
            trace,
            policy,
            self.models[model].discipline,
            duration_ns=lambda key, started_ns: durations.one(trace.lifetime, keys[key], key.kind, started_ns),
            chance=lambda begins_ns: draw(self.seed, What.JITTER, trace.lifetime, begins_ns),
        )

    def _columns(self, part: Part, lives: Sequence[Replayed]) -> Requests:
        keys: Mapping[RequestKey, int] = self.traces.keys
        rows = [
            (owner, keys[each.key], each.cause == Cause.FLUSH, each.started_ns, each.answered_ns)
            for owner, life in enumerate(lives)
            for each in life.fetched
        ]
        owner, key, is_flush, started_ns, answered_ns = np.array(rows, dtype=np.int64).reshape(-1, 5).T
        return Requests(
            owner=owner,
            kind=kinds_of(self.traces.arrivals.key_of[part.lifetimes][owner], key),
            is_flush=is_flush.astype(np.uint8),
            started_ns=started_ns,
            answered_ns=answered_ns,
        )


def _places(part: Part) -> range:
    return range(part.lifetimes.start, part.lifetimes.stop)


def _joined(first: Requests, second: Requests) -> Requests:
    if not len(second):
        return first
    both = Requests(
        owner=np.concatenate([first.owner, second.owner]),
        kind=np.concatenate([first.kind, second.kind]),
        is_flush=np.concatenate([first.is_flush, second.is_flush]),
        started_ns=np.concatenate([first.started_ns, second.started_ns]),
        answered_ns=np.concatenate([first.answered_ns, second.answered_ns]),
    )
    return both.chosen(np.argsort(both.owner, kind="stable"))
