"""Asking for an export of a job, and asking what became of it; a worker prepares it meanwhile.

With an `Idempotency-Key` the same request asked twice is one export.
"""

from typing import Any

from loadtests.pipeline.api.database import Row
from loadtests.pipeline.api.endpoint import Answer, Call, Handler
from loadtests.pipeline.api.errors import invalid, not_found
from loadtests.pipeline.api.gates import require_write_access

_LONGEST_KEY = 255
_COLUMNS = """
e.id::text, e.job_id::text, e.kind, e.state, e.manifest_sha256, e.created_at, e.ready_at
"""
_INSERT = f"""
with e as (
    insert into public.exports (organization_id, job_id, kind, requested_by, request_id, idempotency_key)
    select organization_id, id, $3::text, $4::uuid, $5::text, $6::text from public.jobs
    where id = $1 and organization_id = $2 and deleted_at is null
    on conflict (organization_id, idempotency_key) where idempotency_key is not null do nothing
    returning *
)
select {_COLUMNS} from e
"""  # noqa: S608 - the inserted part is a constant of ours
_BY_KEY = f"select {_COLUMNS} from public.exports e where organization_id = $1 and idempotency_key = $2"  # noqa: S608 - ours
_BY_ID = f"select {_COLUMNS} from public.exports e where organization_id = $1 and id = $2"  # noqa: S608 - ours


def request_export(kind: str) -> Handler:
    """Return the handler of POST /jobs/:id/export/…: `pdf` or `proof_pack`."""

    async def handler(call: Call) -> Answer:
        require_write_access(call.member)
        job_id = call.path_uuid("Job")
        key = _idempotency_key(call)
        export = await call.connection.fetchrow(
            _INSERT, job_id, call.member.organization_id, kind, call.member.user_id, call.request_id, key
        )
        if export is not None:
            if not call.api.options.as_built:
                call.api.export_wanted.set()
            return Answer(202, {"data": _shown(export)})
        return await _replay(call, key, job_id, kind)

    return handler


async def get_export(call: Call) -> Answer:
    """GET /exports/:id."""
    export = await call.connection.fetchrow(_BY_ID, call.member.organization_id, call.path_uuid("Export"))
    if export is None:
        raise not_found("Export")
    return Answer(200, {"data": _shown(export)})


async def _replay(call: Call, key: str | None, job_id: str, kind: str) -> Answer:
    export = None if key is None else await call.connection.fetchrow(_BY_KEY, call.member.organization_id, key)
    if export is None:
        raise not_found("Job")
    if (export["job_id"], export["kind"]) != (job_id, kind):
        raise invalid("Idempotency-Key was used for another export", code="IDEMPOTENCY_KEY_REUSED")
    return Answer(200, {"data": _shown(export)}, ((b"x-idempotency-replayed", b"true"),))


def _idempotency_key(call: Call) -> str | None:
    key = call.request.header(b"idempotency-key")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise invalid(f"Idempotency-Key must have 1 to {_LONGEST_KEY} characters", field="Idempotency-Key")
    return key


def _shown(export: Row) -> dict[str, Any]:
    return dict(export)
