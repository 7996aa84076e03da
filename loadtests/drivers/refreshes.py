"""Re-fetches with their rows in the ledger: REQUESTED, BODY, ANSWERED.

Devices say what to fetch and hear what came of it; nothing here knows why a key is stale, nor what follows.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from loadtests.clients.endings import NotFetched
from loadtests.clients.fetching import Fetch
from loadtests.clients.requests import Cause
from loadtests.drivers.bodies import Bodies, MalformedBodyError
from loadtests.drivers.fetch import NOTHING_TOLD, FetchPool, Told
from loadtests.history.kinds import MANY_READS, NO_ENTITY, READS_UNIT, Kind
from loadtests.history.ledger import Ledger

_log: Final = logging.getLogger(__name__)
_OK: Final = 200
_NOT_MODIFIED: Final = 304


@dataclass(slots=True, kw_only=True)
class RefreshCounts:
    """What has been fetched so far."""

    refreshes: int = 0
    """Re-fetches of subscribers."""
    polls: int = 0
    errors: int = 0
    under_way: int = 0


class Held(NamedTuple):
    """An answer that a device has, and need not be given again."""

    etag: bytes
    body: int
    """Its name in the ledger."""


class Memory:
    """The newest answer of a device that asks conditionally: 304 means that its screen shows that one still."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: Held | None = None


class Fetcher(Protocol):
    """A device that fetches."""

    @property
    def index(self) -> int:
        """The device's index: the `actor` of its rows."""

    @property
    def bearer(self) -> str:
        """Its access token."""

    def awaits(self, fetch: Fetch) -> bool:
        """Return whether a fetch still means anything; it does not once the life that asked for it has ended."""

    def answered(self, fetch: Fetch, status: int, at_ns: int) -> None:
        """Hear that a fetch is over; status 0: there was no answer."""


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

    def start(self, fetch: Fetch, fetcher: Fetcher, memory: Memory | None = None) -> None:
        """Begin to fetch; with a memory, what is remembered need not be answered again."""
        if self._closed:
            return
        counts = self.counts
        counts.under_way += 1
        if fetch.cause is Cause.POLL:
            counts.polls += 1
        else:
            counts.refreshes += 1
        self._pool.start(_Refetch(self, fetch, fetcher, number=next(self._numbers), memory=memory))

    def close(self) -> None:
        """End what is under way without an answer, and let nothing follow."""
        self._closed = True
        self._pool.close()

    def dropped(self, refetch: "_Refetch", at_ns: int) -> None:
        """Record that the device has left before there was a connection: what it left is not fetched any more."""
        counts, fetch = self.counts, refetch.fetch
        counts.under_way -= 1
        counts.refreshes -= 1
        self.ledger.record(
            Kind.NOT_FETCHED,
            at_ns,
            actor=refetch.fetcher.index,
            entity=self.ledger.name(fetch.key.path),
            value=fetch.batch,
            revision=fetch.cause,
            flag=NotFetched.ENDED,
        )

    def answered(self, refetch: "_Refetch", at_ns: int, status: int, *, body: bytes, told: Told) -> None:
        """Record the answer and tell the device."""
        self.counts.under_way -= 1
        fetch, fetcher = refetch.fetch, refetch.fetcher
        entity = NO_ENTITY
        if status == _OK:
            entity = self._body(fetch, at_ns, body)
            refetch.remember(told.etag, entity)
        elif status == _NOT_MODIFIED and refetch.held is not None:
            entity = refetch.held.body
        if entity == NO_ENTITY:
            self.counts.errors += 1
        self.ledger.record(
            Kind.ANSWERED,
            at_ns,
            actor=fetcher.index,
            entity=entity,
            revision=status,
            value=refetch.number,
            due_ns=refetch.requested_ns,
            flag=fetch.cause + READS_UNIT * min(told.database_reads or 0, MANY_READS),
        )
        fetcher.answered(fetch, status, at_ns)

    def _body(self, fetch: Fetch, at_ns: int, body: bytes) -> int:
        try:
            return self._bodies.number(fetch.key.kind, body, at_ns)
        except MalformedBodyError as error:
            _log.warning("GET %s was answered with something else: %s", fetch.key.path, error)
            return NO_ENTITY


class _Refetch:
    """One request of one device."""

    __slots__ = (
        "_memory",
        "_refresher",
        "bearer",
        "fetch",
        "fetcher",
        "held",
        "if_none_match",
        "number",
        "path",
        "requested_ns",
    )

    def __init__(
        self, refresher: Refresher, fetch: Fetch, fetcher: Fetcher, *, number: int, memory: Memory | None
    ) -> None:
        self._memory = memory
        # As it is now: another answer may be remembered while this one is under way.
        self.held = memory.held if memory is not None else None
        self.if_none_match = self.held.etag if self.held is not None else None
        self._refresher = refresher
        self.fetch = fetch
        self.fetcher = fetcher
        self.path = fetch.key.path
        self.bearer = fetcher.bearer
        self.number = number
        self.requested_ns = 0

    @property
    def is_wanted(self) -> bool:
        return self.fetcher.awaits(self.fetch)

    def dropped(self, at_ns: int) -> None:
        self._refresher.dropped(self, at_ns)

    def requested(self, at_ns: int) -> None:
        self.requested_ns = at_ns
        fetch = self.fetch
        ledger = self._refresher.ledger
        ledger.record(
            Kind.REQUESTED,
            at_ns,
            actor=self.fetcher.index,
            entity=ledger.name(self.path),
            revision=fetch.batch,
            value=self.number,
            due_ns=fetch.wanted_ns,
            flag=fetch.cause,
        )

    def answered(self, at_ns: int, status: int, body: bytes, told: Told = NOTHING_TOLD) -> None:
        self._refresher.answered(self, at_ns, status, body=body, told=told)

    def remember(self, etag: bytes | None, body: int) -> None:
        """Keep a body for the next time, if its sender gave it a tag."""
        if self._memory is not None and etag is not None and body != NO_ENTITY:
            self._memory.held = Held(etag, body)
