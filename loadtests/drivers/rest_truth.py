"""The truth read through PostgREST with the service key, by those who have no database connection.

The same rows as by SQL, as far as the tables' API tells them: when a transaction was committed it does not tell, so
what depends on that stays unknown. Asked in pages, whose size the server may limit, and which begin at a time, because
retention deletes what lies before; each event is recorded once.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from loadtests.drivers.truth_columns import NEEDED
from loadtests.drivers.truth_rows import (
    TrueEvent,
    TrueJob,
    TrueMutation,
    TrueScore,
    TruthRefusedError,
    TruthRows,
    events_begin,
)
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Population
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.identifiers import text_of
from loadtests.wire.tls import client_context

_PAGE: Final = 1000
_FAILURES_MAX: Final = 3
"""So many readings of events in a row may fail before nobody knows the truth any more."""
_PAUSES_S: Final = (1.0, 5.0)
"""After the load: between a page that fails and its next trial."""
_ORGANIZATIONS_AT_ONCE: Final = 50
"""Identifiers in one URL."""
_TIMEOUT_S: Final = 10.0
_LONGEST_TRANSACTION: Final = timedelta(seconds=30)
"""A row may become visible this long after its `created_at`, which is the start of its transaction."""
_NO_COLUMN: Final = '"42703"'
"""PostgreSQL's code for a column that is not there, as PostgREST passes it on."""
_BEGINNING: Final = datetime.fromtimestamp(0, UTC)

_log: Final = logging.getLogger(__name__)

Row = dict[str, Any]


class _PassingError(TruthRefusedError):
    """It may tell it in a while: no answer, too many requests, or an error of its own."""


class _NotThereError(TruthRefusedError):
    """There is no such table, or no such column in it."""


