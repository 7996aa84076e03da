"""What follows a committed mutation: first its audit row, then its event. Two steps, two transactions.

They are kept apart on purpose: the gaps between commit, audit and event are part of what is measured. The
mutation stands whatever happens here.
"""

import logging

import orjson

from loadtests.pipeline.api.database import UNAVAILABLE, Row
from loadtests.pipeline.api.endpoint import Call

_INSERT = """
insert into public.audit_logs (organization_id, actor_id, event_name, target_type, target_id, job_id, metadata)
values ($1, $2, $3, $4, $5, $6, $7)
returning id::text
"""

_log = logging.getLogger(__name__)


async def tell_of_job(call: Call, job: Row, event_type: str) -> None:
    """Write the audit row of a job's mutation, then emit its event."""
    metadata = {"request_id": call.request_id, "revision": job["revision"], "xid": job["xid"]}
    audit_id = await _record(call, event_type, target=("job", job["id"]), job_id=job["id"], metadata=metadata)
    emission = call.api.emission
    await emission.emit_job_event(call.connection, call.cause, event_type, job["id"])
    await _tell_of_audit_row(call, audit_id, job["id"])


async def tell_of_document(call: Call, document: Row, event_type: str) -> None:
    """Write the audit row of an uploaded document, then emit its event."""
    job_id = document["job_id"]
    metadata = {
        "request_id": call.request_id,
        "revision": document["revision"],
        "xid": document["xid"],
        "document_id": document["id"],
    }
    target = ("document", document["id"])
    audit_id = await _record(call, event_type, target=target, job_id=job_id, metadata=metadata)
    await call.api.emission.emit_evidence_event(
        call.connection, call.cause, event_type, document_id=document["id"], job_id=job_id
    )
    await _tell_of_audit_row(call, audit_id, job_id)


async def _record(
    call: Call, event_name: str, *, target: tuple[str, str], job_id: str, metadata: dict[str, object]
) -> str | None:
    """Return the audit row's id, or None when it could not be written, which is logged and counted."""
    try:
        audit_id: str = await call.connection.fetchval(
            _INSERT,
            call.member.organization_id,
            call.member.user_id,
            event_name,
            *target,
            job_id,
            orjson.dumps(metadata).decode(),
        )
    except UNAVAILABLE:
        call.api.not_audited += 1
        _log.exception("%s of job %s: no audit row (%d in all)", event_name, job_id, call.api.not_audited)
        return None
    return audit_id


async def _tell_of_audit_row(call: Call, audit_id: str | None, job_id: str) -> None:
    if call.api.options.emit_audit_events and audit_id is not None:
        await call.api.emission.emit_audit_event(call.connection, call.cause, audit_id=audit_id, job_id=job_id)
