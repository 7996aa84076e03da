"""Tokens as GoTrue mints them."""

import jwt
import pytest

from loadtests.wire.tokens import ALGORITHM, AUDIENCE, Lifetime, lifetime_of, mint

SECRET = "a secret that is long enough for HS256"
FAR = 4_000_000_000


def test_a_users_token_has_the_claims_that_policies_read() -> None:
    """Subject, role, audience, expiry."""
    token = mint(SECRET, role="authenticated", subject="me", expires_at_s=FAR)

    assert jwt.decode(token, SECRET, algorithms=[ALGORITHM], audience=AUDIENCE) == {
        "role": "authenticated",
        "aud": "authenticated",
        "exp": FAR,
        "sub": "me",
    }


def test_a_key_is_nobodys() -> None:
    """Anonymous and service keys have a role and no subject."""
    token = mint(SECRET, role="anon", expires_at_s=FAR)

    assert "sub" not in jwt.decode(token, SECRET, algorithms=[ALGORITHM], audience=AUDIENCE)


def test_another_secret_does_not_open_it() -> None:
    """The signature is what makes a token worth something."""
    token = mint(SECRET, role="anon", expires_at_s=FAR)

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, SECRET[::-1], algorithms=[ALGORITHM], audience=AUDIENCE)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1000, "iat": 400}, Lifetime(1000, 600)),
        ({"exp": 1000}, Lifetime(1000, None)),
        ({"sub": "me"}, None),
    ],
)
def test_a_token_tells_how_long_it_lasts(claims: dict[str, int], told: Lifetime | None) -> None:
    """Whoever signed it, and however long ago."""
    assert lifetime_of(jwt.encode(claims, SECRET, algorithm=ALGORITHM)) == told


def test_what_is_no_token_tells_nothing() -> None:
    """Some backends give others."""
    assert lifetime_of("sbp_0123") is None
