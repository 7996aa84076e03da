"""Deleting a job: hidden from then on, not removed, because its audit rows speak of it.

Today's code refuses a job that has audit rows, and creating one writes some: it deletes nothing.
"""

from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import invalid, not_found
from loadtests.pipeline.api.gates import require_managing_role, require_write_access
from loadtests.pipeline.api.telling import tell_of_job

_DELETE = """
update public.jobs set deleted_at = now(), updated_at = now(), revision = revision + 1
where id = $1 and organization_id = $2 and deleted_at is null and status = 'draft'
returning id::text, revision, deleted_at, pg_current_xact_id()::text as xid
"""
_STATE = """
select status, exists (select from public.audit_logs a where a.job_id = j.id) as audited
from public.jobs j where id = $1 and organization_id = $2 and deleted_at is null
"""


async def delete_job(call: Call) -> Answer:
    """DELETE /jobs/:id. Owners and admins, drafts only."""
    require_write_access(call.member)
    require_managing_role(call.member, "delete jobs")
    job_id = call.path_uuid("Job")
    if call.api.options.as_built:
        state = await call.connection.fetchrow(_STATE, job_id, call.member.organization_id)
        if state is not None and state["status"] == "draft" and state["audited"]:
            raise invalid("Job has audit history", code="HAS_AUDIT_HISTORY", hint="Archive the job instead.")
    job = await call.connection.fetchrow(_DELETE, job_id, call.member.organization_id)
    if job is None:
        if await call.connection.fetchrow(_STATE, job_id, call.member.organization_id) is None:
            raise not_found("Job")
        raise invalid("Only drafts can be deleted", code="NOT_A_DRAFT", hint="Archive the job instead.")
    await tell_of_job(call, job, "job.deleted")
    return Answer(200, {"data": {name: job[name] for name in ("id", "revision", "deleted_at")}})
