"""A project's accounts over HTTP: a password or a refresh token is exchanged for a pair of tokens.

One request each, in GoTrue's words. When to ask, how often, and what a refusal means is decided elsewhere.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpx

from loadtests.checks.readiness import Answered
from loadtests.targets.answers import answered, read_json, unanswered
from loadtests.wire.retry_after import retry_after_s

_TIMEOUT_S: Final = 10.0
_CONNECT_S: Final = 5.0
_VERSION: Final = {"x-supabase-api-version": "2024-01-01"}
"""Refusals then name themselves."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What signing in and refreshing give."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(eq=False)
class NoPairError(RuntimeError):
    """There was none. It holds nothing secret."""

    told: Answered
    """Status 0: there was no answer."""
    retry_after_s: float | None = None

    @property
    def status(self) -> int:
        """The answer's status; 0: there was none."""
        return self.told.status or 0

    def __str__(self) -> str:
        """Say what the accounts' API says."""
        status = f"answers {self.told.status}" if self.told.status else "cannot be reached"
        return f"the accounts' API {status} ({self.told.says})" if self.told.says else f"the accounts' API {status}"


class Accounts:
    """The door to a project's accounts; usable from several threads."""

    def __init__(self, supabase_url: str, anon_key: str, *, verify: Any = True) -> None:
        self.url: Final = f"{supabase_url}/auth/v1/token"
        timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S)
        self._client = httpx.Client(timeout=timeout, verify=verify, headers={"apikey": anon_key, **_VERSION})

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Ask no more."""
        self._client.close()

    def sign_in(self, email: str, password: str) -> Pair:
        """Begin a session.

        Raises:
            NoPairError: they let nobody in.

        """
        return self._ask("password", {"email": email, "password": password})

    def refresh(self, refresh_token: str) -> Pair:
        """Renew a session; the refresh token is spent.

        Raises:
            NoPairError: they gave none; with a status of 0 or 5xx the refresh token may be spent all the same, and
                still leads to the pair that came for it.

        """
        return self._ask("refresh_token", {"refresh_token": refresh_token})

    def _ask(self, grant: str, body: dict[str, str]) -> Pair:
        try:
            answer = self._client.post(self.url, params={"grant_type": grant}, json=body)
        except httpx.HTTPError as error:
            raise NoPairError(unanswered(self.url, error)) from error
        pair = read_json(answer.content)
        if answer.is_success and isinstance(pair, dict) and pair.get("access_token") and pair.get("refresh_token"):
            return Pair(str(pair["access_token"]), str(pair["refresh_token"]))
        after = answer.headers.get("retry-after")
        raise NoPairError(
            answered(self.url, answer), None if after is None else retry_after_s(after, now=datetime.now(UTC))
        )
