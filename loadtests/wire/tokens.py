"""Supabase-style tokens: HS256 JWTs with `sub`, `role`, `exp`, as GoTrue mints them and the pipeline checks them.

The time is passed in: nothing here reads a clock.
"""

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
