"""Re-fetches with their rows in the ledger: REQUESTED, BODY, ANSWERED.

Devices say what to fetch and hear what came of it; nothing here knows why a key is stale, nor what follows.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final, NamedTuple, Protocol

from loadtests.clients.endings import NotFetched
from loadtests.clients.fetching import Fetch
from loadtests.clients.requests import Cause, KeyKind
from loadtests.drivers.bodies import Bodies, MalformedBodyError
from loadtests.drivers.fetch import NOTHING_TOLD, FetchPool, Told
from loadtests.drivers.timers import TimerQueue
from loadtests.history.kinds import MANY_READS, NO_ENTITY, READS_UNIT, Kind
from loadtests.history.ledger import Ledger
from loadtests.wire.revisions import TOLD, Revisions
from loadtests.wire.routes import PLAIN, Routes

_log: Final = logging.getLogger(__name__)
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_LISTS: Final = {KeyKind.JOB_LIST: "jobs", KeyKind.DOCUMENTS: "documents", KeyKind.AUDIT: "audit"}
"""What answers a list, by its name in a route table."""


@dataclass(slots=True, kw_only=True)
class RefreshCounts:
    """What has been fetched so far."""

    refreshes: int = 0
    """Re-fetches of subscribers."""
    polls: int = 0
    errors: int = 0
    limited: int = 0
    """Answers that asked to wait."""
    held: int = 0
    """Re-fetches that wait because of it."""
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

    def __init__(
        self,
        *,
        ledger: Ledger,
        pool: FetchPool,
        numbers: Iterator[int],
        revisions: Revisions = TOLD,
        routes: Routes = PLAIN,
        timers: TimerQueue | None = None,
    ) -> None:
        """Take the numbers of fetches from `numbers`; `routes` is how the target differs from the contract.

        With `timers`, devices do as they are told by `Retry-After`: until then they ask nothing, then what was refused
        once more. A poll is not repeated; the next one is due anyway.
        """
        self.ledger = ledger
        self.counts = RefreshCounts()
        self._bodies = Bodies(ledger, revisions)
        self.routes = routes
        self._pool = pool
        self._numbers = numbers
        self._timers = timers
        self._held: dict[int, int] = {}
        """Until when a device has been asked to wait."""
        self._closed = False

    def is_held(self, index: int, now_ns: int) -> bool:
        """Return whether a device has been asked to wait, and still has to."""
        until_ns = self._held.get(index)
        if until_ns is None:
            return False
        if until_ns <= now_ns:
            del self._held[index]
            return False
        return True

    def start(self, fetch: Fetch, fetcher: Fetcher, memory: Memory | None = None) -> None:
        """Begin to fetch, at once or when the device need not wait any more.

        With a memory, what is remembered need not be answered again.
        """
        if self._closed:
            return
        if self._held and self.is_held(fetcher.index, monotonic_ns()):
            self._later(fetch, fetcher, memory)
            return
        counts = self.counts
        counts.under_way += 1
        if fetch.cause is Cause.POLL:
            counts.polls += 1
        else:
            counts.refreshes += 1
        self._pool.start(_Refetch(self, fetch, fetcher, number=next(self._numbers), memory=memory))

    def _later(self, fetch: Fetch, fetcher: Fetcher, memory: Memory | None) -> None:
        """Start a fetch when the device need not wait any more, if it is still wanted then."""

        def come_back(_due_ns: int) -> None:
            self.counts.held -= 1
            if fetcher.awaits(fetch):
                self.start(fetch, fetcher, memory)

        assert self._timers is not None
        self.counts.held += 1
        self._timers.at(self._held[fetcher.index], come_back)

    def told_to_wait(self, index: int, until_ns: int) -> None:
        """Hear that a device is asked to come back no sooner than `until_ns`."""
        self.counts.limited += 1
        if self._timers is not None:
            self._held[index] = max(until_ns, self._held.get(index, 0))

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
        if refetch.is_told_to_wait and self._timers is not None and fetch.cause is not Cause.POLL:
            if not self._closed:
                self._later(fetch, fetcher, refetch.memory)
            return
        fetcher.answered(fetch, status, at_ns)

    def _body(self, fetch: Fetch, at_ns: int, body: bytes) -> int:
        try:
            return self._bodies.number(fetch.key.kind, self.routes.answer(body, _LISTS.get(fetch.key.kind, "")), at_ns)
        except MalformedBodyError as error:
            _log.warning("GET %s was answered with something else: %s", fetch.key.path, error)
            return NO_ENTITY


class _Refetch:
    """One request of one device."""

    __slots__ = (
        "_refresher",
        "bearer",
        "fetch",
        "fetcher",
        "held",
        "if_none_match",
        "is_told_to_wait",
        "memory",
        "number",
        "path",
        "requested_ns",
    )

    def __init__(
        self, refresher: Refresher, fetch: Fetch, fetcher: Fetcher, *, number: int, memory: Memory | None
    ) -> None:
        self.memory = memory
        # As it is now: another answer may be remembered while this one is under way.
        self.held = memory.held if memory is not None else None
        self.if_none_match = self.held.etag if self.held is not None else None
        self._refresher = refresher
        self.fetch = fetch
        self.fetcher = fetcher
        self.path = refresher.routes.path(fetch.key.path)
        self.bearer = fetcher.bearer
        self.number = number
        self.requested_ns = 0
        self.is_told_to_wait = False

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
            entity=ledger.name(fetch.key.path),
            revision=fetch.batch,
            value=self.number,
            due_ns=fetch.wanted_ns,
            flag=fetch.cause,
        )

    def told_to_wait(self, until_ns: int) -> None:
        self.is_told_to_wait = True
        self._refresher.told_to_wait(self.fetcher.index, until_ns)

    def answered(self, at_ns: int, status: int, body: bytes, told: Told = NOTHING_TOLD) -> None:
        self._refresher.answered(self, at_ns, status, body=body, told=told)

    def remember(self, etag: bytes | None, body: int) -> None:
        """Keep a body for the next time, if its sender gave it a tag."""
        if self.memory is not None and etag is not None and body != NO_ENTITY:
            self.memory.held = Held(etag, body)
