"""What a bearer token proves."""

import jwt
import pytest

from loadtests.pipeline.gateway.callers import BearerRefused, bearer_token, read_bearer
from loadtests.wire.tokens import mint

SECRET = "a secret of the tests, which is long enough"


def test_a_token_proves_a_role_and_its_claims() -> None:
    """The claims travel into the database as JSON."""
    bearer = read_bearer(mint(SECRET, role="authenticated", subject="u", expires_at_s=100), SECRET, 99.9)

    assert bearer.role == "authenticated"
    assert bearer.text == '{"role":"authenticated","aud":"authenticated","exp":100,"sub":"u"}'


def test_without_a_role_a_token_is_anonymous() -> None:
    """As in PostgREST."""
    assert read_bearer(jwt.encode({"sub": "u"}, SECRET, "HS256"), SECRET, 0).role == "anon"


@pytest.mark.parametrize(
    ("token", "text", "has_expired"),
    [
        ("a.b", "Not enough segments", False),
        (mint("another secret, as long as it must be", role="anon", expires_at_s=100), "signature is invalid", False),
        (mint(SECRET, role="anon", expires_at_s=99), "token is expired", True),
        (jwt.encode({"role": "service_role"}, "", "none"), "The specified alg value is not allowed", False),
        (jwt.encode({"exp": "soon"}, SECRET, "HS256", {"x": "y"}), "the claim exp is no number", False),
    ],
)
def test_what_proves_nothing_is_refused(token: str, text: str, has_expired: bool) -> None:  # noqa: FBT001
    """Malformed, forged, expired, unsigned, without a readable end."""
    with pytest.raises(BearerRefused) as refusal:
        read_bearer(token, SECRET, 99)

    assert (refusal.value.text, refusal.value.has_expired) == (text, has_expired)


@pytest.mark.parametrize(
    ("header", "token"), [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("", None), (None, None)]
)
def test_the_header_has_one_form(header: str | None, token: str | None) -> None:
    """`Bearer`, in any case."""
    assert bearer_token(header) == token
