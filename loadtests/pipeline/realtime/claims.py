"""Tokens as the server sees them: verified claims, or the refusal in Supabase Realtime's own words.

The time is passed in. Knows nothing of channels or HTTP.
"""

from dataclasses import dataclass
from typing import Any, Final

import jwt
import orjson

_ALGORITHMS: Final = ("HS256", "HS384", "HS512")
_EPHEMERAL: Final = frozenset({"exp", "iat", "jti"})
"""Claims that differ between two tokens of one user and that no policy asks for."""
_CACHED_TOKENS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who a subscriber is for row-level security; equal for all tokens of one user."""

    role: str
    text: str
    """The claims as JSON, without `exp`, `iat` and `jti`, keys sorted: the value of `request.jwt.claims`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """A token that was signed with our secret and has not expired."""

    claims: Claims
    expires_at_s: float
    """Unix time."""


class TokenRefused(Exception):  # noqa: N818 - an outcome, named as the protocol names it
    """A token that is not accepted: `code` and `text` as Realtime's ERROR_CODES and answers have them."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class TokenVerifier:
    """Verify tokens against one secret; remembers the newest signatures, because every socket shows the apikey."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._known: dict[str, VerifiedToken] = {}

    def verify(self, token: str, now_s: float) -> VerifiedToken:
        """Return the token's claims; `now_s` is Unix time.

        Raises:
            TokenRefused: malformed, wrongly signed, without `role` or `exp`, or expired.

        """
        verified = self._known.get(token)
        if verified is None:
            verified = _check(token, self._secret)
            if len(self._known) >= _CACHED_TOKENS:
                del self._known[next(iter(self._known))]
            self._known[token] = verified
        if verified.expires_at_s <= now_s:
            raise expired(now_s, verified.expires_at_s)
        return verified


def expired(now_s: float, expires_at_s: float) -> TokenRefused:
    """Return the refusal of a token that expired at `expires_at_s`."""
    return TokenRefused("InvalidJWTToken", f"Token has expired {int(now_s - expires_at_s)} seconds ago")


def _check(token: str, secret: str) -> VerifiedToken:
    try:
        payload = jwt.PyJWS().decode(token, secret, algorithms=list(_ALGORITHMS))
        claims: Any = orjson.loads(payload)
    except jwt.InvalidSignatureError as error:
        raise TokenRefused("JwtSignatureError", "Failed to validate JWT signature") from error
    except jwt.InvalidAlgorithmError as error:
        text = "Failed to generate JWT signer, check your JWT secret or JWKS configuration"
        raise TokenRefused("JwtSignerError", text) from error
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenRefused("MalformedJWT", "The token provided is not a valid JWT") from error
    if not isinstance(claims, dict):
        raise TokenRefused("MalformedJWT", "The token provided is not a valid JWT")
    role, expires_at = claims.get("role"), claims.get("exp")
    if not isinstance(role, str) or not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        raise TokenRefused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    lasting = {key: value for key, value in claims.items() if key not in _EPHEMERAL}
    text = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS).decode()
    return VerifiedToken(claims=Claims(role=role, text=text), expires_at_s=float(expires_at))
