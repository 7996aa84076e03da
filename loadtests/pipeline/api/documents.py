"""Evidence: the metadata of documents uploaded for a job.

The file itself went to a store before and is not looked at; there is no such store here, so `url` is null.
An upload does not change the job's revision: `evidence_count` and the document's id show it.
"""

from typing import Any

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.database import Row
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import not_found
from loadtests.pipeline.api.gates import require_managing_role, require_write_access
from loadtests.pipeline.api.telling import document_deed, tell, tell_of_document

REQUIRED = ("name", "file_path", "file_size", "mime_type")
FIELDS: dict[str, v.Check] = {
    "name": v.text,
    "file_path": v.text,
    "file_size": v.integer(1, 2**63 - 1),
    "mime_type": v.text,
    "type": v.one_of(v.DOCUMENT_TYPES),
    "description": v.optional(v.text),
    "category": v.optional(v.one_of(v.PHOTO_CATEGORIES)),
}

_VERDICT: dict[str, v.Check] = {"status": v.one_of(("verified", "rejected"))}

_COLUMNS = """
d.id::text, d.job_id::text, d.organization_id::text, d.name, d.type, d.category, d.file_path, d.file_size,
d.mime_type, d.description, d.uploaded_by::text, d.verification_status, d.verified_by::text, d.verified_at,
d.created_at
"""

# A photo without a category belongs to the phase that the job is in. No row is written for a job that is not there,
# nor for a document that a device already sent under the same name of its own.
_INSERT = f"""
with job as (
    select id, organization_id, revision, status from public.jobs
    where id = $1 and organization_id = $2 and deleted_at is null
), d as (
    insert into public.documents
        (job_id, organization_id, uploaded_by, name, file_path, file_size, mime_type, type, description, category,
         offline_id)
    select id, organization_id, $3::uuid, $4, $5, $6::bigint, $7, $8::text, $9,
        case when $8 = 'photo' then coalesce($10::text, case
            when status in ('completed', 'archived', 'cancelled') then 'after'
            when status in ('in_progress', 'on_hold') then 'during'
            else 'before' end) end,
        $11::text
    from job
    on conflict (organization_id, offline_id) where offline_id is not null do nothing
    returning *
)
select {_COLUMNS}, job.revision, pg_current_xact_id()::text as xid from d, job
"""  # noqa: S608 - the inserted part is a constant of ours
_OF_JOB = f"""
select {_COLUMNS} from public.documents d
where d.job_id = $1 and d.deleted_at is null
order by d.created_at desc, d.id
"""  # noqa: S608 - the inserted part is a constant of ours
# A rejection breaks the rules that the job is under: who has a device is told, in the same transaction.
_VERIFY = f"""
with d as (
    update public.documents d
    set verification_status = $4, verified_by = $5::uuid, verified_at = now()
    from public.jobs j
    where d.id = $2 and d.job_id = $1 and d.organization_id = $3 and d.deleted_at is null
      and j.id = d.job_id and j.deleted_at is null
    returning d.*, j.revision
), notified as (
    insert into public.push_outbox (organization_id, kind, job_id, entity_id, caused_by)
    select organization_id, 'compliance_violation', job_id, id::text, $5::uuid from d
    where verification_status = 'rejected' and $6::boolean
)
select {_COLUMNS}, d.revision, pg_current_xact_id()::text as xid from d
"""  # noqa: S608 - the inserted part is a constant of ours
_JOB_EXISTS = """
select exists (select from public.jobs where id = $1 and organization_id = $2 and deleted_at is null)
"""


async def add_document(call: Call) -> Answer:
    """POST /jobs/:id/documents."""
    require_write_access(call.member)
    job_id = call.path_uuid("Job")
    v.require(call.body, REQUIRED)
    document = await insert_document(call, job_id, v.checked(call.body, FIELDS))
    if document is None:
        raise not_found("Job")
    await tell_of_document(call, document, "evidence.uploaded")
    return Answer(201, {"data": _shown(document)})


async def list_documents(call: Call) -> Answer:
    """GET /jobs/:id/documents, newest first."""
    job_id = call.path_uuid("Job")
    documents = await call.connection.fetch(_OF_JOB, job_id)
    if not documents or documents[0]["organization_id"] != call.member.organization_id:
        if not await call.connection.fetchval(_JOB_EXISTS, job_id, call.member.organization_id):
            raise not_found("Job")
        documents = []
    return Answer(200, {"data": [_shown(document) for document in documents]}, rows=len(documents))


async def verify_document(call: Call) -> Answer:
    """POST /jobs/:id/evidence/:document_id/verify. Owners and admins; `status` is `verified` or `rejected`."""
    require_write_access(call.member)
    require_managing_role(call.member, "verify evidence")
    job_id, document_id = call.path_uuid("Job"), call.path_uuid("Evidence", "document_id")
    v.require(call.body, ["status"])
    status = v.checked(call.body, _VERDICT)["status"]
    document = await call.connection.fetchrow(
        _VERIFY,
        job_id,
        document_id,
        call.member.organization_id,
        status,
        call.member.user_id,
        not call.api.options.as_built,
    )
    if document is None:
        raise not_found("Evidence")
    severity = "critical" if status == "rejected" else "material"
    deed = document_deed(call.cause, document, "evidence.verified", extras={"status": status}, severity=severity)
    await tell(call.api, call.connection, deed)
    return Answer(200, {"data": _shown(document)})


async def insert_document(
    call: Call, job_id: str, checked: dict[str, object], *, offline_id: str | None = None
) -> Row | None:
    """Insert a document; return it, or None if the job is not there or a device sent it before."""
    fields = {"type": "photo", **checked}
    values = (fields.get(name) for name in FIELDS)
    return await call.connection.fetchrow(
        _INSERT, job_id, call.member.organization_id, call.member.user_id, *values, offline_id
    )


def _shown(document: Row) -> dict[str, Any]:
    shown = dict(document)
    for internal in ("revision", "xid"):
        shown.pop(internal, None)
    return shown | {"url": None}
