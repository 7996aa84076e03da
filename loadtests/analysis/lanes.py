"""The account's cells: one for each (event, subscriber), as bytes that lie side by side.

A *lane* is one subscriber in one organization that it is a member or a guest of; its cells are the organization's
events in the order of their commits. So a stretch of time of a device is a run of cells, and "was it there" costs two
marks and one running sum, however many events there are: ten million cells are ten megabytes and some milliseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.devices import Devices
from loadtests.analysis.events import Events
from loadtests.analysis.segments import search
from loadtests.analysis.stamps import NEVER, Bools, Ints
from loadtests.history.kinds import NOBODY

Bytes = NDArray[np.uint8]
NO_LANE: Final = -1
NOT_COUNTED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretches:
    """Stretches [begin, end) of devices in organizations, in any order."""

    device: Ints
    organization: Ints
    begin_ns: Ints
    end_ns: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """Which cell belongs to which event and subscriber."""

    event: Ints
    """The events of the account by organization and commit."""
    placed_ns: Ints
    """Of each of these."""
    first: Ints
    """Where each organization begins in `event`; one entry more than there are organizations."""
    row: Ints
    """For each event of the run its place among those of its organization, or NOT_COUNTED."""
    device: Ints
    """Of each lane."""
    organization: Ints
    """Of each lane."""
    begin: Ints
    """Each lane's first cell; one entry more than there are lanes."""
    home: Ints
    """Each device's lane at home, NO_LANE for pollers."""
    guest: Ints
    """Each device's lane where it is a guest, or NO_LANE."""
    devices: Devices

    def __len__(self) -> int:
        """Return how many cells there are."""
        return int(self.begin[-1])

    def lane(self, device: Ints, organization: Ints) -> Ints:
        """Return the lane of each device in each organization, or NO_LANE."""
        lane: Ints = np.where(organization == self.devices.organization[device], self.home[device], NO_LANE)
        rest = np.flatnonzero((lane == NO_LANE) & (organization != NOBODY))
        is_guest = organization[rest] == self.devices.other_organization[device[rest]]
        lane[rest[is_guest]] = self.guest[device[rest[is_guest]]]
        return lane

    def cell(self, event: Ints, device: Ints, organization: Ints) -> Ints:
        """Return the cell of each event of the organization and device, -1 if the account has none."""
        lane, row = self.lane(device, organization), self.row[event]
        cell: Ints = self.begin[lane] + row
        cell[(lane == NO_LANE) | (row == NOT_COUNTED)] = -1
        return cell

    def of_cells(self, cell: Ints) -> tuple[Ints, Ints]:
        """Return (event, device) of each cell."""
        lane = np.searchsorted(self.begin, cell, side="right") - 1
        place = self.first[self.organization[lane]] + cell - self.begin[lane]
        return self.event[place], self.device[lane]

    def by_event(self, chosen: Bools) -> Ints:
        """Return for each event of the run how many of its cells are chosen."""
        counts = np.zeros(len(self.row), dtype=np.int64)
        for events, cells in self._blocks():
            counts[events] = chosen[cells].reshape(-1, len(events)).sum(axis=0)
        return counts

    def earliest_by_event(self, at_ns: Ints) -> Ints:
        """Return for each event of the run the earliest stamp of its cells, NEVER if it has none."""
        earliest_ns = np.full(len(self.row), NEVER, dtype=np.int64)
        for events, cells in self._blocks():
            earliest_ns[events] = at_ns[cells].reshape(-1, len(events)).min(axis=0)
        return earliest_ns

    def _blocks(self) -> Iterator[tuple[Ints, slice]]:
        """Yield each organization's events and its cells, which are lane after lane in the order of these events."""
        lanes = np.searchsorted(self.organization, np.arange(len(self.first)))
        for organization in np.flatnonzero((np.diff(self.first) > 0) & (np.diff(lanes) > 0)):
            yield (
                self.event[self.first[organization] : self.first[organization + 1]],
                slice(self.begin[lanes[organization]], self.begin[lanes[organization + 1]]),
            )

    def cell_from(self, lane: Ints, at_ns: Ints) -> Ints:
        """Return the first cell of each lane whose event was committed at the stamp or later; if none, its end."""
        cell: Ints = self.begin[lane] + self._row_from(self.organization[lane], at_ns)
        return cell

    def placed_at(self, lane: Ints, cell: Ints) -> Ints:
        """Return when the event of each cell, which is of that lane, was committed."""
        placed_ns: Ints = self.placed_ns[self.first[self.organization[lane]] + cell - self.begin[lane]]
        return placed_ns

    def within(self, stretches: Stretches, *, margin_ns: int = 0) -> Bools:
        """Return the cells whose commit lies in a stretch that goes on for longer than the margin after it."""
        lane = self.lane(stretches.device, stretches.organization)
        known = lane != NO_LANE
        lane, organization = lane[known], stretches.organization[known]
        begin = self._row_from(organization, stretches.begin_ns[known])
        end = self._row_from(organization, stretches.end_ns[known] - margin_ns)
        some = begin < end
        # +1 where a stretch begins, -1 behind where it ends: stretches of a device do not overlap, so sums are 0 or 1.
        steps = np.zeros(len(self) + 1, dtype=np.int8)
        np.add.at(steps, self.begin[lane[some]] + begin[some], np.int8(1))
        np.add.at(steps, self.begin[lane[some]] + end[some], np.int8(-1))
        np.cumsum(steps, dtype=np.int8, out=steps)
        return steps[:-1].view(np.bool_)

    def _row_from(self, organization: Ints, at_ns: Ints) -> Ints:
        """Return how many events of the organization were committed before the stamp."""
        of_event = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        place = search(of_event, self.placed_ns, organization, at_ns, side="left")
        row: Ints = np.clip(place - self.first[organization], 0, np.diff(self.first)[organization])
        return row


def lanes_of(events: Events, counted: Ints, devices: Devices, among: Bools) -> Lanes:
    """Return the cells of the `counted` events and the devices `among` (one entry per device)."""
    order = np.lexsort((counted, events.placed_ns[counted], events.organization[counted]))
    event = counted[order]
    organization = events.organization[event]
    first = np.searchsorted(organization, np.arange(devices.organizations + 1)).astype(np.int64)
    row = np.full(len(events), NOT_COUNTED, dtype=np.int64)
    row[event] = np.arange(len(event)) - first[organization]
    lane_organization, lane_device = devices.watching(np.arange(devices.organizations))
    lane_organization, lane_device = (column[among[lane_device]] for column in (lane_organization, lane_device))
    sizes = np.diff(first)[lane_organization]
    home, guest = (np.full(len(devices), NO_LANE, dtype=np.int64) for _ in range(2))
    is_home = devices.organization[lane_device] == lane_organization
    lane = np.arange(len(lane_device))
    home[lane_device[is_home]] = lane[is_home]
    guest[lane_device[~is_home]] = lane[~is_home]
    return Lanes(
        event=event,
        placed_ns=events.placed_ns[event],
        first=first,
        row=row,
        device=lane_device,
        organization=lane_organization,
        begin=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        home=home,
        guest=guest,
        devices=devices,
    )
