"""Tokens as the server sees them: verified claims, or the refusal in Supabase Realtime's own words.

The time is passed in. Knows nothing of channels or HTTP.
"""

import re
from dataclasses import dataclass
from math import inf
from typing import Any, Final
from urllib.parse import unquote

import jwt
import orjson

from loadtests.pipeline.realtime.elixir import inspect
from loadtests.pipeline.realtime.signatures import Signatures

_ALGORITHMS: Final = ("HS256", "HS384", "HS512")
_EPHEMERAL: Final = frozenset({"exp", "iat", "jti"})
"""Claims that differ between two tokens of one user and that no policy asks for."""
_CACHED_TOKENS: Final = 4096
_JWS: Final = jwt.PyJWS(algorithms=_ALGORITHMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who a subscriber is for row-level security; equal for all tokens of one user."""

    role: str
    text: str
    """The claims as JSON, without `exp`, `iat` and `jti`, keys sorted: the value of `request.jwt.claims`."""

    @property
    def subject(self) -> str:
        """The user's id; empty if the token names nobody."""
        return str(orjson.loads(self.text).get("sub", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """A token that was signed with our secret and has not expired."""

    claims: Claims
    expires_at_s: float
    """Unix time; infinite if `exp` is there but no number."""
    unfit: str = ""
    """Empty, unless `exp` is no integer. The real server opens a socket for such a token, and no channel; and when it
    closes one for it, it shows what it has read, in Elixir's notation."""

    @property
    def opens_channels(self) -> bool:
        """Whether a channel can be joined with the token."""
        return not self.unfit


class TokenRefused(Exception):  # noqa: N818 - an outcome, named as the protocol names it
    """A token that is not accepted: `code` and `text` as Realtime's ERROR_CODES and answers have them."""

    def __init__(self, code: str, text: str, *, atom: str | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.atom = atom
        """What a channel says instead of the text when it is closed for the token: the server shows its own atom."""


class TokenVerifier:
    """Verify tokens against one secret; remembers the newest signatures, because every socket shows the apikey."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._signatures = Signatures(secret.encode())
        self._known: dict[str, VerifiedToken] = {}

    def verify(self, token: str, now_s: float) -> VerifiedToken:
        """Return the token's claims; `now_s` is Unix time.

        Raises:
            TokenRefused: malformed, wrongly signed, without `role` or `exp`, or expired.

        """
        verified = self._known.get(token)
        if verified is None:
            verified = self._check(token, now_s)
            if len(self._known) >= _CACHED_TOKENS:
                del self._known[next(iter(self._known))]
            self._known[token] = verified
        _refuse_expired(verified.expires_at_s, now_s)
        return verified

    def _check(self, token: str, now_s: float) -> VerifiedToken:
        payload = self._signatures.payload(token)
        claims = None if payload is None else _object(payload)
        if claims is None:
            bare = re.sub(r"\s", "", unquote(token))
            claims, algorithm = _signed_claims(bare, self._secret)
            self._signatures.learn(bare, algorithm)
        return _verified(claims, now_s)


def expired(now_s: float, expires_at_s: float) -> TokenRefused:
    """Return the refusal of a token that expired at `expires_at_s`."""
    return TokenRefused("InvalidJWTToken", f"Token has expired {int(now_s - expires_at_s)} seconds ago")


def _refuse_expired(expires_at_s: float, now_s: float) -> None:
    if expires_at_s <= now_s:
        raise expired(now_s, expires_at_s)


def _verified(claims: dict[str, Any], now_s: float) -> VerifiedToken:
    expires_at: Any = claims.get("exp")
    is_number = isinstance(expires_at, int | float) and not isinstance(expires_at, bool)
    expires_at_s = float(expires_at) if is_number else inf
    _refuse_expired(expires_at_s, now_s)
    if not {"role", "exp"} <= claims.keys():
        raise TokenRefused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    role = claims["role"]
    lasting = {key: value for key, value in claims.items() if key not in _EPHEMERAL}
    text = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS).decode()
    as_text = role if isinstance(role, str) else orjson.dumps(role).decode()
    return VerifiedToken(
        claims=Claims(role=as_text, text=text),
        expires_at_s=expires_at_s,
        unfit="" if is_number and isinstance(expires_at, int) else "{:ok, " + inspect(claims) + "}",
    )


def _object(payload: bytes) -> dict[str, Any] | None:
    """Return a JSON object; None if it is something else."""
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return claims if isinstance(claims, dict) else None


def _signed_claims(token: str, secret: str) -> tuple[dict[str, Any], str]:
    """Return the claims of a token with a good signature, and its algorithm.

    A token that is none is told from one that is forged.
    """
    try:
        parts: dict[str, Any] = _JWS.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError) as error:
        raise _malformed() from error
    claims = _object(parts["payload"])
    if claims is None:
        raise _malformed()
    header = parts["header"]
    if header.get("typ") != "JWT" or header.get("alg") not in _ALGORITHMS:
        text = "Failed to generate JWT signer, check your JWT secret or JWKS configuration"
        raise TokenRefused("JwtSignerError", text, atom=":error_generating_signer")
    if not _is_signed(token, header["alg"], parts["signature"], secret):
        raise TokenRefused("JwtSignatureError", "Failed to validate JWT signature", atom=":signature_error")
    return claims, header["alg"]


def _is_signed(token: str, name: str, signature: bytes, secret: str) -> bool:
    """Whether the signature is that of the token's other two parts, which need not be decoded a second time."""
    algorithm = _JWS.get_algorithm_by_name(name)
    signed = token.rpartition(".")[0].encode()
    return algorithm.verify(signed, algorithm.prepare_key(secret), signature)


def _malformed() -> TokenRefused:
    return TokenRefused("MalformedJWT", "The token provided is not a valid JWT")
