"""What a target's database holds about a run, as TRUE_* rows of the ledger, however it was read.

It knows the rows' meaning and nothing of SQL or HTTP. Wall stamps are in microseconds since 1970, None: not told.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from loadtests.history.kinds import NO_COUNT, NOBODY, ItemFlag, Kind, NotificationState
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.event_types import EVENT_TYPES, EventType
from loadtests.wire.revisions import RevisionError, Revisions

_KINDS: Final = {
    "job.created": MutationKind.CREATE,
    "job.updated": MutationKind.UPDATE,
    "job.archived": MutationKind.ARCHIVE,
    "job.flagged": MutationKind.FLAG,
    "evidence.uploaded": MutationKind.DOCUMENT,
}


_CLOCKS_DIFFER_BY: Final = timedelta(hours=1)
"""At most, the target's and ours: what is an hour older than the run is none of it."""


class TruthRefusedError(RuntimeError):
    """The truth is not told, or not in a way that can be read. The text says what is told instead."""


def events_begin(population: Population) -> datetime:
    """Return since when events may be the run's: organizations that were given had a life before it."""
    if population.given is None or population.began_at is None:
        return datetime.fromtimestamp(0, UTC)
    return population.began_at - _CLOCKS_DIFFER_BY


class TrueEvent(NamedTuple):
    """A row of `realtime_events`."""

    event_id: str
    organization_id: str
    event_type: str
    request_id: str | None
    commit_us: int | None
    created_us: int
    created_at: datetime
    has_key: bool
    """It carries a `dedupe_key`."""
    stands_for: int
    """Coalesced: how many earlier events of its key it stands for."""
    job_id: str | None = None
    """The job that it is about."""


class TrueMutation(NamedTuple):
    """A change that the audit trail tells of."""

    event_name: str
    job_id: str
    request_id: str | None
    revision: int | None
    commit_us: int | None
    document: int
    """Ordinal of the document in its job, 0 if it is about none."""


class TrueScore(NamedTuple):
    """The first score of a job's risk."""

    job_id: str
    request_id: str | None
    revision: int | None
    commit_us: int | None


class TrueNotification(NamedTuple):
    """A push notification for one device, as it stands at the end."""

    organization_id: str
    job_id: str
    state: str
    attempts: int
    created_us: int
    finished_us: int | None


class TrueJob(NamedTuple):
    """A job as it stands at the end."""

    job_id: str
    organization_id: str
    revision: int | str | None
    is_archived: bool | None
    """None: the target has no column that tells; likewise of flag and score."""
    is_flagged: bool | None
    created_us: int
    documents: int | None
    """None: the target has no table of them."""
    is_scored: bool | None
    updated_at: str | None


class TruthRows:
    """Writes what was read into the ledger of the runner."""

    def __init__(self, population: Population, ledger: Ledger) -> None:
        self._population = population
        self._ledger = ledger
        self._indices = population.organization_indices
        self._revisions = Revisions(population.began_at)

    def event(self, row: TrueEvent) -> None:
        """Record a row of realtime_events."""
        mutation = self._population.mutation_index(row.request_id) if row.request_id else None
        number = self._ledger.name(row.event_id)
        self._ledger.record(
            Kind.TRUE_EVENT,
            time.monotonic_ns(),
            actor=self._indices[row.organization_id],
            entity=number,
            revision=NOBODY if mutation is None else mutation,
            due_ns=(row.commit_us or 0) * 1000,
            value=row.created_us * 1000,
            flag=EVENT_TYPES.get(row.event_type, EventType.OTHER),
        )
        if row.has_key or row.stands_for:
            self._ledger.record(
                Kind.TRUE_LIMITED, time.monotonic_ns(), entity=number, value=row.stands_for, flag=int(row.has_key)
            )

        if row.request_id is None and row.job_id is not None:
            job = self._ledger.name(row.job_id)
            self._ledger.record(Kind.EVENT_ABOUT, time.monotonic_ns(), entity=number, value=job)

    def mutation(self, row: TrueMutation) -> None:
        """Record a mutation of a mutator; what somebody else changed, or provisioning, nobody waits for."""
        mutation = self._population.mutation_index(row.request_id or "")
        if mutation is None or row.event_name not in _KINDS:
            return
        self._ledger.record(
            Kind.TRUE_MUTATION,
            time.monotonic_ns(),
            actor=mutation,
            entity=self._ledger.name(row.job_id),
            revision=row.revision or 0,
            due_ns=(row.commit_us or 0) * 1000,
            value=row.document,
            flag=_KINDS[row.event_name],
        )

    def score(self, row: TrueScore) -> None:
        """Record the first score of a job that a mutator created."""
        mutation = self._population.mutation_index(row.request_id or "")
        if mutation is not None:
            self._ledger.record(
                Kind.TRUE_SCORE,
                time.monotonic_ns(),
                actor=mutation,
                entity=self._ledger.name(row.job_id),
                revision=row.revision or 0,
                due_ns=(row.commit_us or 0) * 1000,
            )

    def notification(self, row: TrueNotification) -> None:
        """Record a push notification for one device."""
        self._ledger.record(
            Kind.TRUE_NOTIFICATION,
            time.monotonic_ns(),
            actor=self._indices[row.organization_id],
            entity=self._ledger.name(row.job_id),
            revision=row.attempts,
            due_ns=row.created_us * 1000,
            value=(row.finished_us or 0) * 1000,
            flag=NotificationState[row.state.upper()],
        )

    def job(self, row: TrueJob) -> None:
        """Record a job.

        Raises:
            TruthRefusedError: nobody can tell its revision.

        """
        try:
            revision = self._revisions.of(row.revision, row.updated_at)
        except RevisionError as error:
            raise TruthRefusedError(f"of job {row.job_id}, {error}") from error
        flags = ItemFlag(0)
        for holds, flag, untold in (
            (row.is_archived, ItemFlag.ARCHIVED, ItemFlag.ARCHIVE_UNTOLD),
            (row.is_flagged, ItemFlag.FLAGGED, ItemFlag.FLAG_UNTOLD),
            (row.is_scored, ItemFlag.SCORED, ItemFlag.SCORE_UNTOLD),
        ):
            flags |= untold if holds is None else flag if holds else ItemFlag(0)
        self._ledger.record(
            Kind.TRUE_JOB,
            time.monotonic_ns(),
            actor=self._indices[row.organization_id],
            entity=self._ledger.name(row.job_id),
            revision=revision,
            due_ns=row.created_us * 1000,
            value=NO_COUNT if row.documents is None else row.documents,
            flag=flags,
        )
