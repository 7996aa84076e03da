"""Receipts: what reached each cell of the account, counted without sorting what was received.

Memory grows with the cells by some bytes each; what was received is walked through in chunks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.lanes import Lanes
from loadtests.analysis.stamps import Bools

_CHUNK: Final = 500_000
"""So many signals at a time: some ten columns of eight bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """One entry for each cell."""

    is_received: Bools
    is_again: Bools
    """Received twice or more."""
    is_late: Bools
    """One of its receipts came after the deadline."""


def count_receipts(signals: Signals, events: Events, lanes: Lanes, *, deadline_ns: int) -> Receipts:
    """Return what was received, cell by cell."""
    times = np.zeros(len(lanes), dtype=np.uint32)
    until_ns = events.placed_ns + deadline_ns
    is_late = np.zeros(len(lanes), dtype=np.bool_)
    for chunk in chunks(len(signals)):
        event, device, received_ns = signals.event[chunk], signals.device[chunk], signals.received_ns[chunk]
        known = event != NOT_IN_DATABASE
        if not known.all():
            event, device, received_ns = event[known], device[known], received_ns[known]
        if not len(event):
            continue
        cell = lanes.cell(event, device, events.organization[event])
        counted = cell >= 0
        is_late[cell[counted & (received_ns > until_ns[event])]] = True
        np.add.at(times, cell[counted], np.uint32(1))  # of the column's own type: ten times as fast
    return Receipts(is_received=times > 0, is_again=times > 1, is_late=is_late)


def chunks(count: int, size: int = _CHUNK) -> Iterator[slice]:
    """Yield slices of `size` that together are all of `count` entries."""
    return (slice(begin, begin + size) for begin in range(0, count, size))
