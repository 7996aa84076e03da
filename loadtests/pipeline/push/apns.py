"""The form of Apple's push service: what a request says, and what an answer means for the delivery.

Pure. The form is Apple's "Sending notification requests to APNs" and "Handling notification responses from APNs":
`POST /3/device/<token>` over HTTP/2, errors as a JSON object with `reason`, and for 410 `timestamp` in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import jwt
import orjson

Headers = list[tuple[str, str]]

TOKEN_LIFETIME_S: Final = 40 * 60
"""A provider's token may be 20 to 60 minutes old."""
LONGEST_PAYLOAD_BYTES: Final = 4096
LONGEST_COLLAPSE_ID_BYTES: Final = 64
_WORTH_TELLING_S: Final = 3600
_IMMEDIATE: Final = "10"

_ALERTS: Final = {
    "proof_pack_ready": ("Proof pack ready", "The proof pack you can hand over is ready."),
    "job_flagged": ("Job flagged", "A job was flagged for review."),
    "compliance_violation": ("Compliance violation", "Evidence for a job was rejected."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification for one device."""

    apns_id: str
    token: str
    kind: str
    job_id: str
    entity_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service took it."""


@dataclass(frozen=True, slots=True)
class TokenGone:
    """The app is no longer on that device, since that time in Unix seconds if the service says when."""

    since_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Try again, after so many seconds if the service says how many."""

    retry_after_s: float | None
    everybody: bool
    """The service as a whole is busy, not this device alone."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Sending the same again would be refused again."""


Outcome = Delivered | TokenGone | Later | Refused


def provider_token(secret: str, *, issued_at_s: int) -> str:
    """Return the token by which a provider proves who it is; Apple's is signed with ES256, in the same form."""
    return jwt.encode(
        {"iss": "TEAMID0000", "iat": issued_at_s}, secret, algorithm="HS256", headers={"kid": "KEYID00000"}
    )


def request_headers(notification: Notification, *, authority: str, topic: str, bearer: str) -> Headers:
    """Return the headers of the request that delivers a notification."""
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", authority),
        (":path", f"/3/device/{notification.token}"),
        ("authorization", f"bearer {bearer}"),
        ("apns-id", notification.apns_id),
        ("apns-topic", topic),
        ("apns-push-type", "alert"),
        ("apns-priority", _IMMEDIATE),
        ("apns-expiration", str(int(notification.created_at.timestamp()) + _WORTH_TELLING_S)),
        ("apns-collapse-id", collapse_id(notification)),
        ("content-type", "application/json"),
    ]


def collapse_id(notification: Notification) -> str:
    """Return what notifications that replace one another on the screen share: the kind and the job."""
    return f"{notification.kind}:{notification.job_id}"[:LONGEST_COLLAPSE_ID_BYTES]


def request_body(notification: Notification) -> bytes:
    """Return the JSON that the app receives."""
    title, body = _ALERTS[notification.kind]
    return orjson.dumps(
        {
            "aps": {"alert": {"title": title, "body": body}, "sound": "default", "thread-id": notification.job_id},
            "kind": notification.kind,
            "job_id": notification.job_id,
            "entity_id": notification.entity_id,
        }
    )


def outcome_of(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Return what an answer means."""
    if status == 200:
        return Delivered()
    if status == 410:
        since_ms = _said(body).get("timestamp")
        return TokenGone(since_ms / 1000 if isinstance(since_ms, int | float) else None)
    if status == 429 or status >= 500:
        return Later(retry_after_s=_seconds(headers.get("retry-after")), everybody=status == 503)
    if status == 403 and reason_of(body) == "ExpiredProviderToken":
        return Later(retry_after_s=None, everybody=False)
    return Refused()


def reason_of(body: bytes) -> str | None:
    """Return the reason that an error names."""
    reason = _said(body).get("reason")
    return reason if isinstance(reason, str) else None


def backoff_ms(attempt: int, *, first_ms: int, longest_ms: int, random: float) -> float:
    """Return the pause after the attempt of this number, from 1: doubling, and between half and the whole of it.

    `random` is from 0 to 1: without it everybody who was refused together would come back together.
    """
    whole_ms = min(longest_ms, first_ms << min(attempt - 1, 30))
    return whole_ms * (0.5 + random / 2)


def _said(body: bytes) -> dict[str, object]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
