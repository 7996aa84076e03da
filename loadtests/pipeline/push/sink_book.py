"""What a push service would answer, and what was asked of it: the rules and the counts of the sink.

Pure: a request in, an answer out. Refuses what Apple's service refuses, with its reasons; whatever else it is to
answer it is told.
"""

import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from loadtests.pipeline.push.apns import LONGEST_COLLAPSE_ID_BYTES, LONGEST_PAYLOAD_BYTES

KEPT: Final = 1000
"""The newest accepted notifications, which can be asked for."""
_PATH: Final = re.compile(r"/3/device/((?:[0-9a-f]{2})+)")
_PUSH_TYPES: Final = frozenset({"alert", "background", "voip", "complication", "fileprovider", "mdm", "liveactivity"})
_REASONS: Final = {
    400: "BadDeviceToken",
    403: "ExpiredProviderToken",
    410: "Unregistered",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


@dataclass(frozen=True, slots=True)
class SinkAnswer:
    """A status, its headers and a body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Refusal:
    """What to answer instead of 200, how often, and to whom."""

    status: int
    reason: str
    retry_after_s: int | None = None
    times: int | None = None
    """How often still; None is always."""
    tokens: frozenset[str] = frozenset()
    """Devices that it is for; none means all."""
    timestamp_ms: int | None = None
    """Since when the device is gone, for 410."""

    @classmethod
    def from_command(cls, command: Mapping[str, Any]) -> Self:
        """Return what a command such as `{"status": 503, "retry_after_s": 1, "times": 3}` asks for."""
        status = int(command["status"])
        return cls(
            status=status,
            reason=str(command.get("reason") or _REASONS.get(status, "Refused")),
            retry_after_s=command.get("retry_after_s"),
            times=command.get("times"),
            tokens=frozenset(command.get("tokens", ())),
            timestamp_ms=command.get("timestamp_ms"),
        )

    def answer(self) -> SinkAnswer:
        """Return the answer."""
        said: dict[str, object] = {"reason": self.reason}
        if self.timestamp_ms is not None:
            said["timestamp"] = self.timestamp_ms
        after = () if self.retry_after_s is None else (("retry-after", str(self.retry_after_s)),)
        return SinkAnswer(self.status, after, orjson.dumps(said))


@dataclass(slots=True)
class SinkBook:
    """Counts requests and decides their answers."""

    refusals: list[Refusal] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    """Token by `apns-id`."""
    newest: "deque[dict[str, Any]]" = field(default_factory=lambda: deque(maxlen=KEPT))
    requests: int = 0
    repeated: int = 0
    """Requests under a name that had been accepted before."""
    refused: "Counter[int]" = field(default_factory=Counter)
    """How many, by status."""

    def counts(self) -> dict[str, Any]:
        """Return what happened so far."""
        return {
            "requests": self.requests,
            "accepted": len(self.accepted),
            "repeated": self.repeated,
            "refused": {str(status): count for status, count in sorted(self.refused.items())},
        }

    def answer(self, headers: Mapping[str, str], body: bytes) -> SinkAnswer:
        """Count a request and return its answer."""
        self.requests += 1
        apns_id = headers.get("apns-id", "")
        token = _PATH.fullmatch(headers.get(":path", ""))
        answer = _malformed(headers, body) or self._told_to_refuse(token[1] if token else "")
        if answer is not None:
            self.refused[answer.status] += 1
            return SinkAnswer(answer.status, (("apns-id", apns_id), *answer.headers), answer.body)
        assert token is not None, "a malformed path was refused"
        if apns_id in self.accepted:
            self.repeated += 1
        else:
            self.accepted[apns_id] = token[1]
            shown = {name: value for name, value in headers.items() if name != "authorization"}
            self.newest.append({"token": token[1], "headers": shown, "payload": orjson.loads(body)})
        return SinkAnswer(200, (("apns-id", apns_id),))

    def _told_to_refuse(self, token: str) -> SinkAnswer | None:
        for refusal in self.refusals:
            if refusal.tokens and token not in refusal.tokens:
                continue
            if refusal.times is not None:
                refusal.times -= 1
                if refusal.times <= 0:
                    self.refusals.remove(refusal)
            return refusal.answer()
        return None


def _malformed(headers: Mapping[str, str], body: bytes) -> SinkAnswer | None:
    """Return what Apple's service says to a request that is not in its form; None for one that is."""
    checks = (
        (headers.get(":method") == "POST", 405, "MethodNotAllowed"),
        (headers.get(":path", "").startswith("/3/device/"), 404, "BadPath"),
        (_PATH.fullmatch(headers.get(":path", "")), 400, "BadDeviceToken"),
        (headers.get("authorization", "").lower().startswith("bearer "), 403, "MissingProviderToken"),
        (headers.get("apns-topic"), 400, "MissingTopic"),
        (headers.get("apns-push-type") in _PUSH_TYPES, 400, "InvalidPushType"),
        (headers.get("apns-priority", "10") in {"1", "5", "10"}, 400, "BadPriority"),
        (len(headers.get("apns-collapse-id", "").encode()) <= LONGEST_COLLAPSE_ID_BYTES, 400, "BadCollapseId"),
        (headers.get("apns-expiration", "0").isdecimal(), 400, "BadExpirationDate"),
        (_is_uuid(headers.get("apns-id", "")), 400, "BadMessageId"),
        (body, 400, "PayloadEmpty"),
        (len(body) <= LONGEST_PAYLOAD_BYTES, 413, "PayloadTooLarge"),
        (_has_aps(body), 400, "PayloadInvalid"),
    )
    for passed, status, reason in checks:
        if not passed:
            return SinkAnswer(status, (), orjson.dumps({"reason": reason}))
    return None


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def _has_aps(body: bytes) -> bool:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(payload, dict) and isinstance(payload.get("aps"), dict)
