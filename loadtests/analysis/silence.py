"""The pattern of what was missed while live: one frame, one channel that had gone silent, or the whole feed.

What others of the same organization received tells these apart; where there is nobody to compare with, nothing does.
Knows patterns only: why a server was silent cannot be seen from outside.
"""

from typing import Final

import numpy as np

from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import Bools, Ints

LOST_FRAME: Final = "lost frame"
"""Others received it, and so did the device what came before and after."""
SILENT_CHANNEL: Final = "silent channel"
"""Others received it, and the device received nothing for a while."""
SILENT_FEED: Final = "silent feed"
"""Nobody received it."""

_SILENCE: Final = 3
"""So many misses in a row on one channel are a silence: by chance alone they would hardly follow one another."""


def patterns(event: Ints, device: Ints, *, placed_ns: Ints, missed: Bools, heard: Bools) -> dict[str, int]:
    """Return how many of the missed fall under which pattern; those that nothing tells apart are left out.

    One entry per (event, device) of the account: when the event was placed, whether it was `missed` while live or
    `heard`. Those that are neither, because the device was away, neither begin nor end a silence.
    """
    if not missed.any():
        return {}
    events = int(event.max()) + 1
    heard_by = np.bincount(event[heard], minlength=events)
    expected_by = heard_by + np.bincount(event[missed], minlength=events)
    has_others = expected_by[event] > 1
    by_feed = missed & has_others & (heard_by[event] == 0)
    rest = missed & has_others & ~by_feed
    by_channel = rest & (_run_lengths(event, device, placed_ns=placed_ns, missed=missed, heard=heard) >= _SILENCE)
    counted = {
        LOST_FRAME: int((rest & ~by_channel).sum()),
        SILENT_CHANNEL: int(by_channel.sum()),
        SILENT_FEED: int(by_feed.sum()),
    }
    return {name: count for name, count in counted.items() if count}


def _run_lengths(event: Ints, device: Ints, *, placed_ns: Ints, missed: Bools, heard: Bools) -> Ints:
    """Return for each entry how many misses in a row it belongs to on its device; 0 where it is none."""
    lengths = np.zeros(len(event), dtype=np.int64)
    rows = np.flatnonzero((missed | heard) & np.isin(device, device[missed]))
    rows = rows[np.lexsort((event[rows], placed_ns[rows], device[rows]))]
    # What was heard ends a run, and so does the next device: every run has its own number.
    run = np.cumsum(is_start(device[rows]) | heard[rows])
    misses = np.bincount(run, weights=missed[rows]).astype(np.int64)
    lengths[rows] = np.where(missed[rows], misses[run], 0)
    return lengths
