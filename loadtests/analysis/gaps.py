"""What the account has to explain: each missed or late (event, subscriber), with what tells one cause from another.

These are few; what they are compared with is counted per event.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.events import Events
from loadtests.analysis.lanes import Bytes, Lanes
from loadtests.analysis.receipts import Receipts
from loadtests.analysis.silence import run_lengths
from loadtests.analysis.stamps import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """One entry per missed or late (event, subscriber), by subscriber and commit."""

    event: Ints
    device: Ints
    classes: Bytes
    """A `DeliveryClass` of those that are missed or late."""
    placed_ns: Ints
    """When the event was committed, or as near as is known."""
    until_ns: Ints
    """The deadline."""
    is_received: Bools
    """Late, but received."""
    in_a_row: Ints
    """How many misses while live in a row, on this subscriber, each of them belongs to; 0 for any other."""
    heard_by: Ints
    """For each event of the run, how many subscribers received it."""
    missed_by: Ints
    """For each event of the run, how many missed it while live."""


def find_gaps(
    lanes: Lanes,
    classes: Bytes,
    receipts: Receipts,
    *,
    wanted: tuple[int, ...],
    missed_live: int,
    events: Events,
    deadline_ns: int,
) -> Gaps:
    """Return the cells of the `wanted` classes; rows of misses are counted in the class `missed_live`."""
    is_gap = np.zeros(max(wanted) + 1, dtype=np.bool_)
    is_gap[list(wanted)] = True
    cells = np.flatnonzero(is_gap[classes])
    event, device = lanes.of_cells(cells)
    placed_ns = events.placed_ns[event]
    in_a_row = np.zeros(len(cells), dtype=np.int64)
    missed = classes[cells] == missed_live
    lane = np.searchsorted(lanes.begin, cells[missed], side="right")
    heard = np.cumsum(receipts.is_received, dtype=np.uint32)[cells[missed]]
    in_a_row[missed] = run_lengths(lane, heard)
    return Gaps(
        event=event,
        device=device,
        classes=classes[cells],
        placed_ns=placed_ns,
        until_ns=placed_ns + deadline_ns,
        is_received=receipts.is_received[cells],
        in_a_row=in_a_row,
        heard_by=lanes.by_event(receipts.is_received),
        missed_by=np.bincount(event[missed], minlength=len(lanes.row)).astype(np.int64),
    )
