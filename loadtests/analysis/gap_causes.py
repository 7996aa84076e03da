"""Why each gap of the account came about: its pattern while live, else what began the stretch of not being live."""

import numpy as np

from loadtests.analysis.devices import UNEXPLAINED, Presence, why_not_live
from loadtests.analysis.gaps import Gaps
from loadtests.analysis.silence import patterns
from loadtests.analysis.stamps import Bools


def causes_of(gaps: Gaps, missed_live: Bools, presence: Presence) -> list[str]:
    """Return the cause of each gap; `missed_live` says which of them were missed by a device that was there."""
    causes = np.full(len(gaps.event), UNEXPLAINED, dtype=object)
    causes[missed_live] = patterns(
        gaps.event[missed_live],
        gaps.in_a_row[missed_live],
        heard_by=gaps.heard_by,
        missed_by=gaps.missed_by,
        untold=UNEXPLAINED,
    )
    away = np.flatnonzero(~missed_live & ~gaps.is_received)
    device, placed_ns = gaps.device[away], gaps.placed_ns[away]
    stretch = presence.live.at(device, placed_ns)
    ends_ns = placed_ns
    if len(presence.live.device):
        ends_ns = np.where(stretch >= 0, presence.live.end_ns[stretch], placed_ns)
    causes[away] = why_not_live(presence, device, np.minimum(ends_ns, gaps.until_ns[away]))
    return [str(cause) for cause in causes]
