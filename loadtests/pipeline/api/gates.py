"""What stands between a person and a mutation: their role, the accepted terms, the organization's plan.

Roles are always checked; terms and plans only if the options say so.
"""

from datetime import UTC, datetime

from loadtests.pipeline.api.auth import Member
from loadtests.pipeline.api.database import Connection, Row
from loadtests.pipeline.api.errors import Explanation, Refusal, forbidden

TERMS_VERSION = "2025-12-riskmate-terms"
_READ_ONLY_ROLES = frozenset({"viewer", "auditor", "executive"})
_MANAGING_ROLES = frozenset({"owner", "admin"})
_JOBS_PER_MONTH: dict[str, int | None] = {"none": 0, "starter": 10, "pro": None, "business": None}

_TERMS_ACCEPTED = "select exists (select from public.legal_acceptances where user_id = $1 and version = $2)"
_ACCEPT_TERMS = """
insert into public.legal_acceptances (user_id, version) values ($1, $2)
on conflict (user_id, version) do update set version = excluded.version
returning version, accepted_at
"""
# The lock makes counting and inserting one step: concurrent creates of one organization queue up behind it.
_LOCKED_PLAN = """
select plan_code, status, jobs_limit_month
from public.org_subscriptions where organization_id = $1 for update
"""
_JOBS_SINCE = "select count(*) from public.jobs where organization_id = $1 and created_at >= $2"


def require_write_access(member: Member) -> None:
    """Refuse people who may only look."""
    if member.role in _READ_ONLY_ROLES:
        raise forbidden("AUTH_ROLE_READ_ONLY", "Your role is read-only", "Ask an owner for a role that may write.")


def require_managing_role(member: Member, what: str) -> None:
    """Refuse people who are neither owner nor admin; `what` says what they wanted, such as `flag jobs`."""
    if member.role not in _MANAGING_ROLES:
        raise forbidden("AUTH_ROLE_FORBIDDEN", f"Your role may not {what}", "Ask an owner or admin to do it.")


async def require_terms(connection: Connection, user_id: str) -> None:
    """Refuse people who have not accepted the current terms."""
    if await connection.fetchval(_TERMS_ACCEPTED, user_id, TERMS_VERSION):
        return
    raise Refusal(
        status=428,
        message="Terms must be accepted first",
        code="LEGAL_ACCEPTANCE_REQUIRED",
        explanation=Explanation(category="legal", hint="POST /api/legal/accept, then repeat the request."),
        fields={"version": TERMS_VERSION},
    )


async def accept_terms(connection: Connection, user_id: str) -> Row:
    """Record that a person accepts the current terms; a second time changes nothing."""
    row = await connection.fetchrow(_ACCEPT_TERMS, user_id, TERMS_VERSION)
    assert row is not None, "an upsert returns its row"
    return row


async def require_room_in_plan(connection: Connection, organization_id: str, now: datetime) -> None:
    """Refuse a further job when the plan has no room for it; call it in the transaction that inserts the job."""
    plan = await connection.fetchrow(_LOCKED_PLAN, organization_id)
    limit = jobs_per_month(plan)
    if limit is None:
        return
    month_began = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used = limit and await connection.fetchval(_JOBS_SINCE, organization_id, month_began)
    if used >= limit:
        raise _beyond_plan(403, "ENTITLEMENTS_JOB_LIMIT_REACHED", f"The plan allows {limit} jobs a month")


def jobs_per_month(plan: Row | None) -> int | None:
    """Return how many jobs a plan allows in a month; None means any number.

    Raises:
        Refusal: 402, when the plan is not paid for.

    """
    if plan is None or plan["status"] == "inactive":
        return 0
    if plan["status"] == "past_due":
        raise _beyond_plan(402, "ENTITLEMENTS_PLAN_PAST_DUE", "The plan's payment is past due")
    if plan["status"] == "canceled":
        raise _beyond_plan(402, "ENTITLEMENTS_PLAN_INACTIVE", "The plan was cancelled")
    override: int | None = plan["jobs_limit_month"]
    return _JOBS_PER_MONTH[plan["plan_code"]] if override is None else override


def _beyond_plan(status: int, code: str, message: str) -> Refusal:
    why = Explanation(category="entitlements", hint="Change the organization's plan, or wait for the next month.")
    return Refusal(status=status, message=message, code=code, explanation=why)
