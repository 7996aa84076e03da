"""How long fetches take in a replay: the run's own latencies of that kind of key, drawn by a hash of which fetch it is.

A fetch of one key by one device that starts at one moment takes as long under every policy, in whatever order it is
asked for.
"""

from collections.abc import Mapping

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.arrivals import Masks
from loadtests.analysis.laboratory.compiled import compiled
from loadtests.analysis.laboratory.draws import States, What, draw, draw_each, states_of
from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import Floats, Ints
from loadtests.clients.requests import Cause, KeyKind


class Durations:
    """The latencies to draw from."""

    def __init__(self, of_kind: Mapping[KeyKind, Ints], seed: int) -> None:
        """Take latencies in nanoseconds; a kind that has none draws from all."""
        everything = np.concatenate([of_kind[kind] for kind in KeyKind if kind in of_kind])
        pools = [everything]
        self._begin = np.zeros(max(KeyKind) + 1, dtype=np.int64)
        self._size = np.full(max(KeyKind) + 1, len(everything), dtype=np.int64)
        length = len(everything)
        for kind in KeyKind:
            if len(of_kind.get(kind, ())):
                pools.append(of_kind[kind])
                self._begin[kind], self._size[kind] = length, len(of_kind[kind])
                length += len(of_kind[kind])
        # A fetch that takes no time at all would be answered before it is under way.
        self._pool: Ints = np.maximum(np.concatenate(pools), 1)
        self._seed = seed

    def one(self, lifetime: int, key: int, kind: KeyKind, started_ns: int) -> int:
        """Return how long one fetch takes; `key` is its number in the traces."""
        chance = draw(self._seed, What.DURATION, lifetime, key, started_ns)
        return int(self._pool[self._begin[kind] + int(chance * int(self._size[kind]))])

    def states(self, lifetime: Ints, key: Ints) -> States:
        """Return what `each` draws from, for columns of lifetimes and keys."""
        return states_of(self._seed, What.DURATION, lifetime, key)

    def each(self, states: States, which: Ints, kind: Masks, started_ns: Ints) -> Ints:
        """Return how long fetches take, as `one` does; `which` of the states says whose and of which key."""
        return _taken(draw_each(states, which, started_ns), kind, self._begin, self._size, self._pool)


@compiled
def _taken(  # noqa: PLR0917 - columns, for the compiler
    chance: Floats, kind: Masks, begin: Ints, size: Ints, pool: Ints
) -> Ints:
    taken = np.empty(len(chance), np.int64)
    for each in range(len(chance)):
        taken[each] = pool[begin[kind[each]] + int(chance[each] * size[kind[each]])]
    return taken


def read_durations(run: Reconstruction, seed: int) -> Durations:
    """Return how long the fetches of a run took: those of the window's flushes, which are what a policy moves.

    Catch-ups come all at once when everybody logs in, and are slow; they serve only where no flush fetched anything.

    Raises:
        ReplayError: none was answered.

    """
    requests = run.screens.requests
    answered = requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER)
    flushed = answered & (requests.cause == Cause.FLUSH) & run.window.holds(requests.requested_ns)
    chosen = np.flatnonzero(flushed if flushed.any() else answered)
    if not len(chosen):
        raise ReplayError("no re-fetch of a subscriber was answered: how long one takes is not known")
    took_ns = requests.answered_ns[chosen] - requests.requested_ns[chosen]
    return Durations({kind: took_ns[requests.kind[chosen] == kind] for kind in KeyKind}, seed)
