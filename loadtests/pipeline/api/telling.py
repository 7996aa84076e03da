"""What follows a committed mutation: first its audit row, then its event. Two steps, two transactions.

They are kept apart on purpose: the gaps between commit, audit and event are part of what is measured. The
mutation stands whatever happens here.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from loadtests.pipeline.api.database import UNAVAILABLE, Connection, Row
from loadtests.pipeline.api.endpoint import Api, Call
from loadtests.pipeline.api.events import Cause, RealtimeEvent, audit_event, evidence_event, job_event

_INSERT = """
insert into public.audit_logs
    (organization_id, actor_id, event_name, target_type, target_id, job_id, metadata, severity)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id::text
"""

_log = logging.getLogger(__name__)


_SCORED = "job.risk_scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One committed mutation, as its audit row and its event will tell of it."""

    cause: Cause
    event: RealtimeEvent
    """Its type is the audit row's name too."""
    target: tuple[str, str]
    """Type and id of what was changed, as the audit row names it."""
    job_id: str
    metadata: Mapping[str, object] = field(default_factory=dict)
    severity: str = "info"


async def tell(api: Api, connection: Connection, *deeds: Deed) -> None:
    """Write the audit rows of mutations, then emit their events; several at once are one transaction each."""
    audit_ids = await _record(api, connection, deeds)
    await api.emission.emit(connection, *(deed.event for deed in deeds))
    for deed, audit_id in zip(deeds, audit_ids, strict=False):
        await api.emission.emit(connection, audit_event(deed.cause, audit_id=audit_id, job_id=deed.job_id))


async def tell_of_job(call: Call, job: Row, event_type: str) -> None:
    """Tell of one job's mutation."""
    await tell(call.api, call.connection, job_deed(call.cause, job, event_type))


async def record_score(call: Call, job: Row) -> None:
    """Write the audit row of a score that came after its job's event, as today's trigger does: it emits nothing."""
    cause = call.cause
    await call.connection.execute(
        _INSERT, cause.organization_id, None, _SCORED, "job", job["id"], job["id"], _json(_origin(cause, job)), "info"
    )


async def tell_of_document(call: Call, document: Row, event_type: str) -> None:
    """Tell of one document's mutation."""
    await tell(call.api, call.connection, document_deed(call.cause, document, event_type))


def job_deed(cause: Cause, job: Row, event_type: str) -> Deed:
    """Return a job's mutation; the row has its revision and its transaction's id."""
    return Deed(
        cause=cause,
        event=job_event(cause, event_type, job["id"]),
        target=("job", job["id"]),
        job_id=job["id"],
        metadata={**_origin(cause, job), "scored": job.get("risk_score") is not None},
    )


def document_deed(
    cause: Cause, document: Row, event_type: str, *, extras: Mapping[str, object] | None = None, severity: str = "info"
) -> Deed:
    """Return a document's mutation; the row has its job's revision and its transaction's id."""
    event = evidence_event(cause, event_type, document_id=document["id"], job_id=document["job_id"], extras=extras)
    return Deed(
        cause=cause,
        event=event,
        target=("document", document["id"]),
        job_id=document["job_id"],
        metadata={**_origin(cause, document), "document_id": document["id"], **(extras or {})},
        severity=severity,
    )


def other_deed(cause: Cause, row: Row, event: RealtimeEvent) -> Deed:
    """Return the mutation of what is neither job nor document; the row has `job_id`, `revision` and `xid`."""
    assert event.entity_id is not None
    return Deed(
        cause=cause,
        event=event,
        target=(event.entity_type, event.entity_id),
        job_id=row["job_id"],
        metadata=_origin(cause, row),
    )


def _origin(cause: Cause, row: Row) -> dict[str, object]:
    return {"request_id": cause.request_id, "revision": row["revision"], "xid": row["xid"]}


async def _record(api: Api, connection: Connection, deeds: Sequence[Deed]) -> list[str]:
    """Write audit rows; return their ids if they are to be told of. What could not be written is logged, counted."""
    rows = [_row(deed) for deed in deeds]
    try:
        if api.options.emit_audit_events:
            async with connection.transaction():
                return [await connection.fetchval(_INSERT, *row) for row in rows]
        if len(rows) == 1:
            await connection.execute(_INSERT, *rows[0])
        else:
            await connection.executemany(_INSERT, rows)
    except UNAVAILABLE:
        api.not_audited += len(rows)
        first = deeds[0]
        _log.exception("%s of job %s: no audit row (%d in all)", first.event.event_type, first.job_id, api.not_audited)
    return []


def _row(deed: Deed) -> tuple[object, ...]:
    return (
        deed.cause.organization_id,
        deed.cause.user_id,
        deed.event.event_type,
        *deed.target,
        deed.job_id,
        _json(deed.metadata),
        deed.severity,
    )


def _json(metadata: Mapping[str, object]) -> str:
    return orjson.dumps(metadata).decode()
