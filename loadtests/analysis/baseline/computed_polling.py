"""The polling baseline computed from the recorded commits: when a cohort would have seen each change.

Only its phases are taken from the cohort, each device's first poll, and how long a fetch takes; all later polls follow
by the interval. Whatever the measured cohort shows beyond that is the harness's doing: at low load the two agree.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import NEVER, NS_PER_MS, NS_PER_S, Floats, Ints, elapsed_ms
from loadtests.clients.requests import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedPolling:
    """One entry per pair of a cohort that was seen."""

    computed_ms: Floats
    measured_ms: Floats

    @property
    def computed_ms_mean(self) -> float | None:
        """Mean of the visibility latency that commits and phases come to; None: nothing was seen."""
        return float(self.computed_ms.mean()) if len(self.computed_ms) else None

    @property
    def measured_over_computed(self) -> float | None:
        """Measured ÷ computed, of the means."""
        mean_ms = self.computed_ms_mean
        return float(self.measured_ms.mean()) / mean_ms if mean_ms else None


def computed_polling(
    cohort: int, interval_s: float, *, pairs: Pairs, mutations: Mutations, requests: Requests
) -> ComputedPolling:
    """Return what a cohort would have seen beside what it saw; pairs that it never saw are left out of both."""
    chosen = pairs.of_cohort(cohort)
    own = (pairs.devices.cohort[requests.device] == cohort) & (requests.cause == Cause.POLL) & requests.is_ok
    first_ns, took_ns = _phases(requests, np.flatnonzero(own), devices=len(pairs.devices))
    seen = (pairs.visible_ns[chosen] != NEVER) & (first_ns[pairs.device[chosen]] != NEVER)
    chosen = chosen[seen]
    mutation, first_ns = pairs.mutation[chosen], first_ns[pairs.device[chosen]]
    interval_ns = round(interval_s * NS_PER_S)
    # Rounded up; what was there before the first poll is in the first poll.
    polls = np.maximum(-((first_ns - mutations.effective_ns[mutation]) // interval_ns), 0)
    seen_ns = first_ns + polls * interval_ns + took_ns
    return ComputedPolling(
        computed_ms=elapsed_ms(mutations.due_ns[mutation], seen_ns),
        measured_ms=pairs.visibility_ms[chosen],
    )


def _phases(requests: Requests, polls: Ints, *, devices: int) -> tuple[Ints, int]:
    """Return when each device's first poll was due (NEVER: it did not poll), and how long a poll takes."""
    first_ns = np.full(devices, NEVER, dtype=np.int64)
    if not len(polls):
        return first_ns, 0
    polls = polls[np.lexsort((requests.wanted_ns[polls], requests.device[polls]))]
    begin = polls[is_start(requests.device[polls])]
    first_ns[requests.device[begin]] = requests.wanted_ns[begin]
    took_ms = elapsed_ms(requests.wanted_ns[polls], requests.answered_ns[polls])
    return first_ns, round(nearest_rank(took_ms, 0.5) * NS_PER_MS)
