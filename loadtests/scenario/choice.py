"""Which of an organization's jobs a mutation hits. Pure: the random number was drawn with the schedule."""

from typing import Literal

import numpy as np

Strategy = Literal["uniform", "recent", "hot", "one", "each"]

RECENT_JOBS = 3
"""How many of the newest jobs `recent` chooses among."""


def choose(strategy: Strategy, *, pick: float, turn: int, count: int) -> int:
    """Return an index into `count` jobs that are ordered from oldest to newest.

    Args:
        strategy: uniform, recent (one of the newest), hot (Zipf's law: the newest gets 1, the next 1/2, …),
            one (always the oldest), each (in turn).
        pick: uniform in [0, 1).
        turn: how many mutations of the phase went to this organization before.
        count: at least 1.

    """
    if strategy == "one":
        return 0
    if strategy == "each":
        return turn % count
    if strategy == "recent":
        return count - 1 - int(pick * min(count, RECENT_JOBS))
    if strategy == "hot":
        shares = np.cumsum(1.0 / np.arange(1, count + 1))
        return count - 1 - int(np.searchsorted(shares, pick * shares[-1], side="right"))
    return int(pick * count)
