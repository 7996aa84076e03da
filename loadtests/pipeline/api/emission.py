"""Event emission: after a mutation and its audit row, one small row in `realtime_events` tells everybody.

Awaited by the mutation, yet never its failure: what cannot be emitted is logged and counted. There is no
retry and no outbox, as the pipeline's design has none; that gap is part of what a load test measures. Knows
nothing of HTTP or of subscribers.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.pipeline.api.database import UNAVAILABLE, Connection
from loadtests.pipeline.api.limiter import FixedWindow

EVENTS_PER_MINUTE = 100
"""Beyond this number in a window of one minute, an organization's rows carry a `dedupe_key`."""
PAYLOAD_LIMIT_BYTES = 2048
_MINUTE_NS = 60 * 10**9

_INSERT = """
insert into public.realtime_events
    (organization_id, event_type, entity_type, entity_id, payload, dedupe_key, created_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who did it, for which organization, in which request."""

    organization_id: str
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeEvent:
    """One row to be; `extras` join the payload only while it stays within its limit."""

    organization_id: str
    event_type: str
    entity_type: str
    entity_id: str | None
    payload: Mapping[str, object]
    extras: Mapping[str, object] = field(default_factory=dict)
    created_by: str | None = None


class PayloadTooLargeError(ValueError):
    """The part of a payload that must not be left out is beyond the limit by itself."""


def payload_text(payload: Mapping[str, object], extras: Mapping[str, object]) -> str:
    """Return the JSON text to store, without `extras` if they would break the limit.

    The limit counts bytes of the text as PostgreSQL prints a `jsonb`: one space after colons and commas, and
    characters beyond ASCII as themselves.

    Raises:
        PayloadTooLargeError: `payload` alone is larger than the limit.

    """
    text = json.dumps({**payload, **extras}, ensure_ascii=False)
    if len(text.encode()) <= PAYLOAD_LIMIT_BYTES:
        return text
    if not extras:
        raise PayloadTooLargeError(f"a payload of {len(text.encode())} bytes; the limit is {PAYLOAD_LIMIT_BYTES}")
    return payload_text(payload, {})


class Emission:
    """The emission helper: writes events and counts those written and those not."""

    def __init__(self, *, monotonic_ns: Callable[[], int], wall_ns: Callable[[], int]) -> None:
        self.emitted = 0
        self.not_emitted = 0
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._limiter = FixedWindow(limit=EVENTS_PER_MINUTE, window_ns=_MINUTE_NS)

    async def emit_realtime_event(self, connection: Connection, event: RealtimeEvent) -> None:
        """Insert one event; on failure log and count it, and return as if nothing had happened."""
        try:
            await connection.execute(
                _INSERT,
                event.organization_id,
                event.event_type,
                event.entity_type,
                event.entity_id,
                payload_text(event.payload, event.extras),
                self._dedupe_key(event),
                event.created_by,
            )
        except (*UNAVAILABLE, PayloadTooLargeError) as error:
            self.not_emitted += 1
            # Once per power of two, so that an outage of minutes is a dozen lines.
            if self.not_emitted & (self.not_emitted - 1) == 0:
                _log.warning(
                    "%s of %s not emitted (%d in all): %s", event.event_type, event.entity_id, self.not_emitted, error
                )
        else:
            self.emitted += 1

    async def emit_job_event(
        self,
        connection: Connection,
        cause: Cause,
        event_type: str,
        job_id: str,
        *,
        extras: Mapping[str, object] | None = None,
    ) -> None:
        """Tell that a job was created, updated, archived or flagged."""
        event = RealtimeEvent(
            organization_id=cause.organization_id,
            event_type=event_type,
            entity_type="job",
            entity_id=job_id,
            payload={"job_id": job_id, "request_id": cause.request_id},
            extras=extras or {},
            created_by=cause.user_id,
        )
        await self.emit_realtime_event(connection, event)

    async def emit_evidence_event(
        self, connection: Connection, cause: Cause, event_type: str, *, document_id: str, job_id: str
    ) -> None:
        """Tell that evidence for a job was uploaded; the event's entity is the document."""
        event = RealtimeEvent(
            organization_id=cause.organization_id,
            event_type=event_type,
            entity_type="evidence",
            entity_id=document_id,
            payload={"job_id": job_id, "document_id": document_id, "request_id": cause.request_id},
            created_by=cause.user_id,
        )
        await self.emit_realtime_event(connection, event)

    async def emit_audit_event(
        self, connection: Connection, cause: Cause, *, audit_id: str, job_id: str | None
    ) -> None:
        """Tell that an audit row was appended; it is nobody's doing, so `created_by` stays empty."""
        about_job = {} if job_id is None else {"job_id": job_id}
        event = RealtimeEvent(
            organization_id=cause.organization_id,
            event_type="audit.appended",
            entity_type="audit",
            entity_id=audit_id,
            payload={"event_id": audit_id, **about_job, "request_id": cause.request_id},
        )
        await self.emit_realtime_event(connection, event)

    def _dedupe_key(self, event: RealtimeEvent) -> str | None:
        if not self._limiter.exceeds(event.organization_id, self._monotonic_ns()):
            return None
        return f"{event.event_type}:{event.entity_id or 'all'}:{self._wall_ns() // _MINUTE_NS}"
