"""What the pipeline says happened: one value for each row of `realtime_events`, by kind of entity.

Pure: knows what stands in which column and how large a payload may be, not how rows are written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

PAYLOAD_LIMIT_BYTES = 2048
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who did it, for which organization, in which request."""

    organization_id: str
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeEvent:
    """One row to be; `extras` join the payload only while it stays within its limit."""

    organization_id: str
    event_type: str
    entity_type: str
    entity_id: str | None
    payload: Mapping[str, object]
    extras: Mapping[str, object] = field(default_factory=dict)
    created_by: str | None = None


class PayloadTooLargeError(ValueError):
    """The part of a payload that must not be left out is beyond the limit by itself."""


def payload_text(payload: Mapping[str, object], extras: Mapping[str, object]) -> str:
    """Return the JSON text to store, without `extras` if they would break the limit.

    The limit counts bytes of the text as PostgreSQL prints a `jsonb`: one space after colons and commas, and
    characters beyond ASCII as themselves.

    Raises:
        PayloadTooLargeError: `payload` alone is larger than the limit.

    """
    text = _ENCODER.encode({**payload, **extras})
    if len(text.encode()) <= PAYLOAD_LIMIT_BYTES:
        return text
    if not extras:
        raise PayloadTooLargeError(f"a payload of {len(text.encode())} bytes; the limit is {PAYLOAD_LIMIT_BYTES}")
    return payload_text(payload, {})


def job_event(
    cause: Cause, event_type: str, job_id: str, *, extras: Mapping[str, object] | None = None
) -> RealtimeEvent:
    """Tell that a job was created, updated, archived, flagged or deleted."""
    return RealtimeEvent(
        organization_id=cause.organization_id,
        event_type=event_type,
        entity_type="job",
        entity_id=job_id,
        payload={"job_id": job_id, "request_id": cause.request_id},
        extras=extras or {},
        created_by=cause.user_id,
    )


def evidence_event(
    cause: Cause, event_type: str, *, document_id: str, job_id: str, extras: Mapping[str, object] | None = None
) -> RealtimeEvent:
    """Tell that evidence for a job was uploaded, synced or verified; the event's entity is the document."""
    return RealtimeEvent(
        organization_id=cause.organization_id,
        event_type=event_type,
        entity_type="evidence",
        entity_id=document_id,
        payload={"job_id": job_id, "document_id": document_id, "request_id": cause.request_id},
        extras=extras or {},
        created_by=cause.user_id,
    )


def audit_event(cause: Cause, *, audit_id: str, job_id: str | None) -> RealtimeEvent:
    """Tell that an audit row was appended; it is nobody's doing, so `created_by` stays empty."""
    about_job = {} if job_id is None else {"job_id": job_id}
    return RealtimeEvent(
        organization_id=cause.organization_id,
        event_type="audit.appended",
        entity_type="audit",
        entity_id=audit_id,
        payload={"event_id": audit_id, **about_job, "request_id": cause.request_id},
    )


def mitigation_event(cause: Cause, event_type: str, *, mitigation_id: str, job_id: str) -> RealtimeEvent:
    """Tell that a mitigation of a job was completed or reopened."""
    return RealtimeEvent(
        organization_id=cause.organization_id,
        event_type=event_type,
        entity_type="mitigation",
        entity_id=mitigation_id,
        payload={"job_id": job_id, "mitigation_id": mitigation_id, "request_id": cause.request_id},
        created_by=cause.user_id,
    )


def export_event(cause: Cause, event_type: str, *, export_id: str, job_id: str) -> RealtimeEvent:
    """Tell that an export of a job, or a proof pack, can be fetched."""
    return RealtimeEvent(
        organization_id=cause.organization_id,
        event_type=event_type,
        entity_type="proof_pack" if event_type == "proof_pack.generated" else "export",
        entity_id=export_id,
        payload={"job_id": job_id, "export_id": export_id, "request_id": cause.request_id},
        created_by=cause.user_id,
    )
