"""Prepares exports in the background: what a job's export holds, as a manifest with its digest.

An export becomes ready in the same transaction that orders its notification; then it is told of like any other
mutation. As designed a request wakes the worker; as built it only looks every few seconds, and tells nobody.
"""

import asyncio
import hashlib
import logging

from loadtests.pipeline.api.database import UNAVAILABLE, Connection, Row
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.events import Cause, export_event
from loadtests.pipeline.api.telling import other_deed, tell

_NEXT = """
select e.id::text, e.organization_id::text, e.job_id::text, e.kind, e.requested_by::text, e.request_id, j.revision
from public.exports e join public.jobs j on j.id = e.job_id
where e.state = 'queued' order by e.created_at limit 1 for update of e skip locked
"""
# Without the search of all events: what is written about a job is found by its index.
_MANIFEST = """
select jsonb_build_object(
    'job', to_jsonb(j),
    'documents', coalesce((select jsonb_agg(to_jsonb(d) order by d.created_at, d.id)
        from public.documents d where d.job_id = j.id and d.deleted_at is null), '[]'),
    'mitigations', coalesce((select jsonb_agg(to_jsonb(m) order by m.factor_code)
        from public.mitigation_items m where m.job_id = j.id), '[]'),
    'audit_rows', (select count(*) from public.audit_logs a where a.job_id = j.id)
)::text from public.jobs j where j.id = $1
"""
_READY = """
with e as (
    update public.exports set state = 'ready', ready_at = now(), manifest = $2::text::jsonb, manifest_sha256 = $3
    where id = $1 returning *
), notified as (
    insert into public.push_outbox (organization_id, kind, job_id, entity_id, caused_by)
    select organization_id, 'proof_pack_ready', job_id, id::text, null from e where kind = 'proof_pack' and $4::boolean
)
select pg_current_xact_id()::text as xid from e
"""
_EVENT_TYPES = {"pdf": "export.ready", "proof_pack": "proof_pack.generated"}

_log = logging.getLogger(__name__)


async def prepare_exports(api: Api) -> None:
    """Prepare what is queued, then wait for more, for ever."""
    while True:
        api.export_wanted.clear()
        try:
            async with api.pool.acquire() as connection:
                while await prepare_next(api, connection):
                    pass
        except UNAVAILABLE as error:
            _log.warning("exports wait: %s", str(error) or type(error).__name__)
        try:
            await asyncio.wait_for(api.export_wanted.wait(), api.options.export_poll_s)
        except TimeoutError:
            continue


async def prepare_next(api: Api, connection: Connection) -> bool:
    """Prepare the oldest export that is queued; return whether there was one."""
    async with connection.transaction():
        export = await connection.fetchrow(_NEXT)
        if export is None:
            return False
        manifest: str = await connection.fetchval(_MANIFEST, export["job_id"])
        digest = hashlib.sha256(manifest.encode()).hexdigest()
        xid = await connection.fetchval(_READY, export["id"], manifest, digest, not api.options.as_built)
    await _tell(api, connection, export, xid)
    return True


async def _tell(api: Api, connection: Connection, export: Row, xid: str) -> None:
    cause = Cause(
        organization_id=export["organization_id"], user_id=export["requested_by"], request_id=export["request_id"]
    )
    event_type = _EVENT_TYPES[export["kind"]]
    event = export_event(cause, event_type, export_id=export["id"], job_id=export["job_id"])
    await tell(api, connection, other_deed(cause, {**export, "xid": xid}, event))
