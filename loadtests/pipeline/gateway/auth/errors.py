"""Refusals in GoTrue's two forms: the one of today's API version for those who ask for it, the older one for others.

Source: supabase/auth, `internal/api/errors.go` and `apierrors`; the client's half is `supabase_auth.helpers`.
"""

from dataclasses import dataclass, field
from typing import Any, Final

API_VERSION_HEADER: Final = "x-supabase-api-version"
_CODES_IN_CODE: Final = "2024-01-01"
"""From this API version on, `code` is the error's name; before, it is the HTTP status."""


@dataclass(eq=False)
class AuthRefusal(Exception):  # noqa: N818 - an outcome
    """A request that is refused: HTTP status, GoTrue's name for it, and a sentence."""

    status: int
    error_code: str
    text: str
    more: dict[str, Any] = field(default_factory=dict)
    """What else the body says."""

    def body(self, api_version: str | None) -> dict[str, Any]:
        """Return the answer's body for who asks in this API version (`YYYY-MM-DD`)."""
        if api_version is not None and api_version >= _CODES_IN_CODE:
            return {"code": self.error_code, "message": self.text, **self.more}
        return {"code": self.status, "error_code": self.error_code, "msg": self.text, **self.more}


def weak_password(least: int) -> AuthRefusal:
    """Return the refusal of a password shorter than `least`."""
    return AuthRefusal(
        422,
        "weak_password",
        f"Password should be at least {least} characters.",
        {"weak_password": {"reasons": ["length"]}},
    )


def validation_failed(text: str, status: int = 400) -> AuthRefusal:
    """Return the refusal of a malformed request."""
    return AuthRefusal(status, "validation_failed", text)


def invalid_credentials() -> AuthRefusal:
    """Return the refusal of a wrong e-mail address or password; it does not say which."""
    return AuthRefusal(400, "invalid_credentials", "Invalid login credentials")
