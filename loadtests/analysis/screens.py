"""What says what devices saw, together: re-fetches and bodies, views in time, page 1, and who was there to look."""

from dataclasses import dataclass

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.devices import Devices, Presence
from loadtests.analysis.removals import Removals
from loadtests.analysis.scope import PageTimes
from loadtests.analysis.sightings import Sightings


@dataclass(frozen=True)
class Screens:
    """Everything that says what devices saw."""

    devices: Devices
    presence: Presence
    requests: Requests
    bodies: Bodies
    removals: Removals
    sightings: Sightings
    pages: PageTimes
