"""The truth: what the target's database holds about a run, written into the ledger as TRUE_* rows.

Events are read during the run too, because retention deletes old ones; each is recorded once. Mutations are
found by the audit rows that carry their request ids, with the commit time of each mutation's own transaction.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Final, LiteralString, Protocol

import psycopg

from loadtests.drivers.rest_truth import RestTruth
from loadtests.drivers.truth_columns import TOLD_OF_JOBS, TruthColumns
from loadtests.drivers.truth_rows import (
    TrueEvent,
    TrueJob,
    TrueMutation,
    TrueNotification,
    TrueScore,
    TruthRefusedError,
    TruthRows,
    events_begin,
)
from loadtests.history.kinds import Kind, TruthSource
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Population
from loadtests.wire.endpoint import Endpoint

_log: Final = logging.getLogger(__name__)

_EVENTS: LiteralString = """
    select id::text, organization_id::text, event_type, payload ->> 'request_id',
           case when current_setting('track_commit_timestamp')::bool
                then (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint end,
           (extract(epoch from created_at) * 1000000)::bigint, created_at,
           {is_labelled},
           case when jsonb_typeof(payload::jsonb -> 'coalesced') = 'number'
                then (payload ->> 'coalesced')::int else 0 end,
           payload ->> 'job_id'
    from public.realtime_events
    where organization_id = any(%(organizations)s) and created_at >= %(since)s
    order by created_at, id
"""
_LABELLED: LiteralString = "dedupe_key is not null"
_NOT_LABELLED: LiteralString = "false"
_ORDINALS: LiteralString = """
        select id::text, row_number() over (partition by job_id order by created_at, id) as ordinal
        from public.documents where organization_id = any(%(organizations)s)
"""
_NO_ORDINALS: LiteralString = "select null::text as id, 0 as ordinal"
_MUTATIONS: LiteralString = """
    select a.event_name, a.job_id::text, a.metadata ->> 'request_id', (a.metadata ->> 'revision')::int,
           case when current_setting('track_commit_timestamp')::bool
                then (extract(epoch from pg_xact_commit_timestamp((a.metadata ->> 'xid')::xid8::xid)) * 1000000)::bigint
           end,
           coalesce(d.ordinal, 0)
    from public.audit_logs a
    left join ({ordinals}) d on d.id = a.metadata ->> 'document_id'
    where a.organization_id = any(%(organizations)s) and a.metadata::jsonb ? 'xid'
    order by a.ledger_seq
"""
# A job is scored by its creation, or, as built, by a transaction of its own after its event.
_SCORES: LiteralString = """
    select a.job_id::text, a.metadata ->> 'request_id', (a.metadata ->> 'revision')::int,
           case when current_setting('track_commit_timestamp')::bool
                then (extract(epoch from pg_xact_commit_timestamp((a.metadata ->> 'xid')::xid8::xid)) * 1000000)::bigint
           end
    from public.audit_logs a
    where a.organization_id = any(%(organizations)s) and a.metadata::jsonb ? 'xid'
      and (a.event_name = 'job.risk_scored'
           or (a.event_name = 'job.created' and a.metadata::jsonb @> '{"scored": true}'))
    order by a.ledger_seq
"""
_NOTIFICATIONS: LiteralString = """
    select o.organization_id::text, o.job_id::text, d.state, d.attempts,
           (extract(epoch from o.created_at) * 1000000)::bigint, (extract(epoch from d.finished_at) * 1000000)::bigint
    from public.push_outbox o join public.push_deliveries d on d.notification_id = o.id
    where o.organization_id = any(%(organizations)s)
    order by o.created_at, d.apns_id
"""
_COUNTS: LiteralString = """
        select d.job_id::text as job, count(*) as documents from public.documents d
        where d.organization_id = any(%(organizations)s) and to_jsonb(d) ->> 'deleted_at' is null group by d.job_id
"""
_NO_COUNTS: LiteralString = "select null::text as job, 0::bigint as documents"
_JOBS: LiteralString = """
    select j.id::text, j.organization_id::text, told ->> 'revision',
           case when %(has_archived_at)s then told ->> 'archived_at' is not null end,
           case when %(has_review_flag)s then coalesce((told ->> 'review_flag')::boolean, false) end,
           (extract(epoch from j.created_at) * 1000000)::bigint,
           case when %(has_documents)s then coalesce(c.documents, 0) end,
           case when %(has_risk_score)s then told ->> 'risk_score' is not null end, told ->> 'updated_at'
    from public.jobs j cross join lateral to_jsonb(j) told left join ({counts}) c on c.job = j.id::text
    where j.organization_id = any(%(organizations)s) and told ->> 'deleted_at' is null
    order by j.created_at, j.id
"""
_LONGEST_TRANSACTION_S = 30
"""A row may become visible this long after its `created_at`, which is the start of its transaction."""


class Truth(Protocol):
    """Whoever writes the truth into the ledger."""

    def read_new_events(self) -> int:
        """Record the events that were not recorded before; return how many."""

    def read_all(self) -> None:
        """Record what is still missing of the events, then all mutations and jobs."""

    def reconnect(self) -> None:
        """Connect anew, after the database was restarted; what was recorded stays recorded."""

    def close(self) -> None:
        """Read no more."""


class NoTruth:
    """Nobody may read the database: what was delivered is told by agreement of the subscribers alone."""

    def read_new_events(self) -> int:
        """Record nothing."""
        return 0

    def read_all(self) -> None:
        """Record nothing."""

    def reconnect(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is no connection."""


def open_truth(endpoint: Endpoint, population: Population, ledger: Ledger) -> Truth:
    """Return what reads the truth of a target, by the best way that its keys open.

    Raises:
        TruthRefusedError: the target lacks what the truth cannot do without; the text says what.

    """
    if endpoint.database_url:
        _note(ledger, TruthSource.DATABASE)
        return TruthReader(endpoint.database_url, population, ledger)
    if endpoint.supabase_url and endpoint.service_key:
        _note(ledger, TruthSource.REST)
        truth = RestTruth(endpoint, population, ledger)
        try:
            truth.look()
        except TruthRefusedError:
            truth.close()
            raise
        return truth
    _note(ledger, TruthSource.AGREEMENT)
    return NoTruth()


def _note(ledger: Ledger, source: TruthSource) -> None:
    ledger.record(Kind.TRUTH, time.monotonic_ns(), flag=source)


class TruthReader:
    """Reads the rows of one run's organizations; every event once."""

    def __init__(self, database_url: str, population: Population, ledger: Ledger) -> None:
        self._database_url = database_url
        self._connection = psycopg.connect(database_url, autocommit=True)
        self._columns = TruthColumns.read(self._connection)
        if (refusal := self._columns.refusal()) is not None:
            self._connection.close()
            raise TruthRefusedError(refusal)
        self._population = population
        self._writer = TruthRows(population, ledger)
        # An array's literal, whose type is the column's: somebody else's organizations may have numbers.
        self._organizations = f"{{{','.join(map(_quoted, population.organization_indices))}}}"
        self._recorded: set[tuple[str, str]] = set()
        self._begin = self._since = events_begin(population)

    def read_new_events(self) -> int:
        """Record the events that were not recorded before; return how many."""
        parameters = {"organizations": self._organizations, "since": self._since}
        fresh = 0
        newest = self._since
        has_key = self._columns.has("realtime_events", "dedupe_key")
        # Asked every few seconds of the database that is measured: the column, and not the row as JSON.
        events = _EVENTS.replace("{is_labelled}", _LABELLED if has_key else _NOT_LABELLED)
        for row in self._connection.execute(events, parameters):
            newest = max(newest, row[6])
            if row[:2] not in self._recorded:
                self._recorded.add(row[:2])
                self._writer.event(TrueEvent(*row))
                fresh += 1
        horizon = newest.timestamp() - _LONGEST_TRANSACTION_S
        self._since = max(self._since, datetime.fromtimestamp(max(horizon, 0), UTC))
        return fresh

    def read_all(self) -> None:
        """Record what is still missing of the events, then all mutations and jobs."""
        self._since = self._begin
        self.read_new_events()
        columns = self._columns
        for untold in columns.untold():
            _log.warning("the database has %s; what it would tell stays unknown", untold)
        parameters = {"organizations": self._organizations}
        has_documents = columns.tells("documents")
        if columns.tells("audit_logs"):
            mutations = _MUTATIONS.replace("{ordinals}", _ORDINALS if has_documents else _NO_ORDINALS)
            for row in self._connection.execute(mutations, parameters):
                self._writer.mutation(TrueMutation(*row))
            for row in self._connection.execute(_SCORES, parameters):
                self._writer.score(TrueScore(*row))
        if self._population.scenario.target.push_notifications:
            for row in self._connection.execute(_NOTIFICATIONS, parameters):
                self._writer.notification(TrueNotification(*row))
        jobs = _JOBS.replace("{counts}", _COUNTS if has_documents else _NO_COUNTS)
        told = {f"has_{column}": columns.has("jobs", column) for column in TOLD_OF_JOBS}
        for row in self._connection.execute(jobs, {**parameters, **told, "has_documents": has_documents}):
            self._writer.job(TrueJob(*row))

    def reconnect(self) -> None:
        """Connect anew, after the database was restarted; what was recorded stays recorded."""
        self._connection.close()
        self._connection = psycopg.connect(self._database_url, autocommit=True)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _quoted(text: str) -> str:
    """Return an element of an array's literal."""
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
