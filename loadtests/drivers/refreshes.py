"""Re-fetches with their rows in the ledger: REQUESTED, BODY, ANSWERED, and which of them waits for which.

Subscribers and pollers say what to refresh; nothing here knows why a key is stale.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadtests.clients.debounce import Keys
from loadtests.clients.requests import Cause
from loadtests.drivers.bodies import Bodies, MalformedBodyError
from loadtests.drivers.fetch import FetchPool
from loadtests.history.kinds import NO_ENTITY, Kind
from loadtests.history.ledger import Ledger

_log: Final = logging.getLogger(__name__)
_OK: Final = 200


@dataclass(slots=True, kw_only=True)
class RefreshCounts:
    """What has been fetched so far."""

    refreshes: int = 0
    """Re-fetches of subscribers."""
    polls: int = 0
    errors: int = 0
    under_way: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What one device fetches at one moment, and why."""

    actor: int
    bearer: str
    cause: Cause
    wanted_ns: int
    keys: Keys
    batch: int = 0
    """The flush that it belongs to; 0: none."""
    is_sequential: bool = False
    """Each key is fetched after the answer to the one before, instead of all side by side."""


class Refresher:
    """Makes the re-fetches of all devices of a process."""

    def __init__(self, *, ledger: Ledger, pool: FetchPool, numbers: Iterator[int]) -> None:
        """Take the numbers of fetches from `numbers`."""
        self.ledger = ledger
        self.counts = RefreshCounts()
        self._bodies = Bodies(ledger)
        self._pool = pool
        self._numbers = numbers
        self._closed = False

    def start(self, refresh: Refresh) -> None:
        """Begin to fetch."""
        for position in range(1 if refresh.is_sequential else len(refresh.keys)):
            self._fetch(refresh, position)

    def close(self) -> None:
        """End what is under way without an answer, and let nothing follow."""
        self._closed = True
        self._pool.close()

    def _fetch(self, refresh: Refresh, position: int) -> None:
        if self._closed:
            return
        counts = self.counts
        counts.under_way += 1
        if refresh.cause is Cause.POLL:
            counts.polls += 1
        else:
            counts.refreshes += 1
        self._pool.start(_Refetch(self, refresh, position, next(self._numbers)))

    def answered(self, refetch: "_Refetch", at_ns: int, status: int, body: bytes) -> None:
        """Record the answer and go on with what waits for it."""
        self.counts.under_way -= 1
        refresh = refetch.refresh
        entity = self._body(refetch, at_ns, body) if status == _OK else NO_ENTITY
        if entity == NO_ENTITY:
            self.counts.errors += 1
        self.ledger.record(
            Kind.ANSWERED,
            at_ns,
            actor=refresh.actor,
            entity=entity,
            revision=status,
            value=refetch.number,
            due_ns=refetch.requested_ns,
            flag=refresh.cause,
        )
        if refresh.is_sequential and refetch.position + 1 < len(refresh.keys):
            self._fetch(refresh, refetch.position + 1)

    def _body(self, refetch: "_Refetch", at_ns: int, body: bytes) -> int:
        try:
            return self._bodies.number(refetch.refresh.keys[refetch.position].kind, body, at_ns)
        except MalformedBodyError as error:
            _log.warning("GET %s was answered with something else: %s", refetch.path, error)
            return NO_ENTITY


class _Refetch:
    """One request of one device."""

    __slots__ = ("_refresher", "number", "path", "position", "refresh", "requested_ns")

    def __init__(self, refresher: Refresher, refresh: Refresh, position: int, number: int) -> None:
        self._refresher = refresher
        self.refresh = refresh
        self.position = position
        self.path = refresh.keys[position].path
        self.number = number
        self.requested_ns = 0

    @property
    def bearer(self) -> str:
        return self.refresh.bearer

    def requested(self, at_ns: int) -> None:
        self.requested_ns = at_ns
        ledger = self._refresher.ledger
        refresh = self.refresh
        ledger.record(
            Kind.REQUESTED,
            at_ns,
            actor=refresh.actor,
            entity=ledger.name(self.path),
            revision=refresh.batch,
            value=self.number,
            due_ns=refresh.wanted_ns,
            flag=refresh.cause,
        )

    def answered(self, at_ns: int, status: int, body: bytes) -> None:
        self._refresher.answered(self, at_ns, status, body)
