"""Refusals and their bodies: the simple form (`message`, perhaps `code`) and the structured one.

A structured error carries an id that is also in the `X-Error-ID` header, and says whether a retry can help.
Knows nothing of routes; what is written here is the API's contract with its clients.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RetryStrategy = Literal["none", "immediate", "exponential_backoff", "after_retry_after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the structured form says beyond message and code."""

    category: str
    classification: Literal["user_action_required", "transient", "internal"] = "user_action_required"
    severity: Literal["info", "warn", "error"] = "warn"
    retry_strategy: RetryStrategy = "none"
    hint: str = ""


@dataclass(kw_only=True, eq=False)  # not frozen: context managers assign an exception's traceback
class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of ours
    """A request that is answered with an error; `explanation` makes its body the structured form."""

    status: int
    message: str
    code: str | None = None
    explanation: Explanation | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def body(self, *, request_id: str, error_id: str) -> dict[str, Any]:
        """Return the JSON object of the answer."""
        body: dict[str, Any] = {"message": self.message}
        if self.code is not None:
            body["code"] = self.code
        if (why := self.explanation) is not None:
            body |= {
                "error_id": error_id,
                "request_id": request_id,
                "severity": why.severity,
                "category": why.category,
                "classification": why.classification,
                "retryable": why.retry_strategy != "none",
                "retry_strategy": why.retry_strategy,
                "error_hint": why.hint,
            }
        return body | dict(self.fields)


def not_found(what: str) -> Refusal:
    """Refuse because `what` is not there, or not for this organization."""
    return Refusal(status=404, message=f"{what} not found")


def invalid(message: str, *, code: str = "INVALID_FORMAT", hint: str = "", **fields: object) -> Refusal:
    """Refuse a request whose query or body does not say something we can act on."""
    why = Explanation(category="validation", hint=hint or "Correct the request; repeating it will not help.")
    return Refusal(status=400, message=message, code=code, explanation=why, fields=fields)


def unreadable_body(status: int, message: str) -> Refusal:
    """Refuse a body that is too large (413) or is not JSON (400)."""
    why = Explanation(category="validation", hint="Send one JSON object of at most 100 kB.")
    return Refusal(status=status, message=message, code="UNKNOWN_ERROR", explanation=why)


def forbidden(code: str, message: str, hint: str, **fields: object) -> Refusal:
    """Refuse what this person or organization may not do."""
    return Refusal(
        status=403, message=message, code=code, explanation=Explanation(category="auth", hint=hint), fields=fields
    )


def unauthorized(reason: str) -> Refusal:
    """Refuse a request without a valid token."""
    return Refusal(status=401, message=f"Unauthorized - {reason}")


def database_failed() -> Refusal:
    """Answer a request that the database did not serve."""
    why = Explanation(
        category="database",
        classification="transient",
        severity="error",
        retry_strategy="exponential_backoff",
        hint="The database refused or did not answer; the server's log has the cause under this error id.",
    )
    return Refusal(status=500, message="Database error", code="DATABASE_ERROR", explanation=why)


def internal_failure() -> Refusal:
    """Answer a request in which the API itself failed."""
    why = Explanation(
        category="internal",
        classification="internal",
        severity="error",
        retry_strategy="exponential_backoff",
        hint="A defect of the server; its log has the cause under this error id.",
    )
    return Refusal(status=500, message="Internal server error", code="INTERNAL_ERROR", explanation=why)
