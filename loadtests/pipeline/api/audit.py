"""Reading the audit log: newest first, a page at a time, actors and jobs joined in rather than looked up per row.

A page costs one statement, whatever its length.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from loadtests.pipeline.api.database import Row
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.errors import Refusal, invalid
from loadtests.pipeline.api.timestamps import parse_instant

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_WORDS = ("category", "severity", "outcome")
_IDS = ("job_id", "actor_id")

_PAGE = """
select a.id::text, a.event_name, a.target_type, a.target_id, a.job_id::text, j.client_name as job_client_name,
       a.actor_id::text, u.full_name as actor_name, u.email as actor_email, a.category, a.severity, a.outcome,
       a.metadata::text as metadata, a.ledger_seq, a.created_at
from public.audit_logs a
left join public.users u on u.id = a.actor_id
left join public.jobs j on j.id = a.job_id
where a.organization_id = $1 and a.created_at >= $2 and a.created_at < $3
  and ($4::text is null or a.category = $4) and ($5::text is null or a.severity = $5)
  and ($6::text is null or a.outcome = $6)
  and ($7::uuid is null or a.job_id = $7) and ($8::uuid is null or a.actor_id = $8)
  and ($9::timestamptz is null or (a.created_at, a.id) < ($9, $10::uuid))
order by a.created_at desc, a.id desc
limit $11
"""


async def list_audit_events(call: Call) -> Answer:
    """GET /audit/events."""
    asked = call.request.query_params
    limit = _limit(asked.get("limit"))
    rows = await call.connection.fetch(
        _PAGE,
        call.member.organization_id,
        *_time_range(asked, call.now),
        *(asked.get(name) or None for name in _WORDS),
        *(_uuid(asked.get(name), name) for name in _IDS),
        *_cursor(asked.get("cursor")),
        limit + 1,
    )
    more = len(rows) > limit
    shown = rows[:limit]
    page = {
        "next_cursor": f"{shown[-1]['created_at'].isoformat()}|{shown[-1]['id']}" if more else None,
        "limit": limit,
        "has_more": more,
    }
    # Of this page alone: numbers of the whole log would cost more with each row that a long run adds.
    stats = {
        "events": len(shown),
        "jobs": len({row["job_id"] for row in shown}),
        "actors": len({row["actor_id"] for row in shown}),
    }
    content = {"data": {"events": [_shown(row) for row in shown], "stats": stats, "pagination": page}}
    return Answer(200, content, ((b"cache-control", b"no-store"),), rows=len(shown))


def _shown(row: Row) -> dict[str, Any]:
    event = dict(row)
    event["metadata"] = orjson.Fragment(event["metadata"])
    return event


def _limit(text: str | None) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LIMIT:
        raise _bad_filter("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _time_range(asked: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Return the half-open range asked for; the far end lies a day ahead, so that no clock cuts off new rows."""
    name = asked.get("time_range") or "30d"
    ahead = now + timedelta(days=1)
    if name == "all":
        return datetime(1970, 1, 1, tzinfo=UTC), ahead
    if name in _RANGES:
        return now - _RANGES[name], ahead
    if name != "custom":
        raise _bad_filter("time_range", f"must be one of {', '.join(_RANGES)}, all, custom")
    return _instant(asked.get("start_date"), "start_date"), _instant(asked.get("end_date"), "end_date")


def _cursor(text: str | None) -> tuple[datetime | None, str | None]:
    if not text:
        return None, None
    stamp, _, row_id = text.partition("|")
    return _instant(stamp, "cursor"), _uuid(row_id, "cursor")


def _instant(text: str | None, name: str) -> datetime:
    try:
        return parse_instant(text or "")
    except ValueError:
        raise _bad_filter(name, "must be an ISO timestamp") from None


def _uuid(text: str | None, name: str) -> str | None:
    if not text:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise _bad_filter(name, "must be a UUID") from None


def _bad_filter(name: str, rule: str) -> Refusal:
    return invalid(f"{name} {rule}", code="INVALID_FILTER", field=name)
