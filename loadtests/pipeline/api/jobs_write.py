"""Creating and changing jobs.

Each mutation is one statement that commits by itself; then its audit row and its event follow. `revision` is
incremented by the UPDATE itself, so that two changes never share one.
"""

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.database import Row
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import invalid, not_found
from loadtests.pipeline.api.gates import require_managing_role, require_room_in_plan, require_write_access
from loadtests.pipeline.api.jobs_read import JOB_COLUMNS, job_detail
from loadtests.pipeline.api.mitigations import rebuild_mitigations
from loadtests.pipeline.api.risk import FACTORS, Risk, assess
from loadtests.pipeline.api.telling import record_score, tell_of_job

_CALLS_TO_SCORE_AS_BUILT = 3
"""Score, job and mitigations: read from the original's code, not counted on it as the other calls were."""
_REQUIRED = ("client_name", "client_type", "job_type", "location")

_CREATION: dict[str, v.Check] = {
    "client_name": v.text,
    "client_type": v.one_of(v.CLIENT_TYPES),
    "job_type": v.one_of(v.JOB_TYPES),
    "location": v.text,
    "title": v.optional(v.text),
    "description": v.optional(v.text),
    "start_date": v.optional(v.day),
    "end_date": v.optional(v.day),
    "risk_factor_codes": v.words,
    "has_subcontractors": v.flag,
    "subcontractor_count": v.integer(0),
    "insurance_status": v.one_of(v.INSURANCE_STATUSES),
}
_CHANGE: dict[str, v.Check] = {
    **_CREATION,
    "status": v.one_of(v.JOB_STATUSES),
    "risk_score": v.optional(v.integer(0, 100)),
    "risk_level": v.optional(v.one_of(v.RISK_LEVELS)),
    "assigned_to_id": v.optional(v.identifier),
    "applied_template_id": v.optional(v.identifier),
    "applied_template_type": v.optional(v.text),
}
_FLAG: dict[str, v.Check] = {
    "flagged": v.flag,
    "flag_reason": v.optional(v.text),
    "review_owner_role": v.optional(v.text),
    "review_due_at": v.optional(v.instant),
}

# What a status says about two other columns; both parts are constant text, never a caller's.
_FOLLOWS_STATUS = {
    "archived": "archived_at = coalesce(archived_at, now())",
    "completed": "archived_at = null, completed_at = coalesce(completed_at, now())",
}
_RESTORED = "archived_at = null"

RETURNING = f"{JOB_COLUMNS}, pg_current_xact_id()::text as xid"

_ARCHIVE = f"""
update public.jobs j
set status = 'archived', archived_at = now(), updated_at = now(), revision = revision + 1
where id = $1 and organization_id = $2 and deleted_at is null and archived_at is null
returning {RETURNING}
"""  # noqa: S608 - the inserted part is a constant of ours
# The notification is part of the flagging: there is none without the other. Taking a flag away notifies nobody.
_FLAG_JOB = f"""
with j as (
    update public.jobs
    set review_flag = $3, flagged_at = case when $3 then coalesce(flagged_at, now()) end, flag_reason = $4,
        review_owner_role = $5, review_due_at = $6, updated_at = now(), revision = revision + 1
    where id = $1 and organization_id = $2 and deleted_at is null
    returning *
), notified as (
    insert into public.push_outbox (organization_id, kind, job_id, entity_id, caused_by)
    select organization_id, 'job_flagged', id, id::text, $7::uuid from j where review_flag and $8::boolean
)
select {RETURNING} from j
"""  # noqa: S608 - the inserted part is a constant of ours
_EXISTS = """
select exists (select from public.jobs where id = $1 and organization_id = $2 and deleted_at is null)
"""


async def create_job(call: Call) -> Answer:
    """POST /jobs."""
    require_write_access(call.member)
    v.require(call.body, _REQUIRED)
    fields = v.checked(call.body, _CREATION)
    risk = assess(codes) if (codes := _codes(fields)) else None
    as_built = call.api.options.as_built
    job = await _create(call, fields, None if as_built else risk)
    await tell_of_job(call, job, "job.created")
    if as_built and risk is not None:
        await call.api.call_upstream(_CALLS_TO_SCORE_AS_BUILT)
        # Whoever was told and asks again before this is done sees a job without a score, and is told nothing more.
        async with call.connection.transaction():
            rated = await _changed(call, job["id"], _scored({}, risk), risk)
            if rated is not None:
                await record_score(call, rated)
        job = rated or job  # deleted meanwhile: it stays as it was told of
    return Answer(201, {"data": await job_detail(call.connection, job)})


async def update_job(call: Call) -> Answer:
    """PATCH /jobs/:id. An empty body is a change too: it counts, is audited and emitted."""
    require_write_access(call.member)
    job_id = call.path_uuid("Job")
    unknown = [name for name in call.body if name not in _CHANGE]
    if unknown:
        raise invalid(f"Unknown fields: {', '.join(sorted(unknown))}", hint=f"Allowed: {', '.join(_CHANGE)}.")
    fields = v.checked(call.body, _CHANGE)
    codes = _codes(fields)
    if codes is None:
        job = await _changed(call, job_id, fields)
    else:
        risk = assess(codes)
        async with call.connection.transaction():
            job = await _changed(call, job_id, _scored(fields, risk), risk)
    if job is None:
        raise not_found("Job")
    await tell_of_job(call, job, "job.updated")
    return Answer(200, {"data": await job_detail(call.connection, job)})


