"""Evidence: the metadata of documents uploaded for a job.

The file itself went to a store before and is not looked at; there is no such store here, so `url` is null.
An upload does not change the job's revision: `evidence_count` and the document's id show it.
"""

from typing import Any

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.database import Row
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import not_found
from loadtests.pipeline.api.gates import require_write_access
from loadtests.pipeline.api.telling import tell_of_document

_REQUIRED = ("name", "file_path", "file_size", "mime_type")
_FIELDS: dict[str, v.Check] = {
    "name": v.text,
    "file_path": v.text,
    "file_size": v.integer(1, 2**63 - 1),
    "mime_type": v.text,
    "type": v.one_of(v.DOCUMENT_TYPES),
    "description": v.optional(v.text),
    "category": v.optional(v.one_of(v.PHOTO_CATEGORIES)),
}

_COLUMNS = """
d.id::text, d.job_id::text, d.organization_id::text, d.name, d.type, d.category, d.file_path, d.file_size,
d.mime_type, d.description, d.uploaded_by::text, d.created_at
"""

# A photo without a category belongs to the phase that the job is in. No row is written for a job that is not there.
_INSERT = f"""
with job as (
    select id, organization_id, revision, status from public.jobs
    where id = $1 and organization_id = $2 and deleted_at is null
), d as (
    insert into public.documents
        (job_id, organization_id, uploaded_by, name, file_path, file_size, mime_type, type, description, category)
    select id, organization_id, $3::uuid, $4, $5, $6::bigint, $7, $8::text, $9,
        case when $8 = 'photo' then coalesce($10::text, case
            when status in ('completed', 'archived', 'cancelled') then 'after'
            when status in ('in_progress', 'on_hold') then 'during'
            else 'before' end) end
    from job
    returning *
)
select {_COLUMNS}, job.revision, pg_current_xact_id()::text as xid from d, job
"""  # noqa: S608 - the inserted part is a constant of ours
_OF_JOB = f"""
select {_COLUMNS} from public.documents d
where d.job_id = $1 and d.deleted_at is null
order by d.created_at desc, d.id
"""  # noqa: S608 - the inserted part is a constant of ours
_JOB_EXISTS = """
select exists (select from public.jobs where id = $1 and organization_id = $2 and deleted_at is null)
"""


async def add_document(call: Call) -> Answer:
    """POST /jobs/:id/documents."""
    require_write_access(call.member)
    job_id = call.path_uuid("Job")
    v.require(call.body, _REQUIRED)
    fields = {"type": "photo", **v.checked(call.body, _FIELDS)}
    values = (fields.get(name) for name in _FIELDS)
    document = await call.connection.fetchrow(
        _INSERT, job_id, call.member.organization_id, call.member.user_id, *values
    )
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
    return Answer(200, {"data": [_shown(document) for document in documents]})


def _shown(document: Row) -> dict[str, Any]:
    shown = dict(document)
    for internal in ("revision", "xid"):
        shown.pop(internal, None)
    return shown | {"url": None}
