"""The form of Apple's push service."""

from datetime import UTC, datetime

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.push.apns import (
    LONGEST_COLLAPSE_ID_BYTES,
    LONGEST_PAYLOAD_BYTES,
    Delivered,
    Later,
    Notification,
    Outcome,
    Refused,
    TokenGone,
    backoff_ms,
    collapse_id,
    outcome_of,
    provider_token,
    request_body,
    request_headers,
)

KINDS = ["proof_pack_ready", "job_flagged", "compliance_violation"]


def notification(kind: str = "job_flagged") -> Notification:
    """Return a notification."""
    return Notification(
        apns_id="6b1f0c7e-0000-4000-8000-000000000001",
        token="ab" * 32,
        kind=kind,
        job_id="6b1f0c7e-0000-4000-8000-000000000002",
        entity_id="6b1f0c7e-0000-4000-8000-000000000003",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_a_request_has_the_services_headers() -> None:
    """Names in lower case, the token in the path, an hour until it is worthless."""
    headers = dict(request_headers(notification(), authority="host:1", topic="org.example", bearer="t"))

    assert headers == {
        ":method": "POST",
        ":scheme": "http",
        ":authority": "host:1",
        ":path": "/3/device/" + "ab" * 32,
        "authorization": "bearer t",
        "apns-id": "6b1f0c7e-0000-4000-8000-000000000001",
        "apns-topic": "org.example",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(1767225600 + 3600),
        "apns-collapse-id": "job_flagged:6b1f0c7e-0000-4000-8000-000000000002",
        "content-type": "application/json",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits(kind: str) -> None:
    """Its alert has a title and a body, the payload and the collapse id are within their limits."""
    body = request_body(notification(kind))

    assert set(orjson.loads(body)["aps"]["alert"]) == {"title", "body"}
    assert len(body) <= LONGEST_PAYLOAD_BYTES
    assert len(collapse_id(notification(kind))) <= LONGEST_COLLAPSE_ID_BYTES
    assert collapse_id(notification(kind)).startswith(f"{kind}:")


def test_the_providers_token_says_who_and_when() -> None:
    """Issuer, time and key, as the service's form has them."""
    token = provider_token("s" * 32, issued_at_s=7)

    assert jwt.decode(token, "s" * 32, algorithms=["HS256"], options={"verify_iat": False})["iat"] == 7
    assert "kid" in jwt.get_unverified_header(token)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, {}, b"", Delivered()),
        (410, {}, b'{"reason": "Unregistered", "timestamp": 1500}', TokenGone(1.5)),
        (410, {}, b"not JSON", TokenGone(None)),
        (429, {}, b'{"reason": "TooManyRequests"}', Later(retry_after_s=None, everybody=False)),
        (503, {"retry-after": "7"}, b"", Later(retry_after_s=7.0, everybody=True)),
        (503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", Later(retry_after_s=None, everybody=True)),
        (500, {}, b"[]", Later(retry_after_s=None, everybody=False)),
        (403, {}, b'{"reason": "ExpiredProviderToken"}', Later(retry_after_s=None, everybody=False)),
        (403, {}, b'{"reason": "InvalidProviderToken"}', Refused()),
        (400, {}, b'{"reason": "BadDeviceToken"}', Refused()),
        (413, {}, b"", Refused()),
    ],
)
def test_an_answer_decides_what_becomes_of_a_delivery(
    status: int, headers: dict[str, str], body: bytes, expected: Outcome
) -> None:
    """Delivered, forgotten, later, or never."""
    assert outcome_of(status, headers, body) == expected


@given(attempt=st.integers(1, 200), random=st.floats(0, 1))
def test_a_pause_doubles_up_to_its_limit(attempt: int, random: float) -> None:
    """And lies between half of it and the whole."""
    pause = backoff_ms(attempt, first_ms=100, longest_ms=5000, random=random)
    whole = min(5000, 100 * 2 ** (attempt - 1))

    assert whole / 2 <= pause <= whole
