"""Changing the status of many jobs in one request.

As designed: one statement changes them, one transaction writes their audit rows, one their events. As built: the
jobs are changed at once and then told of one after another, so that the events trickle out for as long as it takes.
"""

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import invalid
from loadtests.pipeline.api.gates import require_write_access
from loadtests.pipeline.api.jobs_write import follows_status
from loadtests.pipeline.api.telling import job_deed, tell

MAX_JOBS = 100
_CALLS_PER_JOB_AS_BUILT = 3
"""Two for a job's audit row and one for its event."""

_CHECKS: dict[str, v.Check] = {
    "job_ids": v.list_of(v.identifier, most=MAX_JOBS),
    "status": v.one_of(v.JOB_STATUSES),
}


async def update_status_of_many(call: Call) -> Answer:
    """POST /jobs/bulk/status. Jobs that are not there are named in `failed`; the others change."""
    require_write_access(call.member)
    v.require(call.body, _CHECKS)
    fields = v.checked(call.body, _CHECKS)
    job_ids, status = fields["job_ids"], str(fields["status"])
    assert isinstance(job_ids, list)
    if len(set(job_ids)) != len(job_ids):
        raise invalid("job_ids names a job twice", field="job_ids")
    rows = await call.connection.fetch(bulk_statement(status), job_ids, call.member.organization_id, status)
    changed = {row["id"]: row for row in rows}
    deeds = [job_deed(call.cause, changed[job_id], "job.updated") for job_id in job_ids if job_id in changed]
    if call.api.options.as_built:
        for deed in deeds:
            await call.api.call_upstream(_CALLS_PER_JOB_AS_BUILT)
            await tell(call.api, call.connection, deed)
    elif deeds:
        await tell(call.api, call.connection, *deeds)
    shown = [{"id": deed.job_id, "status": status, "revision": changed[deed.job_id]["revision"]} for deed in deeds]
    failed = [{"id": job_id, "message": "Job not found"} for job_id in job_ids if job_id not in changed]
    return Answer(200, {"data": {"updated": shown, "failed": failed}})


def bulk_statement(status: str) -> str:
    """Return the UPDATE of many jobs' status; `$1` is the jobs' ids, `$2` the organization, `$3` the status."""
    # Locked in one order: two requests that name the same jobs wait for one another instead of deadlocking.
    return (
        "with chosen as (select id from public.jobs where id = any ($1::uuid[]) and organization_id = $2 "  # noqa: S608 - ours
        "and deleted_at is null order by id for update) "
        f"update public.jobs j set status = $3, {follows_status(status)}, updated_at = now(), "
        "revision = revision + 1 from chosen where j.id = chosen.id "
        "returning j.id::text, j.revision, pg_current_xact_id()::text as xid"
    )
