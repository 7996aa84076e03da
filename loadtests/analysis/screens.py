"""What says what devices saw, together: re-fetches and bodies, views in time, page 1, and who was there to look."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.devices import Devices, Presence
from loadtests.analysis.scope import PageTimes
from loadtests.analysis.sightings import Sightings
from loadtests.analysis.stamps import Bools
from loadtests.clients.requests import Cause, KeyKind
from loadtests.scenario.vocabulary import DeviceModel

NEVER_REMOVE: Final = frozenset({DeviceModel.IOS_AS_BUILT})
"""The client models that merge what they fetch into what they show and take nothing off the screen.

A list that no event asked for, such as that of a catch-up, replaces what they show.
"""


@dataclass(frozen=True)
class Screens:
    """Everything that says what devices saw."""

    devices: Devices
    presence: Presence
    requests: Requests
    bodies: Bodies
    sightings: Sightings
    pages: PageTimes

    @cached_property
    def removes(self) -> Bools:
        """Which re-fetches take off the screen what they do not hold."""
        return removes(self.requests, self.devices)

    @cached_property
    def lists(self) -> Bools:
        """Which re-fetches brought a list onto a screen."""
        lists: Bools = self.requests.is_seen & (self.requests.kind == KeyKind.JOB_LIST)
        return lists


def removes(requests: Requests, devices: Devices, never: AbstractSet[DeviceModel] = NEVER_REMOVE) -> Bools:
    """Return which re-fetches replace what their device shows, so that what they do not hold is gone."""
    keeps = np.isin(devices.model, [int(model) for model in never])
    replaces: Bools = (~keeps[requests.device] | (requests.cause != Cause.FLUSH)) & requests.is_ok
    return replaces
