"""The harness checks itself: a cohort's measured latency beside the one that commits and phases come to.

Both use the same phases, so chance cannot part them: what differs is the harness's doing, unless fetches vary by as
much as the band allows. Then nothing can be said, and that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.baseline.computed_polling import ComputedPolling
from loadtests.analysis.baseline.polling import Where
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.stamps import Ints, elapsed_ms
from loadtests.clients.requests import Cause

BAND: Final = 0.02
"""How far measured ÷ computed may be from 1."""
PAIRS_MIN: Final = 30
"""Fewer pairs, and one late poll would be more than the band."""
DIFFERS: Final = "differs"
AGREES: Final = "agrees"
NOT_APPLICABLE: Final = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """What the check of one cohort comes to."""

    outcome: str
    why: str = ""

    @property
    def told(self) -> str:
        """The outcome in words."""
        return f"{self.outcome}: {self.why}" if self.why else self.outcome


def polls_in_window(cohort: int, *, requests: Requests, where: Where) -> Ints:
    """Return the polls of a cohort that were requested in the window, failed ones too."""
    own = (where.devices.cohort[requests.device] == cohort) & (requests.cause == Cause.POLL)
    return np.flatnonzero(own & where.window.holds(requests.requested_ns))


def check_of(computed: ComputedPolling, requests: Requests, polls: Ints, *, interval_s: float) -> Check:
    """Return whether measured and computed mean agree, or why that cannot be said.

    The load is low if 95% of the polls are answered within the band's part of the interval: whatever such fetches
    vary by stays within the band.
    """
    if len(computed.computed_ms) < PAIRS_MIN:
        return Check(NOT_APPLICABLE, f"{len(computed.computed_ms)} pairs were seen, it needs {PAIRS_MIN}")
    failed = int((~requests.is_ok[polls]).sum())
    if failed:
        return Check(NOT_APPLICABLE, f"{failed:,} of the polls failed")
    took_ms = nearest_rank(elapsed_ms(requests.wanted_ns[polls], requests.answered_ns[polls]), 0.95)
    allowed_ms = interval_s * 1000 * BAND
    if took_ms > allowed_ms:
        return Check(
            NOT_APPLICABLE,
            f"the load is not low, 95% of the polls took up to {took_ms:,.0f} ms and {allowed_ms:,.0f} ms are allowed",
        )
    ratio = computed.measured_over_computed
    assert ratio is not None, "there are pairs"
    return Check(AGREES if abs(ratio - 1) <= BAND else DIFFERS)


def remarks_on(polling: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a remark on each cohort whose measurement differs from arithmetic: the harness is at fault."""
    return [
        f"the harness disagrees with itself: polling {name} was measured at {told['mean_over_computed']:.3f} times "
        f"what commits and phases come to, more than {BAND:.0%} off"
        for name, told in polling.items()
        if told["check"] == DIFFERS
    ]
