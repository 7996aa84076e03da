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
    """What kind of client a device is; POLLER has no WebSocket."""

    IOS = 1
    WEB = 2
    POLLER = 3


EVENT_OF_MUTATION: Final = {
    MutationKind.CREATE: EventType.JOB_CREATED,
    MutationKind.UPDATE: EventType.JOB_UPDATED,
    MutationKind.ARCHIVE: EventType.JOB_ARCHIVED,
    MutationKind.FLAG: EventType.JOB_FLAGGED,
    MutationKind.DOCUMENT: EventType.EVIDENCE_UPLOADED,
}
