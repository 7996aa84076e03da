"""What a request for a list of jobs asks for: its query string as conditions, an order and a page.

Pure: text in, parts of a statement and their parameters out. Every part is text of ours; what the caller sent
travels as parameters only. Parameters that are not known are ignored.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loadtests.pipeline.api.errors import invalid
from loadtests.pipeline.api.timestamps import parse_instant
from loadtests.pipeline.api.validation import JOB_STATUSES, RISK_LEVELS

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 10_000

_STATUS_SYNONYMS = {"active": "in_progress", "on-hold": "on_hold"}
_SORT_COLUMNS = {
    "created_at": "j.created_at",
    "risk_score": "j.risk_score",
    "due_date": "j.end_date",
    "status": "j.status",
    "blockers": "(j.mitigations_total - j.mitigations_complete)",
    "readiness": "(j.mitigations_complete / nullif(j.mitigations_total, 0)::real)",
}
_SORT_WORDS = {
    "created": "created_at",
    "newest": "created_at",
    "oldest": "created_at",
    "risk": "risk_score",
    "status": "status",
    "blockers": "blockers",
    "readiness": "readiness",
}
_SEARCHED = ("title", "client_name", "location", "job_type", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """One page of a list of jobs, as the parts of a statement on `public.jobs j`."""

    where: str
    arguments: tuple[object, ...]
    """Of `where`: `$1` onward."""
    after: str = ""
    after_arguments: tuple[object, ...] = ()
    """The cursor's condition and its parameters, numbered after those of `where`."""
    order: str
    page: int
    limit: int
    offset: int
    cursor_possible: bool


@dataclass(slots=True)
class _Conditions:
    """Conditions joined by `and`, numbering their parameters."""

    texts: list[str] = field(default_factory=list)
    arguments: list[object] = field(default_factory=list)

    def add(self, text: str, *arguments: object) -> None:
        """Add a condition; each `{}` in it becomes the place of the next argument."""
        places = [f"${len(self.arguments) + number}" for number in range(1, len(arguments) + 1)]
        self.texts.append(text.format(*places))
        self.arguments += arguments


def read_job_list(asked: Mapping[str, str], *, organization_id: str, evidence_required: int, now: datetime) -> JobList:
    """Return what a query string asks for.

    Raises:
        Refusal: 400, naming the parameter.

    """
    page = max(1, _whole(asked.get("page"), 1))
    limit = _whole(asked.get("limit") or asked.get("page_size"), 0)
    limit = limit if limit > 0 else DEFAULT_LIMIT
    if limit > MAX_LIMIT:
        raise invalid(f"limit must be at most {MAX_LIMIT}", field="limit")
    offset = (page - 1) * limit
    if offset > MAX_OFFSET:
        raise invalid(f"page reaches beyond row {MAX_OFFSET}; narrow the filters or use a cursor", field="page")

    conditions = _Conditions()
    conditions.add("j.organization_id = {} and j.deleted_at is null", organization_id)
    _add_states(conditions, asked, evidence_required)
    _add_search(conditions, asked.get("q", ""))
    _add_times(conditions, asked, now)

    sort, descending = _sorting(asked)
    after = _Conditions(arguments=list(conditions.arguments))
    cursor = asked.get("cursor")
    if cursor:
        _add_cursor(after, cursor, sort, descending=descending)
    direction = "desc" if descending else "asc"
    order = f"{_SORT_COLUMNS[sort]} {direction} nulls last" if sort != "created_at" else f"j.created_at {direction}"
    tie_break = "" if sort == "created_at" else ", j.created_at desc"
    return JobList(
        where=" and ".join(conditions.texts),
        arguments=tuple(conditions.arguments),
        after="".join(f" and {text}" for text in after.texts),
        after_arguments=tuple(after.arguments[len(conditions.arguments) :]),
        order=f"{order}{tie_break}, j.id",
        page=page,
        limit=limit,
        offset=0 if cursor else offset,
        cursor_possible=sort == "created_at",
    )


