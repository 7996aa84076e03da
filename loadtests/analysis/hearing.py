"""Who heard what: receipts of events by the members of their own organization, by event and by device.

One stamp for each (event, device), side by side as in the account, and of all events: what a device heard next, or in
between, is a matter of neighbours, and what was received is never sorted. Knows nothing of who should have heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.devices import SUBSCRIBER, Devices, Presence
from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.lanes import NO_LANE, Lanes, lanes_of
from loadtests.analysis.leaks import leaked_signals
from loadtests.analysis.receipts import chunks
from loadtests.analysis.stamps import NEVER, Ints

_CHUNK: Final = 100_000
"""So many questions at a time: each takes some ten columns."""


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """When each device first received each event of its organizations."""

    lanes: Lanes
    """Which cell is of which event and device."""
    organization: Ints
    """Each event's."""
    received_ns: Ints
    """One entry per cell: the first receipt; NEVER if there was none."""

    @cached_property
    def heard_by(self) -> Ints:
        """One entry per event: how many of its organization's devices received it."""
        return self.lanes.by_event(self.received_ns != NEVER)

    @cached_property
    def told_ns(self) -> Ints:
        """One entry per event: when the first of these devices did; NEVER if none did."""
        return self.lanes.earliest_by_event(self.received_ns)

    def between(self, device: Ints, begin_ns: Ints, end_ns: Ints) -> Ints:
        """Return how many events, placed after `begin_ns` and before `end_ns`, each device received."""
        heard_before = self._heard_before()
        heard = np.zeros(len(device), dtype=np.int64)
        for rows, lane in self._lanes_of(device):
            begin = self.lanes.cell_from(lane, begin_ns[rows] + 1)
            end = np.maximum(self.lanes.cell_from(lane, end_ns[rows]), begin)
            heard[rows] += heard_before[end] - heard_before[begin]
        return heard

    def next_received_ns(self, device: Ints, placed_ns: Ints) -> Ints:
        """Return when each device received the next event that was placed after the stamp; NEVER if none."""
        heard_before = self._heard_before()
        next_ns, received_ns = (np.full(len(device), NEVER, dtype=np.int64) for _ in range(2))
        for rows, lane in self._lanes_of(device):
            begin = self.lanes.cell_from(lane, placed_ns[rows] + 1)
            # The count rises behind the cell that was heard.
            cell = np.searchsorted(heard_before, heard_before[begin], side="right") - 1
            is_inside = cell < self.lanes.begin[lane + 1]
            heard, cell = rows[is_inside], cell[is_inside]
            cell_ns = self.lanes.placed_at(lane[is_inside], cell)
            sooner = cell_ns < next_ns[heard]
            next_ns[heard[sooner]] = cell_ns[sooner]
            received_ns[heard[sooner]] = self.received_ns[cell[sooner]]
        return received_ns

    def first_received_ns(self, event: Ints, device: Ints) -> Ints:
        """Return when each device received the event first; NEVER if it did not."""
        cell = self.lanes.cell(event, device, self.organization[event]) if len(event) else event
        received_ns = np.full(len(cell), NEVER, dtype=np.int64)
        received_ns[cell >= 0] = self.received_ns[cell[cell >= 0]]
        return received_ns

    def _heard_before(self) -> NDArray[np.int32]:
        """Return how many cells before each one were heard, and in all; made anew, for it is as large as the cells."""
        before = np.zeros(len(self.received_ns) + 1, dtype=np.int32)
        np.cumsum(self.received_ns != NEVER, dtype=np.int32, out=before[1:])
        return before

    def _lanes_of(self, device: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield (rows, lane), some at a time: at home, and where they are guests for those who are."""
        for lanes in (self.lanes.home, self.lanes.guest):
            for chunk in chunks(len(device), _CHUNK):
                lane = lanes[device[chunk]]
                rows = np.flatnonzero(lane != NO_LANE)
                yield rows + chunk.start, lane[rows]


def read_hearing(events: Events, signals: Signals, presence: Presence, devices: Devices) -> Hearing:
    """Return who heard what; a leak is no delivery."""
    lanes = lanes_of(events, np.flatnonzero(events.organization >= 0), devices, devices.cohort == SUBSCRIBER)
    is_heard = signals.event != NOT_IN_DATABASE
    is_heard[leaked_signals(signals, presence, devices)] = False
    first_ns = np.full(len(lanes), NEVER, dtype=np.int64)
    for chunk in chunks(len(signals)):
        told = is_heard[chunk]
        event, device = signals.event[chunk][told], signals.device[chunk][told]
        cell = lanes.cell(event, device, events.organization[event]) if len(event) else event
        np.minimum.at(first_ns, cell[cell >= 0], signals.received_ns[chunk][told][cell >= 0])
    return Hearing(lanes=lanes, organization=events.organization, received_ns=first_ns)
