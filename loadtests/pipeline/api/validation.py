"""What a request's body may say: each field by name, with the check that its value must pass.

Pure. The lists of allowed words are those of the tables' constraints, so that a wrong word is a 400 with the
field's name and not a failed statement.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from loadtests.pipeline.api.errors import invalid
from loadtests.pipeline.api.timestamps import parse_instant

Check = Callable[[object], object]

_INT4_MAX = 2**31 - 1
_CANONICAL_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CLIENT_TYPES = ("residential", "commercial", "industrial", "government", "mixed")
JOB_TYPES = (
    "repair",
    "maintenance",
    "installation",
    "inspection",
    "renovation",
    "new_construction",
    "remodel",
    "other",
)
INSURANCE_STATUSES = ("verified", "pending", "missing", "not_required")
JOB_STATUSES = ("draft", "pending", "in_progress", "on_hold", "completed", "cancelled", "archived")
RISK_LEVELS = ("low", "medium", "high", "critical")
DOCUMENT_TYPES = ("insurance_certificate", "waiver", "safety_plan", "contract", "photo", "other")
PHOTO_CATEGORIES = ("before", "during", "after")


def text(value: object) -> str:
    """Accept a string that is not blank; PostgreSQL stores no NUL."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a string that is not empty")
    return value


def flag(value: object) -> bool:
    """Accept true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of error for every check
    return value


def integer(least: int, most: int = _INT4_MAX) -> Check:
    """Return a check that accepts a whole number from `least` to `most`."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


def one_of(allowed: Iterable[str]) -> Check:
    """Return a check that accepts one of these words."""
    words = tuple(allowed)

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return check


def day(value: object) -> date:
    """Accept an ISO date, or a timestamp of which only the date counts."""
    try:
        return datetime.fromisoformat(text(value)).date()
    except ValueError:
        raise ValueError("must be a date such as 2026-01-31") from None


def instant(value: object) -> datetime:
    """Accept an ISO timestamp; without an offset it is UTC."""
    try:
        return parse_instant(text(value))
    except ValueError:
        raise ValueError("must be a timestamp such as 2026-01-31T09:30:00Z") from None


def canonical_uuid(written: str) -> str:
    """Return a UUID in its canonical spelling, which nearly all have already.

    Raises:
        ValueError: it is none.

    """
    return written if _CANONICAL_UUID.fullmatch(written) else str(uuid.UUID(written))


def identifier(value: object) -> str:
    """Accept a UUID."""
    try:
        return canonical_uuid(text(value))
    except ValueError:
        raise ValueError("must be a UUID") from None


def words(value: object) -> list[str]:
    """Accept a list of strings."""
    if not isinstance(value, list):
        raise ValueError("must be a list of strings")  # noqa: TRY004 - one kind of error for every check
    return [text(item) for item in value]


def list_of(check: Check, *, most: int) -> Check:
    """Return a check that accepts a list of one to `most` values, each of which passes `check`."""

    def check_all(value: object) -> list[object]:
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise ValueError(f"must be a list of 1 to {most}")
        return [_checked_item(check, number, item) for number, item in enumerate(value)]

    return check_all


def _checked_item(check: Check, number: int, item: object) -> object:
    try:
        return check(item)
    except ValueError as error:
        raise ValueError(f"[{number}] {error}") from None


def optional(check: Check) -> Check:
    """Return a check that also accepts null."""
    return lambda value: None if value is None else check(value)


def checked(body: Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, object]:
    """Return the fields of `body` that `checks` names, in the order of `checks`.

    Raises:
        Refusal: 400, naming the field and what it must be.

    """
    accepted = {}
    for name, check in checks.items():
        if name in body:
            try:
                accepted[name] = check(body[name])
            except ValueError as error:
                raise invalid(f"{name} {error}", field=name) from None
    return accepted


def require(body: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse a body in which one of these fields is missing or empty.

    Raises:
        Refusal: 400, listing them.

    """
    missing = [name for name in names if body.get(name) in (None, "")]
    if missing:
        raise invalid(f"Missing required fields: {', '.join(missing)}", code="MISSING_REQUIRED_FIELDS", missing=missing)
