"""How much jitter disperses the herd: the run's signals replayed with other jitters, each several times.

The state machines are the clients' own and everything but the jitter is the live policy's. A fetch takes as long as
one of the run's own, drawn at random: a replay does not know that an API answers sooner when fewer ask at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.herd import peak_of
from loadtests.analysis.laboratory.replay import Replayed, replay
from loadtests.analysis.laboratory.traces import Trace, Traces, read_traces
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NS_PER_MS, Ints
from loadtests.clients.models import ClientModel
from loadtests.clients.requests import KeyKind

JITTERS_MS: Final = (0, 100, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 5000)
DRAWS: Final = 3
"""How often each jitter is replayed, with other chances."""
MOST_STEPS: Final = 15_000
"""Signals and lifetimes together: beyond that, all jitters would take longer to replay than everything else does."""


Durations = Mapping[KeyKind, Sequence[int]]
"""How long fetches took, by what they fetched; a kind that was never answered is not among them."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The densest 100 ms under one policy."""

    each: tuple[int, ...]
    """Of each draw, ascending."""

    @property
    def median(self) -> int:
        """The middle one."""
        return self.each[len(self.each) // 2]


@dataclass(frozen=True, slots=True)
class Herds:
    """The peaks of a run under the live policies and under others."""

    live: Peaks
    """With the jitter, if any, that each client model has: to be compared with what was measured."""
    jittered: Mapping[int, Peaks]
    """By jitter in milliseconds, ascending: the same for all client models."""

    def least_jitter_ms(self, limit: int) -> int | None:
        """Return the least of the jitters under which no draw exceeds the limit; None: there is none."""
        return next((jitter_ms for jitter_ms, peaks in self.jittered.items() if peaks.each[-1] <= limit), None)


def replay_herds(
    run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...], *, more_ms: int | None
) -> Herds | None:
    """Return the peaks under each jitter of `JITTERS_MS`, and under one more.

    None: no fetch was answered, so that nobody knows how long one takes, or there are too many.
    """
    durations = _durations(run)
    heard = int((run.devices.cohort[run.signals.device] == SUBSCRIBER).sum())
    if not durations or heard + len(run.presence.lifetimes.device) > MOST_STEPS:
        return None
    again = _Again(run, read_traces(run, models, names), durations)
    jitters_ms = sorted({*JITTERS_MS, *(() if more_ms is None else (more_ms,))})
    return Herds(
        live=_peaks(again, models),
        jittered={jitter_ms: _peaks(again, _jittered(models, jitter_ms)) for jitter_ms in jitters_ms},
    )


def _durations(run: Reconstruction) -> Durations:
    requests = run.screens.requests
    chosen = np.flatnonzero(requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER))
    took_ns = requests.answered_ns[chosen] - requests.requested_ns[chosen]
    by_kind = {kind: took_ns[requests.kind[chosen] == kind].tolist() for kind in KeyKind}
    return {kind: took for kind, took in by_kind.items() if took}


def _jittered(models: Mapping[int, ClientModel], jitter_ms: int) -> Mapping[int, ClientModel]:
    return {
        number: replace(model, policy=replace(model.policy, jitter_ns=jitter_ms * NS_PER_MS))
        for number, model in models.items()
    }


def _peaks(again: "_Again", models: Mapping[int, ClientModel]) -> Peaks:
    return Peaks(tuple(sorted(peak_of(again.requested_ns(models, draw)) for draw in range(DRAWS))))


@dataclass(frozen=True, slots=True)
class _Again:
    """A run that is lived again for when its subscribers fetch, and nothing else."""

    run: Reconstruction
    traces: Traces
    durations: Durations

    def requested_ns(self, models: Mapping[int, ClientModel], draw: int) -> Ints:
        """Return when subscribers would have fetched in the window."""
        jitter, takes = _chance("jitter", draw), self._takes(draw)
        requested_ns = np.array(
            [
                fetched.started_ns
                for trace in self.traces.each
                for fetched in _lived_again(trace, models[trace.model], takes, jitter).fetched
            ],
            dtype=np.int64,
        )
        inside: Ints = requested_ns[self.run.window.holds(requested_ns)]
        return inside

    def _takes(self, draw: int) -> Callable[[KeyKind], int]:
        chance, durations = _chance("duration", draw), self.durations
        anything = next(iter(durations.values()))

        def takes(kind: KeyKind) -> int:
            known = durations.get(kind, anything)
            return known[int(chance() * len(known))]

        return takes


def _lived_again(
    trace: Trace, model: ClientModel, takes: Callable[[KeyKind], int], jitter: Callable[[], float]
) -> Replayed:
    return replay(trace, model.policy, model.discipline, duration_ns=takes, chance=jitter)


def _chance(what: str, draw: int) -> Callable[[], float]:
    return Random(f"{what}/{draw}").random  # noqa: S311 - a seeded draw, no secret