class RestTruth:
    """Reads the rows of one run's organizations."""

    def __init__(
        self,
        endpoint: Endpoint,
        population: Population,
        ledger: Ledger,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"apikey": endpoint.service_key, "authorization": f"Bearer {endpoint.service_key}"}
        is_secure = urlsplit(endpoint.supabase_url).scheme == "https"
        verify = client_context(endpoint.ca_file) if is_secure else True
        base = f"{endpoint.supabase_url}/rest/v1/"
        self._client = httpx.Client(trust_env=False, base_url=base, headers=headers, timeout=_TIMEOUT_S, verify=verify)
        self._organizations = list(population.organization_indices)
        self._rows = TruthRows(population, ledger)
        self._recorded: set[tuple[str, str]] = set()
        self._begin = self._since = events_begin(population)
        self._failures = 0
        self._wait = wait
        self._is_patient = False

    def look(self) -> None:
        """Ask for a row of each table that the truth cannot do without; one that does not answer now may later.

        Raises:
            TruthRefusedError: a table or a column is missing, or the key may not read it.

        """
        for table, columns in NEEDED.items():
            try:
                self._ask(table, {"select": ",".join(columns), "limit": "1"})
            except _PassingError as error:
                _log.warning("%s; whether the truth can be read is seen later", error)
            except TruthRefusedError as error:
                raise TruthRefusedError(
                    f"the truth cannot be read through the tables' API: {error}; it needs of {table} "
                    f"{', '.join(columns)}: let the service key read them, or leave it out of the target's keys"
                ) from error

    def read_new_events(self) -> int:
        """Record the events that were not recorded before; return how many.

        A reading that fails is made up for by the next.
        """
        try:
            fresh = self._read_events()
        except _PassingError as error:
            self._failures += 1
            if self._failures >= _FAILURES_MAX:
                raise
            _log.warning("events could not be read, and will be with the next reading: %s", error)
            return 0
        self._failures = 0
        return fresh

    def _read_events(self) -> int:
        fresh, newest = 0, self._since
        for row in self._all("realtime_events", self._since):
            created_at = _time(row["created_at"])
            newest = max(newest, created_at)
            event = _event(row, created_at)
            if event[:2] not in self._recorded:
                self._recorded.add(event[:2])
                self._rows.event(event)
                fresh += 1
        self._since = max(self._since, max(newest, _BEGINNING + _LONGEST_TRANSACTION) - _LONGEST_TRANSACTION)
        return fresh

    def read_all(self) -> None:
        """Record what is still missing of the events, then all mutations and jobs.

        No reading comes after it that would make up for one that fails, so each is tried again.
        """
        self._is_patient = True
        self._since = self._begin
        self._read_events()
        documents = self._if_there("documents", needs=("id", "job_id"))
        ordinals = _ordinals(documents or [])
        for row in self._if_there("audit_logs", needs=("event_name", "job_id", "metadata")) or ():
            for told in _told_by(row, ordinals):
                if isinstance(told, TrueMutation):
                    self._rows.mutation(told)
                else:
                    self._rows.score(told)
        evidence = None if documents is None else _counts(documents)
        for row in self._all("jobs"):
            if row.get("deleted_at") is None:
                self._rows.job(_job(row, None if evidence is None else evidence.get(str(row["id"]), 0)))

    def reconnect(self) -> None:
        """Each request may use a new connection."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _if_there(self, table: str, *, needs: tuple[str, ...]) -> list[Row] | None:
        """Return all rows of a table that a backend need not have; None without it: what it would tell is unknown.

        So it is where the table is there, and has not the columns that it takes.
        """
        try:
            rows = list(self._all(table))
        except _NotThereError as error:
            _log.warning("%s; what it would tell stays unknown", error)
            return None
        missing = [column for column in needs if rows and column not in rows[0]]
        if missing:
            _log.warning("table %s has no %s; what it would tell stays unknown", table, " and no ".join(missing))
            return None
        return rows

    def _all(self, table: str, since: datetime | None = None) -> Iterator[Row]:
        """Yield all rows of the run in a table, by creation."""
        for begin in range(0, len(self._organizations), _ORGANIZATIONS_AT_ONCE):
            some = ",".join(self._organizations[begin : begin + _ORGANIZATIONS_AT_ONCE])
            query = {"select": "*", "organization_id": f"in.({some})", "order": "created_at,id", "limit": str(_PAGE)}
            since_text, offset = None if since is None else since.isoformat(), 0
            while True:
                begun = {} if since_text is None else {"created_at": f"gte.{since_text}"}
                page = self._page(table, {**query, **begun, "offset": str(offset)})
                if not page:
                    break
                yield from page
                last = page[-1]["created_at"]
                # Rows of the last moment stand first on the next page, and were told already.
                same = sum(row["created_at"] == last for row in page)
                offset = offset + same if last == since_text else same
                since_text = last

    def _page(self, table: str, query: dict[str, str]) -> list[Row]:
        for pause_s in _PAUSES_S if self._is_patient else ():
            try:
                return self._ask(table, query)
            except _PassingError as error:
                _log.warning("%s; it is asked again in %g s", error, pause_s)
                self._wait(pause_s)
        return self._ask(table, query)

    def _ask(self, table: str, query: dict[str, str]) -> list[Row]:
        try:
            answer = self._client.get(table, params=query)
        except httpx.HTTPError as error:
            raise _PassingError(f"the tables' API does not answer: {str(error) or type(error).__name__}") from error
        said = f"the tables' API answers {answer.status_code} for {table}: {answer.text[:200]}"
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise _PassingError(said)
        if answer.status_code == httpx.codes.NOT_FOUND or _NO_COLUMN in answer.text:
            raise _NotThereError(said)
        if answer.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            raise TruthRefusedError(said)
        rows: list[Row] = answer.json()
        return rows


def _time(text: str) -> datetime:
    """Return a stamp in any of the ISO forms that PostgREST and Realtime use."""
    stamp = datetime.fromisoformat(text)
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)


def _microseconds(stamp: datetime) -> int:
    return (stamp - _BEGINNING) // timedelta(microseconds=1)


def _event(row: Row, created_at: datetime) -> TrueEvent:
    payload = row.get("payload") or {}
    coalesced = payload.get("coalesced")
    return TrueEvent(
        event_id=str(row["id"]),
        organization_id=str(row["organization_id"]),
        event_type=row["event_type"],
        request_id=text_of(payload.get("request_id")),
        commit_us=None,
        created_us=_microseconds(created_at),
        created_at=created_at,
        has_key=row.get("dedupe_key") is not None,
        stands_for=coalesced if isinstance(coalesced, int) else 0,
        job_id=text_of(payload.get("job_id")),
    )


def _told_by(row: Row, ordinals: dict[str, int]) -> Iterator[TrueMutation | TrueScore]:
    """Yield what an audit row tells: a mutation, a score, both or nothing."""
    detail = row.get("metadata") or {}
    request_id, revision = text_of(detail.get("request_id")), detail.get("revision")
    revision = None if revision is None else int(revision)
    job_id = text_of(row.get("job_id"))
    if job_id is None or "xid" not in detail:
        return
    document = ordinals.get(text_of(detail.get("document_id")) or "", 0)
    yield TrueMutation(row["event_name"], job_id, request_id, revision, None, document)
    if row["event_name"] == "job.risk_scored" or detail.get("scored") is True:
        yield TrueScore(job_id, request_id, revision, None)


def _ordinals(documents: list[Row]) -> dict[str, int]:
    """Return each document's ordinal in its job, from 1 on, by its id."""
    seen: dict[str, int] = {}
    ordinals = {}
    for row in documents:
        job = str(row["job_id"])
        seen[job] = ordinals[str(row["id"])] = seen.get(job, 0) + 1
    return ordinals


def _counts(documents: list[Row]) -> dict[str, int]:
    """Return how many documents that are not deleted each job has."""
    counts: dict[str, int] = {}
    for row in documents:
        if row.get("deleted_at") is None:
            job = str(row["job_id"])
            counts[job] = counts.get(job, 0) + 1
    return counts


def _job(row: Row, documents: int | None) -> TrueJob:
    return TrueJob(
        job_id=str(row["id"]),
        organization_id=str(row["organization_id"]),
        revision=row.get("revision"),
        is_archived=row["archived_at"] is not None if "archived_at" in row else None,
        is_flagged=bool(row["review_flag"]) if "review_flag" in row else None,
        created_us=_microseconds(_time(row["created_at"])),
        documents=documents,
        is_scored=row["risk_score"] is not None if "risk_score" in row else None,
        updated_at=row.get("updated_at"),
    )