async def archive_job(call: Call) -> Answer:
    """POST /jobs/:id/archive."""
    require_write_access(call.member)
    job_id = call.path_uuid("Job")
    job = await call.connection.fetchrow(_ARCHIVE, job_id, call.member.organization_id)
    if job is None:
        if await call.connection.fetchval(_EXISTS, job_id, call.member.organization_id):
            raise invalid("Job is already archived", code="ALREADY_ARCHIVED")
        raise not_found("Job")
    await tell_of_job(call, job, "job.archived")
    return Answer(200, {"data": await job_detail(call.connection, job)})


async def flag_job(call: Call) -> Answer:
    """PATCH /jobs/:id/flag. The answer is a bare object, and unflagging emits the same event."""
    require_write_access(call.member)
    require_managing_role(call.member, "flag jobs")
    job_id = call.path_uuid("Job")
    v.require(call.body, ["flagged"])
    fields = v.checked(call.body, _FLAG)
    job = await call.connection.fetchrow(
        _FLAG_JOB,
        job_id,
        call.member.organization_id,
        *(fields.get(name) for name in _FLAG),
        call.member.user_id,
        not call.api.options.as_built,
    )
    if job is None:
        raise not_found("Job")
    await tell_of_job(call, job, "job.flagged")
    shown = {name: job[name] for name in ("id", "review_flag", "flagged_at", "revision")}
    return Answer(200, shown | {"request_id": call.request_id})


def insert_statement(columns: list[str]) -> str:
    """Return the INSERT of a job with these columns; `$1` is the organization, `$2` the person, then they follow."""
    return f"{_insert_values(columns)} returning {RETURNING}"


def insert_statement_with_mitigations(columns: list[str]) -> str:
    """Return the INSERT of a job and of its mitigations, whose codes and titles are the last two parameters."""
    codes = len(columns) + 3
    return f"""
with j as (
    {_insert_values(columns)} returning *
), asked as (
    insert into public.mitigation_items (organization_id, job_id, factor_code, title)
    select j.organization_id, j.id, a.code, a.title
    from j, unnest(${codes}::text[], ${codes + 1}::text[]) as a (code, title)
)
select {RETURNING} from j
"""  # noqa: S608 - names are ours, values are parameters


def _insert_values(columns: list[str]) -> str:
    names = ["organization_id", "created_by", *columns]
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    return f"insert into public.jobs as j ({', '.join(names)}) values ({places})"  # noqa: S608 - names are ours


def update_statement(fields: dict[str, object]) -> str:
    """Return the UPDATE that sets these fields; `$1` is the job, `$2` the organization, then the values follow."""
    settings = [f"{name} = ${number}" for number, name in enumerate(fields, start=3)]
    if "status" in fields:
        settings.append(follows_status(str(fields["status"])))
    settings += ["updated_at = now()", "revision = revision + 1"]
    return (
        f"update public.jobs j set {', '.join(settings)} "  # noqa: S608 - names are ours, values are parameters
        f"where id = $1 and organization_id = $2 and deleted_at is null returning {RETURNING}"
    )


def follows_status(status: str) -> str:
    """Return what a new status says about two other columns, as SET clauses."""
    return _FOLLOWS_STATUS.get(status, _RESTORED)


def _codes(fields: dict[str, object]) -> list[str] | None:
    codes = fields.get("risk_factor_codes")
    assert codes is None or isinstance(codes, list), "checked already"
    return codes


def _scored(fields: dict[str, object], risk: Risk) -> dict[str, object]:
    """Return the fields with what the risk says; a score or level that the caller gave stands."""
    rated = {"risk_score": risk.score, "risk_level": risk.level}
    return rated | fields | {"mitigations_total": len(risk.codes), "mitigations_complete": 0}


async def _create(call: Call, fields: dict[str, object], risk: Risk | None) -> Row:
    if not call.api.options.plan_gates:
        return await _insert(call, fields, risk)
    async with call.connection.transaction():
        await require_room_in_plan(call.connection, call.member.organization_id, call.now)
        return await _insert(call, fields, risk)


async def _insert(call: Call, fields: dict[str, object], risk: Risk | None) -> Row:
    who = (call.member.organization_id, call.member.user_id)
    if risk is None:
        job = await call.connection.fetchrow(insert_statement(list(fields)), *who, *fields.values())
    else:
        fields, titles = _scored(fields, risk), [FACTORS[code].mitigation for code in risk.codes]
        job = await call.connection.fetchrow(
            insert_statement_with_mitigations(list(fields)), *who, *fields.values(), list(risk.codes), titles
        )
    assert job is not None, "an insert returns its row"
    return job


async def _changed(call: Call, job_id: str, fields: dict[str, object], risk: Risk | None = None) -> Row | None:
    """Return the changed job, or None if it is not there; with a risk, its mitigations are made anew."""
    job = await call.connection.fetchrow(
        update_statement(fields), job_id, call.member.organization_id, *fields.values()
    )
    if job is not None and risk is not None:
        await rebuild_mitigations(call.connection, call.member.organization_id, job_id, risk)
    return job
