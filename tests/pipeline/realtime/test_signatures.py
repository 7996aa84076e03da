"""The short way accepts nothing that the library would not."""

import base64
import hashlib
import hmac

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.claims import TokenRefused, TokenVerifier
from loadtests.pipeline.realtime.signatures import Signatures

SECRET = "a secret of at least thirty-two bytes"
NOW_S = 1_800_000_000.0
CLAIMS = {"role": "authenticated", "sub": "u", "exp": NOW_S + 60}
TOKEN = jwt.encode(CLAIMS, SECRET, algorithm="HS256")


def signed(header: str, payload: str) -> str:
    """Return a token of these two parts, which may be anything, with a good signature."""
    digest = hmac.digest(SECRET.encode(), f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def informed() -> Signatures:
    """Return what has seen one good token."""
    signatures = Signatures(SECRET.encode())
    signatures.learn(TOKEN, "HS256")
    return signatures


def test_a_token_like_one_before_is_read() -> None:
    """Same header, another payload."""
    other = jwt.encode({**CLAIMS, "sub": "v"}, SECRET, algorithm="HS256")

    assert informed().payload(other) == b'{"role":"authenticated","sub":"v","exp":1800000060.0}'


def test_nothing_is_known_before_the_first_token() -> None:
    """Whether a header is acceptable is for the library to say."""
    assert Signatures(SECRET.encode()).payload(TOKEN) is None


HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(CLAIMS, "b" * 40, algorithm="HS256"),
        jwt.encode(CLAIMS, SECRET * 2, algorithm="HS512"),
        jwt.encode(CLAIMS, "", algorithm="none"),
        f"{HEADER}.{PAYLOAD}.",
        f"{HEADER}.{PAYLOAD}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}=",
        f"{HEADER}.{PAYLOAD}.é",
        f"{HEADER}..{SIGNATURE}",
        HEADER,
        "",
        signed(HEADER, PAYLOAD + "="),
        signed(HEADER, PAYLOAD + "!"),
        signed(HEADER, "eyJ+"),
        signed(HEADER, "e30.e30"),
        signed(HEADER, "abcde"),
    ],
)
def test_whatever_is_unusual_is_left_to_the_library(token: str) -> None:
    """Another key, algorithm, spelling or number of parts: the short way says nothing."""
    assert informed().payload(token) is None


def outcome(verifier: TokenVerifier, token: str) -> object:
    """Return what becomes of a token."""
    try:
        return verifier.verify(token, NOW_S)
    except TokenRefused as refusal:
        return str(refusal)


@given(
    payload=st.text("eyJ9+/=-_.! ", max_size=12)
    | st.binary(max_size=12).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
)
def test_both_ways_come_to_the_same(payload: str) -> None:
    """A verifier that knows the header and one that knows nothing agree on any payload that is signed."""
    knowing = TokenVerifier(SECRET)
    knowing.verify(TOKEN, NOW_S)
    token = signed(HEADER, payload)

    assert outcome(knowing, token) == outcome(TokenVerifier(SECRET), token)
