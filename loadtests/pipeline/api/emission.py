"""Event emission: after a mutation and its audit row, one small row in `realtime_events` tells everybody.

Awaited by the mutation for a bounded time, yet never its failure: what cannot be emitted is logged and counted.
There is no retry and no outbox, as the pipeline's design has none; that gap is part of what a load test measures.
Knows nothing of HTTP or of subscribers.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from loadtests.pipeline.api.coalescing import MINUTE_NS, Coalescing, DueEvent, dedupe_key
from loadtests.pipeline.api.database import UNAVAILABLE, Connection
from loadtests.pipeline.api.events import PayloadTooLargeError, RealtimeEvent, payload_text
from loadtests.pipeline.api.limiter import FixedWindow
from loadtests.pipeline.settings import ApiOptions

TYPES_AS_BUILT = frozenset({"job.created", "job.updated", "job.archived", "job.flagged", "evidence.uploaded"})
"""The types that today's code emits; the others are declared only."""

_INSERT = """
insert into public.realtime_events
    (organization_id, event_type, entity_type, entity_id, payload, dedupe_key, created_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmissionRules:
    """Where today's code and the design differ."""

    types: frozenset[str] | None = None
    """The types that are emitted; None is all."""
    coalesce: bool = False
    """Beyond the limit, coalesce; otherwise only label."""
    events_per_minute: int = 100
    """Beyond this number in a window of one minute, an organization's events are labelled or coalesced."""
    timeout_s: float | None = None
    """How long an insert may take; None is as long as it takes."""

    @classmethod
    def of(cls, options: ApiOptions) -> Self:
        """Return the rules that the API's options ask for."""
        return cls(
            types=TYPES_AS_BUILT if options.as_built else None,
            coalesce=options.event_limit == "coalesce",
            events_per_minute=options.events_per_minute,
            timeout_s=None if options.as_built else options.emission_timeout_ms / 1000,
        )


class Emission:
    """The emission helper: writes events and counts those written and those not."""

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int],
        wall_ns: Callable[[], int],
        rules: EmissionRules | None = None,
        spoils: Callable[[RealtimeEvent], bool] = lambda _event: False,
    ) -> None:
        """`spoils` says of an event that a fault on command keeps it from being stored."""
        self.emitted = 0
        self.not_emitted = 0
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._rules = rules or EmissionRules()
        self._spoils = spoils
        self._limiter = FixedWindow(limit=self._rules.events_per_minute, window_ns=MINUTE_NS)
        self._coalescing = Coalescing()

    @property
    def merged(self) -> int:
        """Events that a newer one stands for; always 0 unless events are coalesced."""
        return self._coalescing.merged

    @property
    def held(self) -> int:
        """Events that wait for the next minute; always 0 unless events are coalesced."""
        return len(self._coalescing)

    async def emit(self, connection: Connection, *events: RealtimeEvent) -> None:
        """Insert events, several of them in one transaction; on failure log and count them, and return as ever."""
        due = []
        for event in events:
            if self._rules.types is None or event.event_type in self._rules.types:
                due += self._limited(event)
        await self._store(connection, due, self._rules.timeout_s)

    async def emit_due(self, connection: Connection) -> None:
        """Insert the held events whose minute has come; no mutation waits for them, so they take their time."""
        await self._store(connection, self._coalescing.due(self._wall_ns()), None)

    async def emit_rest(self, connection: Connection) -> None:
        """Insert all held events: the process ends."""
        await self._store(connection, self._coalescing.rest(), None)

    def _limited(self, event: RealtimeEvent) -> list[DueEvent]:
        """Return the event with its key, or nothing if it is held."""
        beyond = self._limiter.exceeds(event.organization_id, self._monotonic_ns())
        if not beyond:
            stands_for = self._coalescing.supersede(event) if self._rules.coalesce else 0
            return [DueEvent(event, None, stands_for)]
        if not self._rules.coalesce:
            return [DueEvent(event, dedupe_key(event, self._wall_ns() // MINUTE_NS))]
        passed = self._coalescing.offer(event, self._wall_ns())
        return [] if passed is None else [passed]

    async def _store(self, connection: Connection, wanted: Sequence[DueEvent], timeout_s: float | None) -> None:
        due: list[DueEvent] = []
        for each in wanted:
            if self._spoils(each.event):
                self._count_failure([each], RuntimeError("a fault on command"))
            else:
                due.append(each)
        if not due:
            return
        try:
            rows = [_row(each) for each in due]
            if len(rows) == 1:
                await connection.execute(_INSERT, *rows[0], timeout=timeout_s)
            else:
                await connection.executemany(_INSERT, rows, timeout=timeout_s)
        except (*UNAVAILABLE, PayloadTooLargeError) as error:
            self._count_failure(due, error)
        else:
            self.emitted += len(due)

    def _count_failure(self, due: Sequence[DueEvent], error: Exception) -> None:
        before, self.not_emitted = self.not_emitted, self.not_emitted + len(due)
        # Once per power of two, so that an outage of minutes is a dozen lines.
        if before.bit_length() != self.not_emitted.bit_length():
            event, why = due[0].event, str(error) or type(error).__name__
            _log.warning(
                "%s of %s not emitted (%d in all): %s", event.event_type, event.entity_id, self.not_emitted, why
            )


def _row(due: DueEvent) -> tuple[object, ...]:
    event = due.event
    # So that whoever reads the table can tell a change that was merged from one that nobody was told of.
    coalesced = {"coalesced": due.stands_for} if due.stands_for else {}
    return (
        event.organization_id,
        event.event_type,
        event.entity_type,
        event.entity_id,
        payload_text({**event.payload, **coalesced}, event.extras),
        due.dedupe_key,
        event.created_by,
    )
