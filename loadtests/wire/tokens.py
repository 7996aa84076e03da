"""Supabase-style tokens: HS256 JWTs with `sub`, `role`, `exp`, as GoTrue mints them and the pipeline checks them.

The time is passed in: nothing here reads a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

ALGORITHM = "HS256"
AUDIENCE = "authenticated"


def mint(secret: str, *, role: str, expires_at_s: int, subject: str | None = None) -> str:
    """Return a signed token; `expires_at_s` is Unix time in seconds."""
    claims: dict[str, Any] = {"role": role, "aud": AUDIENCE, "exp": expires_at_s}
    if subject is not None:
        claims["sub"] = subject
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What a token says of its own time; Unix time in seconds."""

    expires_at_s: int
    lasts_s: int | None
    """From its issue to its end; None where it does not say when it was issued."""


def lifetime_of(token: str) -> Lifetime | None:
    """Return how long a token lasts by its own words, which nobody has verified; None: it says nothing of it."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float):
        return None
    return Lifetime(int(expires), int(expires - issued) if isinstance(issued, int | float) else None)


class NoTokenError(LookupError):
    """Somebody has neither a token nor a secret to mint one with. The text says who, and what helps."""


def token_of(user_id: str, *, given: Mapping[str, str], secret: str, expires_at_s: int) -> str:
    """Return a user's access token: the given one, or one that is minted with the secret.

    Raises:
        NoTokenError: there is neither.

    """
    token = given.get(user_id)
    if token is not None:
        return token
    if not secret:
        raise NoTokenError(f"no access token for user {user_id}: give one in the target's CSV file, or a JWT secret")
    return mint(secret, role="authenticated", expires_at_s=expires_at_s, subject=user_id)
