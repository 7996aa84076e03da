"""Tokens are accepted or refused in the real server's words."""

import base64

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.claims import Claims, TokenRefused, TokenVerifier

SECRET = "a secret of at least thirty-two bytes"
NOW_S = 1_800_000_000.0


def sign(claims: dict[str, object], *, secret: str = SECRET, algorithm: str = "HS256") -> str:
    """Return a token with exactly these claims."""
    return jwt.encode(claims, secret if algorithm != "none" else None, algorithm=algorithm)


GOOD = {"role": "authenticated", "sub": "u", "exp": NOW_S + 60}


def test_claims_leave_out_what_differs_between_tokens() -> None:
    """`exp`, `iat` and `jti` do not make another caller."""
    verified = TokenVerifier(SECRET).verify(sign({**GOOD, "iat": 1, "jti": "x"}), NOW_S)

    assert verified.claims == Claims(role="authenticated", text='{"role":"authenticated","sub":"u"}')
    assert verified.expires_at_s == NOW_S + 60


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("garbage", "MalformedJWT: The token provided is not a valid JWT"),
        ("", "MalformedJWT: The token provided is not a valid JWT"),
        (sign(GOOD, secret="b" * 40), "JwtSignatureError: Failed to validate JWT signature"),
        (
            sign(GOOD, algorithm="none"),
            "JwtSignerError: Failed to generate JWT signer, check your JWT secret or JWKS configuration",
        ),
        (sign({"sub": "u", "exp": NOW_S + 60}), "InvalidJWTToken: Fields `role` and `exp` are required in JWT"),
        (sign({"role": "anon"}), "InvalidJWTToken: Fields `role` and `exp` are required in JWT"),
        (sign({**GOOD, "exp": NOW_S - 100}), "InvalidJWTToken: Token has expired 100 seconds ago"),
    ],
)
def test_bad_tokens_are_refused(token: str, refusal: str) -> None:
    """Code and text are those of the answer to a join."""
    with pytest.raises(TokenRefused) as refused:
        TokenVerifier(SECRET).verify(token, NOW_S)

    assert str(refused.value) == refusal


def test_known_token_still_expires() -> None:
    """Remembering a signature does not remember the time."""
    verifier = TokenVerifier(SECRET)
    token = sign(GOOD)
    verifier.verify(token, NOW_S)

    with pytest.raises(TokenRefused, match="expired 1 seconds"):
        verifier.verify(token, NOW_S + 61)


@pytest.mark.parametrize(
    ("exp", "opens"), [(1_800_000_060, True), (NOW_S + 60.5, False), ("soon", False), (None, False)]
)
def test_expiry_that_is_no_integer_opens_no_channel(exp: object, opens: bool) -> None:  # noqa: FBT001 - a table
    """The real server lets such a token open a socket."""
    assert TokenVerifier(SECRET).verify(sign({**GOOD, "exp": exp}), NOW_S).opens_channels is opens


def test_what_was_read_of_a_token_that_opens_no_channel_is_shown() -> None:
    """The real server's own value, keys sorted."""
    verified = TokenVerifier(SECRET).verify(sign({"role": "a", "exp": "soon", "n": [1, None]}), NOW_S)

    assert verified.unfit == '{:ok, %{"exp" => "soon", "n" => [1, nil], "role" => "a"}}'


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: ".".join(base64.b64encode(data).decode() * 3)))
def test_any_text_is_verified_or_refused(token: str) -> None:
    """No token raises anything but a refusal."""
    try:
        TokenVerifier(SECRET).verify(token, NOW_S)
    except TokenRefused as refused:
        assert refused.code in ("MalformedJWT", "JwtSignerError", "JwtSignatureError")  # noqa: PT017 - both ends fit
