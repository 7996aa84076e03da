"""What a device understands of an event: which part of the product it is about, and which entity.

Made once for each event and shared by all devices that receive it. Knows neither frames nor the wire's names.
"""

from dataclasses import dataclass
from enum import IntEnum


class Subject(IntEnum):
    """Which part of the product an event is about; what no client acts on is OTHER."""

    OTHER = 0
    JOB = 1
    EVIDENCE = 2
    AUDIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One event as a device understands it."""

    subject: Subject
    is_upload: bool
    """Whether it is `evidence.uploaded`, the one evidence event that the jobs list of the iOS app acts on."""
    entity: str
    """`entityType:entityId`: what the design coalesces by."""
    entity_id: str | None
