"""The pattern of what was missed while live: one frame, one channel that had gone silent, or the whole feed.

What others of the same organization received tells these apart; where there is nobody to compare with, nothing does.
Knows patterns only: why a server was silent cannot be seen from outside.
"""

from typing import Final

import numpy as np

from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import Ints

LOST_FRAME: Final = "lost frame"
"""Others received it, and so did the device what came before and after."""
SILENT_CHANNEL: Final = "silent channel"
"""Others received it, and the device received nothing for a while."""
SILENT_FEED: Final = "silent feed"
"""Nobody received it."""

_SILENCE: Final = 3
"""So many misses in a row on one channel are a silence: by chance alone they would hardly follow one another."""


def patterns(event: Ints, in_a_row: Ints, *, heard_by: Ints, missed_by: Ints, untold: str) -> list[str]:
    """Return the pattern that each of the missed falls under; `untold` for those that nothing tells apart.

    Args:
        event: of each miss while live.
        in_a_row: how many misses in a row each belongs to, see `run_lengths`.
        heard_by: for each event, how many devices received it.
        missed_by: for each event, how many missed it while live.
        untold: the word for those with nobody to compare with.

    """
    alone = (heard_by + missed_by)[event] <= 1
    is_channel = in_a_row >= _SILENCE
    named = np.select([alone, heard_by[event] == 0, is_channel], [untold, SILENT_FEED, SILENT_CHANNEL], LOST_FRAME)
    return [str(name) for name in named]


def run_lengths(lane: Ints, heard: Ints) -> Ints:
    """Return for each miss how many misses in a row it belongs to.

    What was heard ends a row, and so does the lane (one device in one organization). The time in which the device was
    away neither begins nor ends one. Misses are sorted by lane and commit; `heard` is how much was heard before each,
    on its lane and all lanes before.
    """
    begins = np.flatnonzero(is_start(lane) | is_start(heard))
    sizes = np.diff(np.append(begins, len(lane)))
    return np.repeat(sizes, sizes).astype(np.int64)
