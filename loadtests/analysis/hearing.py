"""Who heard what: receipts of events by the members of their own organization, by event and by device.

Grows with what was received, not with events times devices. Knows nothing of who should have heard.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.devices import Devices, Presence
from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.leaks import leaked_signals
from loadtests.analysis.segments import find, find_exact, is_start, search
from loadtests.analysis.stamps import NEVER, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """For each event by how many it was heard and when first, and each device's first receipts."""

    heard_by: Ints
    """One entry per event: how many of its organization's devices received it."""
    told_ns: Ints
    """One entry per event: when the first of them did; NEVER if none did."""
    device: Ints
    """One entry per first receipt, sorted by device, then by when the event was placed."""
    placed_ns: Ints
    """When its event was placed."""
    event: Ints
    received_ns: Ints

    def between(self, device: Ints, begin_ns: Ints, end_ns: Ints) -> Ints:
        """Return how many events, placed after `begin_ns` and before `end_ns`, each device received."""
        first = search(self.device, self.placed_ns, device, begin_ns, side="right")
        return search(self.device, self.placed_ns, device, end_ns, side="left") - first

    def next_received_ns(self, device: Ints, placed_ns: Ints) -> Ints:
        """Return when each device received the next event that was placed after the stamp; NEVER if none."""
        place = find(self.device, self.placed_ns, device, placed_ns + 1)
        return np.where(place >= 0, self.received_ns[place], NEVER) if len(self.device) else np.full(len(device), NEVER)

    def first_received_ns(self, event: Ints, device: Ints) -> Ints:
        """Return when each device received the event first; NEVER if it did not."""
        order = np.lexsort((self.event, self.device))
        place = find_exact(self.device[order], self.event[order], device, event)
        return np.where(place >= 0, self.received_ns[order][place], NEVER) if len(order) else place * 0 + NEVER


def read_hearing(events: Events, signals: Signals, presence: Presence, devices: Devices) -> Hearing:
    """Return who heard what; a leak is no delivery."""
    is_heard = signals.event != NOT_IN_DATABASE
    is_heard[leaked_signals(signals, presence, devices)] = False
    rows = np.flatnonzero(is_heard)
    event, device, received_ns = signals.event[rows], signals.device[rows], signals.received_ns[rows]
    order = np.lexsort((received_ns, event, device))
    event, device, received_ns = event[order], device[order], received_ns[order]
    first = is_start(device * (len(events) + 1) + event)
    event, device, received_ns = event[first], device[first], received_ns[first]
    told_ns = np.full(len(events), NEVER, dtype=np.int64)
    np.minimum.at(told_ns, event, received_ns)
    placed_ns = events.placed_ns[event]
    order = np.lexsort((placed_ns, device))
    return Hearing(
        heard_by=np.bincount(event, minlength=len(events)).astype(np.int64),
        told_ns=told_ns,
        device=device[order],
        placed_ns=placed_ns[order],
        event=event[order],
        received_ns=received_ns[order],
    )