def _whole(text: str | None, otherwise: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return otherwise


def _yes(text: str | None) -> bool:
    return text in ("true", "1")


def _add_states(conditions: _Conditions, asked: Mapping[str, str], evidence_required: int) -> None:
    status = asked.get("status")
    if status:
        status = _STATUS_SYNONYMS.get(status, status)
        if status not in JOB_STATUSES:
            raise invalid(f"status must be one of {', '.join(JOB_STATUSES)}", field="status")
        conditions.add("j.status = {}", status)
    if not _yes(asked.get("include_archived")) and status != "archived":
        conditions.add("j.archived_at is null")
    if risk_level := asked.get("risk_level"):
        if risk_level not in RISK_LEVELS:
            raise invalid(f"risk_level must be one of {', '.join(RISK_LEVELS)}", field="risk_level")
        conditions.add("j.risk_level = {}", risk_level)
    if _yes(asked.get("missing_evidence")):
        documents = "select count(*) from public.documents d where d.job_id = j.id and d.deleted_at is null"
        conditions.add(f"({documents}) < {{}}::bigint", evidence_required)


def _add_search(conditions: _Conditions, sought: str) -> None:
    sought = sought.replace("\0", "").strip()
    if not sought:
        return
    try:
        conditions.add("j.id = {}", str(uuid.UUID(sought)))
    except ValueError:
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", sought) + "%"
        matches = " or ".join(f"j.{column} ilike {{0}}" for column in _SEARCHED)
        conditions.add(f"({matches})", pattern)


def _add_times(conditions: _Conditions, asked: Mapping[str, str], now: datetime) -> None:
    time_range = asked.get("time_range")
    if time_range and time_range != "all":
        if not (days := re.fullmatch(r"(\d{1,4})d", time_range)):
            raise invalid("time_range must be 'all' or a number of days such as 30d", field="time_range")
        conditions.add("j.created_at >= {}", now - timedelta(days=int(days[1])))
    for column, prefix in (("created_at", "created"), ("completed_at", "completed")):
        if after := asked.get(f"{prefix}_after"):
            conditions.add(f"j.{column} >= {{}}", _bound(after, f"{prefix}_after", end_of_day=False))
        if before := asked.get(f"{prefix}_before"):
            conditions.add(f"j.{column} < {{}}", _bound(before, f"{prefix}_before", end_of_day=True))


def _bound(text: str, name: str, *, end_of_day: bool) -> datetime:
    """Return an instant; a date without a time is a whole day in UTC."""
    try:
        instant = parse_instant(text)
        return instant + timedelta(days=1) if end_of_day and "T" not in text else instant
    except (ValueError, OverflowError):
        raise invalid(f"{name} must be an ISO date or timestamp", field=name) from None


def _sorting(asked: Mapping[str, str]) -> tuple[str, bool]:
    """Return the column's name and whether it descends."""
    sort = asked.get("sort") or "created_at"
    if sort in _SORT_COLUMNS:
        return sort, asked.get("order", "desc").lower() != "asc"
    word, _, direction = sort.rpartition("_")
    word = word if direction in ("asc", "desc") else sort
    if word not in _SORT_WORDS:
        raise invalid(f"sort must be one of {', '.join(dict.fromkeys([*_SORT_COLUMNS, *_SORT_WORDS]))}", field="sort")
    if direction in ("asc", "desc"):
        return _SORT_WORDS[word], direction == "desc"
    return _SORT_WORDS[word], word != "oldest"


def _add_cursor(after: _Conditions, cursor: str, sort: str, *, descending: bool) -> None:
    if sort != "created_at":
        raise invalid(
            f"A list sorted by {sort} has no cursor; use page", code="PAGINATION_CURSOR_NOT_SUPPORTED", field="cursor"
        )
    created_at, _, job_id = cursor.partition("|")
    try:
        stamp, last_id = parse_instant(created_at), str(uuid.UUID(job_id))
    except ValueError:
        raise invalid("cursor must be one that a list returned", field="cursor") from None
    earlier = "<" if descending else ">"
    after.add(
        f"(j.created_at {earlier} {{0}} or (j.created_at = {{0}} and j.id > {{1}}))",
        stamp,
        last_id,
    )
