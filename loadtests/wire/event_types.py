"""The event types that the design declares, and their names on the wire.

Knows no payloads and no clients: only what may stand in the column `event_type`.
"""

from enum import IntEnum
from typing import Final


class EventType(IntEnum):
    """Event types of the design; OTHER is anything that this harness does not know."""

    OTHER = 0
    JOB_CREATED = 1
    JOB_UPDATED = 2
    JOB_ARCHIVED = 3
    JOB_FLAGGED = 4
    JOB_DELETED = 5
    EVIDENCE_UPLOADED = 6
    EVIDENCE_SYNCED = 7
    EVIDENCE_VERIFIED = 8
    AUDIT_APPENDED = 9
    MITIGATION_COMPLETED = 10
    EXPORT_READY = 11
    PROOF_PACK_GENERATED = 12

    @property
    def wire_name(self) -> str:
        """The name in `event_type`, such as `job.created`."""
        if self is EventType.PROOF_PACK_GENERATED:
            return "proof_pack.generated"
        return self.name.lower().replace("_", ".", 1)


EVENT_TYPES: Final = {event_type.wire_name: event_type for event_type in EventType if event_type}
