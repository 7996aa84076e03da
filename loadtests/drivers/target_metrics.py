"""What the target says of itself, asked once a second: Realtime's metrics over HTTP, the database's slots over SQL.

From a thread of its own, so that a slow answer delays nobody. It writes no ledger: whoever drains it does. Only what
has changed is written, beside `up` and `pg_up` at each asking. Knows no meaning of any metric; a target that tells
none, such as a hosted one, is asked no more.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, LiteralString, Protocol
from urllib.parse import urlsplit

import psycopg

from loadtests.history.kinds import Kind
from loadtests.history.ledger import Ledger
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.prometheus import MalformedMetrics, Series, read_metrics
from loadtests.wire.tls import client_context

EVERY_S: Final = 1.0
SLOT_LAG: Final = "pg_replication_slot_lag_bytes"
"""What a slot has not confirmed yet; 0 of one that is gone."""
_TIMEOUT_S: Final = 2.0
_PATIENCE_S: Final = 2 * _TIMEOUT_S + EVERY_S
"""How long the last asking may take."""
_BILLION: Final = 1_000_000_000
_OF_INTEREST: Final = ("realtime_", "phoenix_")
_STATE: LiteralString = """
    select extract(epoch from pg_postmaster_start_time()),
           (select coalesce(jsonb_object_agg(slot_name, jsonb_build_array(
                coalesce(active_pid, 0),
                case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) end
            )), '{}')
            from pg_replication_slots
            where slot_type = 'logical' and database = current_database() and slot_name like '%realtime%')
"""

log = logging.getLogger(__name__)

Told = Sequence[tuple[Series, float]]


class NoAnswer(OSError):  # noqa: N818 - what came of asking
    """Not this time: it is down, or slow."""


class TellsNothing(RuntimeError):  # noqa: N818 - what came of asking
    """It answers, but not with metrics, and will not later. The text says what instead."""


class Source(Protocol):
    """Somebody who can be asked."""

    up: str
    """The series that says whether there was an answer."""

    def ask(self) -> Told:
        """Return what is told now.

        Raises:
            NoAnswer: not this time.
            TellsNothing: never.

        """

    def close(self) -> None:
        """Ask no more."""


class RealtimeMetrics:
    """The text form of Prometheus at `/metrics`, histograms without their buckets."""

    up = "up"

    def __init__(self, endpoint: Endpoint) -> None:
        url = urlsplit(endpoint.realtime_url)
        self._tls = client_context(endpoint.ca_file) if url.scheme == "wss" else None
        self._address = (url.hostname or "", url.port)
        self._headers = {"authorization": f"Bearer {endpoint.service_key}"}

    def ask(self) -> Told:
        """Return the series of interest; on a connection of its own, so that none is found dead."""
        connection = (
            HTTPConnection(*self._address, timeout=_TIMEOUT_S)
            if self._tls is None
            else HTTPSConnection(*self._address, timeout=_TIMEOUT_S, context=self._tls)
        )
        try:
            connection.request("GET", "/metrics", headers=self._headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException) as error:
            raise NoAnswer(str(error)) from error
        finally:
            connection.close()
        if response.status >= 500:
            raise NoAnswer(f"status {response.status}")
        if response.status != 200:
            raise TellsNothing(f"/metrics answers with status {response.status}")
        try:
            return [(series, value) for series, value in read_metrics(text) if _is_of_interest(series)]
        except MalformedMetrics as error:
            raise TellsNothing(f"/metrics is no metrics: {error}") from error

    def close(self) -> None:
        """Nothing is open."""


def _is_of_interest(series: Series) -> bool:
    return series.name.startswith(_OF_INTEREST) and not series.name.endswith("_bucket")


class DatabaseMetrics:
    """When the server was started, and who has which of Realtime's slots; under the names of postgres_exporter."""

    up = "pg_up"

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._slots: set[str] = set()

    def ask(self) -> Told:
        """Return start time and slots with what they lag; one that is gone has no process any more."""
        try:
            if self._connection is None:
                options = f"-c statement_timeout={round(_TIMEOUT_S * 1000)}"
                self._connection = psycopg.connect(
                    self._database_url, autocommit=True, connect_timeout=round(_TIMEOUT_S), options=options
                )
            row = self._connection.execute(_STATE).fetchone()
        except psycopg.OperationalError as error:
            self.close()
            raise NoAnswer(str(error)) from error
        except psycopg.Error as error:
            raise TellsNothing(f"the database does not tell of its slots: {error}") from error
        assert row is not None
        started, slots = row
        self._slots |= set(slots)
        return [
            (Series("pg_postmaster_start_time_seconds"), float(started)),
            *(
                (Series("pg_replication_slot_active_pid", (("slot_name", slot),)), float(slots.get(slot, (0, 0))[0]))
                for slot in sorted(self._slots)
            ),
            *(
                (Series(SLOT_LAG, (("slot_name", slot),)), float(slots.get(slot, (0, 0))[1] or 0))
                for slot in sorted(self._slots)
            ),
        ]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(frozen=True, slots=True)
class _Answer:
    at_ns: int
    up: str
    told: Told | None
    """None: there was no answer."""


class TargetMetrics:
    """Asks all sources once a second, until told to stop."""

    def __init__(self, sources: Sequence[Source], *, every_s: float = EVERY_S) -> None:
        self._sources = list(sources)
        self._every_s = every_s
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._last: dict[Series, float] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="target metrics", daemon=True)

    @classmethod
    def of_target(cls, endpoint: Endpoint) -> "TargetMetrics":
        """Return what asks a target's Realtime and its database."""
        database = [DatabaseMetrics(endpoint.database_url)] if endpoint.database_url else []
        return cls([RealtimeMetrics(endpoint), *database])

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask one last time, and no more; what was told until then can still be recorded."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def ask_all(self) -> None:
        """Ask each source once."""
        for source in tuple(self._sources):
            self._ask(source)

    def record(self, ledger: Ledger) -> None:
        """Write what was told since the last call."""
        while not self._answers.empty():
            answer = self._answers.get()
            _write(ledger, answer.at_ns, answer.up, float(answer.told is not None))
            for series, value in self._news(answer.told or ()):
                _write(ledger, answer.at_ns, str(series), value)

    def largest(self, name: str) -> float | None:
        """Return the largest value that was last told and recorded of the series of that name; None: never one."""
        return max((value for series, value in self._last.items() if series.name == name), default=None)

    def _news(self, told: Told) -> Iterator[tuple[Series, float]]:
        for series, value in told:
            if math.isfinite(value) and self._last.get(series) != value:
                self._last[series] = value
                yield series, value

    def _ask_on(self) -> None:
        due_s = time.monotonic() + self._every_s
        self.ask_all()
        while not self._ending.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + self._every_s, time.monotonic())
            self.ask_all()
        self.ask_all()
        for source in self._sources:
            source.close()

    def _ask(self, source: Source) -> None:
        told: Told | None
        try:
            told = source.ask()
        except NoAnswer:
            told = None
        except TellsNothing as error:
            log.info("the target is not asked for metrics any more: %s", error)
            self._sources.remove(source)
            source.close()
            return
        self._answers.put(_Answer(time.monotonic_ns(), source.up, told))


def _write(ledger: Ledger, at_ns: int, series: str, value: float) -> None:
    whole = math.floor(value)
    billionths = round((value - whole) * _BILLION)
    ledger.record(Kind.TARGET_METRIC, at_ns, entity=ledger.name(series), value=whole, due_ns=billionths)
