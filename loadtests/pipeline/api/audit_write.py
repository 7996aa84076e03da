"""Events that clients log themselves: one audit row each, and as designed the signal that it was appended."""

from typing import Any

import orjson

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.events import audit_event

_INSERT = """
insert into public.audit_logs
    (organization_id, actor_id, event_name, target_type, target_id, job_id, category, metadata)
values ($1, $2, $3, $4, $5, $6, 'client', $7)
returning id::text, event_name, created_at
"""


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - one kind of error for every check
    if "\\u0000" in orjson.dumps(value).decode():
        raise ValueError("must hold no NUL character")
    return value


_REQUIRED = ("event_type", "entity_type")
_CHECKS: dict[str, v.Check] = {
    "event_type": v.text,
    "entity_type": v.text,
    "entity_id": v.text,
    "job_id": v.optional(v.identifier),
    "metadata": _object,
}


async def append_audit_event(call: Call) -> Answer:
    """POST /audit/events."""
    v.require(call.body, _REQUIRED)
    fields = v.checked(call.body, _CHECKS)
    job_id = fields.get("job_id")
    # What the client says stands apart, so that it cannot pass for what a mutation recorded.
    metadata = {"request_id": call.request_id, "client": fields.get("metadata", {})}
    row = await call.connection.fetchrow(
        _INSERT,
        call.member.organization_id,
        call.member.user_id,
        fields["event_type"],
        fields["entity_type"],
        fields.get("entity_id") or job_id or "none",
        job_id,
        orjson.dumps(metadata).decode(),
    )
    assert row is not None, "an insert returns its row"
    event = audit_event(call.cause, audit_id=row["id"], job_id=None if job_id is None else str(job_id))
    await call.api.emission.emit(call.connection, event)
    return Answer(201, {"data": dict(row)})
