"""What people find who come back: how long they wait, after looking again, for what was promised while they were away.

Counted from the beginning of the first foreground span after the promise, in the same organization: the return to the
app, or the login after it was killed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.analysis.attention import read_looks
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.screens import Screens
from loadtests.analysis.showings import answered, shown_by
from loadtests.analysis.stamps import NEVER, Bools, Floats, Ints, elapsed_ms
from loadtests.scenario.vocabulary import MutationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """One entry per pair of the window, on the screen, whose device was away and came back."""

    pair: Ints
    waited_ms: Floats
    """From looking again until it was shown; negative when it was before, +inf if it was not while they looked."""
    is_beyond_page: Bools
    """Its job had left page 1 before they came back, and was not shown."""
    is_interrupted: Bools
    """They looked away again before it was shown and before the deadline."""

    @property
    def is_counted(self) -> Bools:
        """Those that tell how long a person waits."""
        counted: Bools = ~self.is_beyond_page & ~self.is_interrupted
        return counted


def find_returns(pairs: Pairs, mutations: Mutations, screens: Screens, *, deadline_ns: int) -> Returns:
    """Return what was seen of the changes that were promised while their device was away."""
    away = np.flatnonzero(pairs.is_away & pairs.is_awaited & pairs.in_window)
    mutation = pairs.mutation[away]
    looks = read_looks(screens.presence, screens.devices)
    span = looks.following(pairs.device[away], mutations.organization[mutation], mutations.promised_ns[mutation])
    away, mutation, span = away[span >= 0], mutation[span >= 0], span[span >= 0]
    begin_ns, end_ns = looks.begin_ns[span], looks.end_ns[span]
    shown_ns = answered(screens.requests, shown_by(mutations, screens, mutation, looks.lifetime[span]))
    is_seen = shown_ns < end_ns
    left = ~is_seen & (pairs.leave_ns[away] <= begin_ns)
    return Returns(
        pair=away,
        waited_ms=elapsed_ms(begin_ns, np.where(is_seen, shown_ns, NEVER)),
        is_beyond_page=left,
        is_interrupted=~is_seen & ~left & (end_ns - begin_ns < deadline_ns),
    )


def recovery_json(returns: Returns, pairs: Pairs, mutations: Mutations, among: Bools) -> dict[str, Any]:
    """Return how the devices `among` (one entry per device) recovered, and how many pairs were left out and why."""
    own = among[pairs.device[returns.pair]]
    counted = own & returns.is_counted
    chosen = pairs.in_window & pairs.is_awaited & among[pairs.device]
    return {
        "away_pairs": int((chosen & pairs.is_away).sum()),
        "interrupted": int((chosen & pairs.is_interrupted).sum()),
        "recovery_ms": distribution(returns.waited_ms[counted], pairs.mutation[returns.pair[counted]]).to_json(),
        "recovery_interrupted": int((own & returns.is_interrupted).sum()),
        "created_while_away": _created(returns, pairs, mutations, own),
    }


def _created(returns: Returns, pairs: Pairs, mutations: Mutations, own: Bools) -> dict[str, int]:
    """Return what became of the jobs that were created while devices were away."""
    created = own & (mutations.kind[pairs.mutation[returns.pair]] == MutationKind.CREATE)
    seen = created & np.isfinite(returns.waited_ms)
    never = created & returns.is_counted & ~seen
    return {
        "pairs": int(created.sum()),
        "shown": int(seen.sum()),
        "never": int(never.sum()),
        "interrupted": int((created & returns.is_interrupted).sum()),
        "beyond_page": int((created & returns.is_beyond_page).sum()),
    }
