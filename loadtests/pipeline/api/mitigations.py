"""What a job's risks ask for: made from its risk factors, then done one by one.

The job counts them itself, so each change of an item is a change of its job too.
"""

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.database import Connection
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import not_found
from loadtests.pipeline.api.events import mitigation_event
from loadtests.pipeline.api.gates import require_write_access
from loadtests.pipeline.api.risk import FACTORS, Risk
from loadtests.pipeline.api.telling import other_deed, tell

_CLEAR = "delete from public.mitigation_items where job_id = $1"
_ADD = """
insert into public.mitigation_items (organization_id, job_id, factor_code, title)
select $1, $2, code, title from unnest($3::text[], $4::text[]) as asked (code, title)
"""
# The job is locked first, by every toggle alike: concurrent ones count one after another, and never deadlock.
_TOGGLE = """
with j as (
    select id from public.jobs where id = $1 and organization_id = $2 and deleted_at is null for update
), before as (
    select m.id, m.done from public.mitigation_items m join j on j.id = m.job_id where m.id = $3 for update of m
), m as (
    update public.mitigation_items m
    set done = $4::boolean, completed_by = case when $4 then $5::uuid end,
        completed_at = case when $4 then coalesce(m.completed_at, now()) end
    from before where m.id = before.id
    returning m.*
), changed as (
    update public.jobs set
        mitigations_complete = mitigations_complete + $4::boolean::int - before.done::int,
        updated_at = now(), revision = revision + 1
    from before where jobs.id = $1
    returning jobs.revision, jobs.mitigations_total, jobs.mitigations_complete
)
select m.id::text, m.job_id::text, m.factor_code, m.title, m.done, m.completed_by::text, m.completed_at,
       changed.revision, changed.mitigations_total, changed.mitigations_complete, pg_current_xact_id()::text as xid
from m, changed
"""
_CHECKS: dict[str, v.Check] = {"done": v.flag}


async def rebuild_mitigations(connection: Connection, organization_id: str, job_id: str, risk: Risk) -> None:
    """Replace a job's items by those that its risk asks for; call it in the transaction that sets the job's count."""
    await connection.execute(_CLEAR, job_id)
    titles = [FACTORS[code].mitigation for code in risk.codes]
    await connection.execute(_ADD, organization_id, job_id, list(risk.codes), titles)


async def toggle_mitigation(call: Call) -> Answer:
    """PATCH /jobs/:id/mitigations/:mitigation_id."""
    require_write_access(call.member)
    job_id = call.path_uuid("Job")
    mitigation_id = call.path_uuid("Mitigation", "mitigation_id")
    v.require(call.body, ["done"])
    done = v.checked(call.body, _CHECKS)["done"]
    item = await call.connection.fetchrow(
        _TOGGLE, job_id, call.member.organization_id, mitigation_id, done, call.member.user_id
    )
    if item is None:
        raise not_found("Mitigation")
    event_type = "mitigation.completed" if done else "mitigation.reopened"
    event = mitigation_event(call.cause, event_type, mitigation_id=item["id"], job_id=item["job_id"])
    await tell(call.api, call.connection, other_deed(call.cause, item, event))
    shown = dict(item)
    del shown["xid"]
    return Answer(200, {"data": shown})
