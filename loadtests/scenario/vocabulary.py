"""Words of a scenario that drivers, ledger and analysis share: what mutators do, which devices there are."""

from enum import IntEnum
from typing import Final

from loadtests.wire.event_types import EventType


class MutationKind(IntEnum):
    """The five mutations of the jobs API."""

    CREATE = 1
    UPDATE = 2
    ARCHIVE = 3
    FLAG = 4
    DOCUMENT = 5


class DeviceModel(IntEnum):
    """What kind of client a device is; POLLER has no WebSocket.

    The plain names are the clients as the design document describes them, `AS_BUILT` as they are coded today, and
    HYBRID is what we would ship: push, with a slow poll as safety net.
    """

    IOS = 1
    WEB = 2
    POLLER = 3
    HYBRID = 4
    IOS_AS_BUILT = 5
    WEB_AS_BUILT = 6

    @property
    def key(self) -> str:
        """Its key in scenarios and metrics."""
        return self.name.lower()


PUSHED_MODELS: Final = tuple(model for model in DeviceModel if model is not DeviceModel.POLLER)
"""The models of devices that are pushed to."""


class Step(IntEnum):
    """What a person does with a device."""

    LOGIN = 1
    """Also: open the app again after it was killed."""
    LOGOUT = 2
    KILL = 3
    """The app ends without a word."""
    SWITCH = 4
    """To the other organization that the person is a member of."""
    BACKGROUND = 5
    FOREGROUND = 6


EVENT_OF_MUTATION: Final = {
    MutationKind.CREATE: EventType.JOB_CREATED,
    MutationKind.UPDATE: EventType.JOB_UPDATED,
    MutationKind.ARCHIVE: EventType.JOB_ARCHIVED,
    MutationKind.FLAG: EventType.JOB_FLAGGED,
    MutationKind.DOCUMENT: EventType.EVIDENCE_UPLOADED,
}
