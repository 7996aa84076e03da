"""Refusals in PostgREST's form, and which HTTP status a PostgreSQL error has.

Source: PostgREST's reference, "Errors". Pure.
"""

from dataclasses import dataclass
from typing import Any, Final

_BY_CODE: Final = {
    "23503": 409, "23505": 409, "25006": 405, "53400": 500, "57P01": 503, "P0001": 400,
    "42883": 404, "42P01": 404, "42P17": 500,
}  # fmt: skip
_BY_CLASS: Final = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
    "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip
_INSUFFICIENT_PRIVILEGE: Final = "42501"


@dataclass(eq=False)
class RestRefusal(Exception):  # noqa: N818 - an outcome
    """A request that is refused: HTTP status, code, and up to three texts."""

    status: int
    code: str
    message: str
    details: str | None = None
    hint: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {"code": self.code, "details": self.details, "hint": self.hint, "message": self.message}

    @property
    def challenge(self) -> str | None:
        """The `WWW-Authenticate` header of a 401."""
        if self.status != 401:
            return None
        if self.code.startswith("PGRST"):
            return f'Bearer error="invalid_token", error_description="{self.message}"'
        return "Bearer"


def status_of(sqlstate: str, *, is_anonymous: bool) -> int:
    """Return the HTTP status of a PostgreSQL error; a stranger who may not is asked who they are."""
    if sqlstate == _INSUFFICIENT_PRIVILEGE:
        return 401 if is_anonymous else 403
    return _BY_CODE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2], 400)


def unreadable(parameter: str, text: str, why: str) -> RestRefusal:
    """Return the refusal of a query parameter that cannot be read."""
    return RestRefusal(400, "PGRST100", f"failed to parse {parameter} ({text})", why)


def unknown_table(name: str) -> RestRefusal:
    """Return the refusal of a table that is not there."""
    return RestRefusal(404, "PGRST205", f"Could not find the table 'public.{name}' in the schema cache")


def unknown_column(table: str, column: str) -> RestRefusal:
    """Return the refusal of a column that a filter, an order or a list of columns names."""
    return RestRefusal(400, "42703", f"column {table}.{column} does not exist")


def unknown_key(table: str, column: str) -> RestRefusal:
    """Return the refusal of a column that a body names."""
    return RestRefusal(400, "PGRST204", f"Could not find the '{column}' column of '{table}' in the schema cache")
