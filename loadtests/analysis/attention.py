"""When somebody looked at an organization's jobs on a device: foreground spans by device and organization."""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.devices import Devices, Presence
from loadtests.analysis.segments import find, find_last
from loadtests.analysis.stamps import NEVER, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Foreground spans [begin, end), sorted by (device, organization) and begin."""

    device: Ints
    group: Ints
    begin_ns: Ints
    end_ns: Ints
    lifetime: Ints
    organizations: int

    def holding(self, device: Ints, organization: Ints, at_ns: Ints) -> Ints:
        """Return the span of the device in that organization that holds the stamp, -1 if none does."""
        place = find_last(self.group, self.begin_ns, self._group(device, organization), at_ns)
        if len(self.group):
            place[(place >= 0) & (self.end_ns[place] <= at_ns)] = -1
        return place

    def following(self, device: Ints, organization: Ints, at_ns: Ints) -> Ints:
        """Return the first span of the device in that organization that begins after the stamp, -1 if none does."""
        return find(self.group, self.begin_ns, self._group(device, organization), at_ns + 1)

    def up_to(self, device: Ints, organization: Ints, at_ns: Ints) -> Ints:
        """Return the last span of the device in that organization that begins before the stamp, -1 if none does."""
        return find_last(self.group, self.begin_ns, self._group(device, organization), at_ns - 1)

    def end(self, span: Ints) -> Ints:
        """Return when each span ended; NEVER for none (-1)."""
        return np.where(span >= 0, self.end_ns[span], NEVER) if len(self.group) else np.full(len(span), NEVER)

    def _group(self, device: Ints, organization: Ints) -> Ints:
        return device * self.organizations + organization


def read_looks(presence: Presence, devices: Devices) -> Looks:
    """Return all foreground spans."""
    spans, lifetime = presence.foreground, presence.foreground_lifetime
    group = spans.device * devices.organizations + presence.organization[lifetime]
    order = np.lexsort((spans.begin_ns, group))
    return Looks(
        device=spans.device[order],
        group=group[order],
        begin_ns=spans.begin_ns[order],
        end_ns=spans.end_ns[order],
        lifetime=lifetime[order],
        organizations=devices.organizations,
    )
