"""Reading jobs: the list, page by page, and one job.

A list is one statement: its page, the total and the number of documents of each job come from one snapshot.
"""

from collections.abc import Sequence
from typing import Any

from loadtests.pipeline.api.database import Connection, Row
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import not_found
from loadtests.pipeline.api.list_query import JobList, read_job_list
from loadtests.pipeline.api.risk import score_detail

EVIDENCE_COUNT = "(select count(*) from public.documents d where d.job_id = j.id and d.deleted_at is null)"

JOB_COLUMNS = f"""
j.id::text, j.organization_id::text, j.created_by::text, j.revision, j.title, j.client_name, j.client_type,
j.job_type, j.location, j.description, j.status, j.start_date, j.end_date, j.has_subcontractors,
j.subcontractor_count, j.insurance_status, j.risk_factor_codes, j.risk_score, j.risk_level, j.mitigations_total,
j.mitigations_complete, j.review_flag, j.flagged_at, j.flag_reason, j.review_owner_role, j.review_due_at,
j.assigned_to_id::text, j.applied_template_id::text, j.applied_template_type, j.completed_at, j.archived_at,
j.created_at, j.updated_at,
{EVIDENCE_COUNT} as evidence_count
"""

_ITEM_COLUMNS = f"""
j.id::text, j.revision, j.title, j.client_name, j.job_type, j.location, j.status, j.risk_score, j.risk_level,
j.created_at, j.updated_at, j.review_flag, j.flagged_at, j.applied_template_id::text, j.applied_template_type,
j.mitigations_total, j.mitigations_complete,
j.assigned_to_id::text, u.full_name as assigned_to_name, u.email as assigned_to_email,
{EVIDENCE_COUNT} as evidence_count
"""

_ONE = f"""
select {JOB_COLUMNS} from public.jobs j
where j.id = $1 and j.organization_id = $2 and j.deleted_at is null
"""  # noqa: S608 - the inserted part is a constant of ours

_MITIGATIONS = """
select m.id::text, m.factor_code, m.title, m.done, m.completed_by::text, m.completed_at
from public.mitigation_items m where m.job_id = $1 order by m.factor_code
"""

# Jobs here have no controls or attestations.
_WITHOUT_CONTROLS: dict[str, object] = {
    "readiness_basis": "mitigations",
    "pending_attestations": 0,
    "controls_completed": 0,
    "controls_total": 0,
}


async def list_jobs(call: Call) -> Answer:
    """GET /jobs. `request_id` stays the last key: what is before it is the same for equal answers."""
    required = call.api.options.evidence_required
    query = read_job_list(
        call.request.query_params,
        organization_id=call.member.organization_id,
        evidence_required=required,
        now=call.now,
    )
    rows, total = await _fetch_page(call.connection, query)
    more = len(rows) > query.limit
    shown = rows[: query.limit]
    return Answer(
        200,
        {
            "data": [_item(row, required) for row in shown],
            "pagination": pagination(query, shown, total, more=more),
            "request_id": call.request_id,
        },
        is_tagged=True,
    )


async def get_job(call: Call) -> Answer:
    """GET /jobs/:id. Archived jobs are shown."""
    job = await call.connection.fetchrow(_ONE, call.path_uuid("Job"), call.member.organization_id)
    if job is None:
        raise not_found("Job")
    return Answer(200, {"data": await job_detail(call.connection, job)}, is_tagged=True)


async def job_detail(connection: Connection, job: Row) -> dict[str, Any]:
    """Return a whole job as the API shows it; asks the database only if it has mitigations."""
    shown = dict(job)
    shown.pop("xid", None)
    items = await connection.fetch(_MITIGATIONS, job["id"]) if job["mitigations_total"] else []
    shown["risk_score_detail"] = score_detail(job["risk_factor_codes"], job["risk_score"], job["risk_level"])
    shown["mitigation_items"] = [dict(item) for item in items]
    return shown


def pagination(query: JobList, rows: Sequence[Row], total: int, *, more: bool) -> dict[str, Any]:
    """Return where a page stands; `cursor` leads to the page after it, where a cursor can."""
    pages = -(-total // query.limit)
    cursor = f"{rows[-1]['created_at'].isoformat()}|{rows[-1]['id']}" if more and query.cursor_possible else None
    return {
        "page": query.page,
        "page_size": query.limit,
        "limit": query.limit,
        "total": total,
        "total_pages": pages,
        "totalPages": pages,
        "cursor": cursor,
        "hasMore": more,
    }


async def _fetch_page(connection: Connection, query: JobList) -> tuple[Sequence[Row], int]:
    """Return the page's rows and one more if there is one, and how many jobs the list has in all."""
    count = f"select count(*) from public.jobs j where {query.where}"  # noqa: S608 - ours; values are parameters
    arguments = (*query.arguments, *query.after_arguments)
    # The inner limit comes first, so that documents are counted for this page's jobs and no others.
    rows = await connection.fetch(
        f"select {_ITEM_COLUMNS}, ({count}) as total from ("  # noqa: S608 - ours; values are parameters
        f"select * from public.jobs j where {query.where}{query.after} order by {query.order} "
        f"limit ${len(arguments) + 1} offset ${len(arguments) + 2}"
        f") j left join public.users u on u.id = j.assigned_to_id order by {query.order}",
        *arguments,
        query.limit + 1,
        query.offset,
    )
    if rows:
        return rows, rows[0]["total"]
    return rows, await connection.fetchval(count, *query.arguments)


def _item(row: Row, evidence_required: int) -> dict[str, Any]:
    item = dict(row)
    del item["total"]
    item.update(_WITHOUT_CONTROLS)
    item.update(readiness(item["mitigations_total"], item["mitigations_complete"]))
    item["missing_evidence"] = item["evidence_count"] < evidence_required
    item["evidence_required"] = evidence_required
    return item


def readiness(total: int, complete: int) -> dict[str, object]:
    """Return how ready a job is, in percent of its mitigations, and how many stand in the way."""
    return {
        "readiness_score": round(100 * complete / total) if total else None,
        "readiness_empty_reason": None if total else "no_mitigations",
        "blockers_count": total - complete,
    }
