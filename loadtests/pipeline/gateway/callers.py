"""Who asks: the project's key, which every request carries, and the bearer token, which says as whom.

Pure; the time is passed in. Knows no route: what is refused, and in which words, is decided by those who ask here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import orjson

from loadtests.wire.tokens import ALGORITHM


@dataclass(eq=False)
class BearerRefused(Exception):  # noqa: N818 - an outcome
    """A token that proves nothing; the text says why."""

    text: str
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token proves."""

    claims: Mapping[str, Any]

    @property
    def role(self) -> str:
        """The database role; `anon` if the token names none."""
        return str(self.claims.get("role", "anon"))

    @property
    def text(self) -> str:
        """The claims as JSON: the value of `request.jwt.claims`."""
        return orjson.dumps(dict(self.claims)).decode()


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an `Authorization` header; None if there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def read_bearer(token: str, secret: str, now_s: float) -> Bearer:
    """Return what a token proves at Unix time `now_s`.

    Raises:
        BearerRefused: it is malformed, forged or expired.

    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError as error:
        raise BearerRefused("signature is invalid") from error
    except (jwt.InvalidTokenError, ValueError) as error:
        raise BearerRefused(str(error)) from error
    expires_at_s = claims.get("exp")
    if expires_at_s is not None and not isinstance(expires_at_s, int | float):
        raise BearerRefused("the claim exp is no number")
    if expires_at_s is not None and now_s >= expires_at_s:
        raise BearerRefused("token is expired", has_expired=True)
    return Bearer(claims)
