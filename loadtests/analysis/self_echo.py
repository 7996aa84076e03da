"""The self-echo: what devices hear of the changes that their own people made, and what they fetch because of it.

No client looks at who caused an event, so it costs a round trip that shows its author nothing new. Delivery does not
ask who made a change, and latencies leave such pairs out; here they are counted.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import find_exact
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import Cause
from loadtests.history.kinds import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfEcho:
    """The device of each pair, signal and re-fetch in the window that its own people alone had caused."""

    pairs: Ints
    signals: Ints
    refreshes: Ints
    requests: Ints

    def to_json(self, among: Bools) -> dict[str, int]:
        """Return the counts of the devices `among` (one entry per device)."""
        return {
            "pairs": int(among[self.pairs].sum()),
            "signals": int(among[self.signals].sum()),
            "refreshes": int(among[self.refreshes].sum()),
            "requests": int(among[self.requests].sum()),
        }


def read_self_echo(run: Reconstruction) -> SelfEcho:
    """Return the self-echo of a run; of a flush that anybody else had a part in, nothing is."""
    pairs, signals, requests, window = run.pairs, run.signals, run.screens.requests, run.window
    own = _own_signals(run)
    echoed = _of_own_flushes(run, own)
    echoed = echoed[window.holds(requests.requested_ns[echoed])]
    return SelfEcho(
        pairs=pairs.device[pairs.is_own & pairs.on_screen & pairs.in_window],
        signals=signals.device[own[window.holds(signals.received_ns[own])]],
        refreshes=requests.device[echoed[requests.cause[echoed] == Cause.FLUSH]],
        requests=requests.device[echoed],
    )


def _own_signals(run: Reconstruction) -> Ints:
    """Return the signals of mutations whose author has the very device that received them."""
    mutation = run.events.mutation
    if not (run.mutations.author != NOBODY).any():
        return np.zeros(0, dtype=np.int64)
    author = np.where(mutation != NOBODY, run.mutations.author[mutation], NOBODY)
    # The last entry is that of events that the truth does not know.
    return np.flatnonzero(np.append(author, NOBODY)[run.signals.event] == run.signals.device)


def _of_own_flushes(run: Reconstruction, own: Ints) -> Ints:
    """Return the re-fetches of the flushes into which nothing but the `own` signals fell."""
    signals, requests = run.signals, run.screens.requests
    own = own[signals.batch[own] > 0]
    own = own[np.lexsort((signals.batch[own], signals.device[own]))]
    is_own = np.zeros(len(signals), dtype=np.bool_)
    is_own[own] = True
    others = np.flatnonzero((signals.batch > 0) & ~is_own) if len(own) else own
    shared = find_exact(signals.device[own], signals.batch[own], signals.device[others], signals.batch[others])
    others = others[shared >= 0]
    others = others[np.lexsort((signals.batch[others], signals.device[others]))]
    batched = np.flatnonzero(requests.batch > 0)
    asked = requests.device[batched], requests.batch[batched]
    is_echo = find_exact(signals.device[own], signals.batch[own], *asked) >= 0
    is_mixed = find_exact(signals.device[others], signals.batch[others], *asked) >= 0
    return batched[is_echo & ~is_mixed]
