"""A lean HTTP/1.1 client for re-fetches: GET, keep-alive, one shared pool of connections, exact stamps.

`requested` is stamped at the write to a connection that stands, `answered` when the last byte was parsed. Waiting
for a connection happens before `requested` and so is told apart. Knows no devices and no ledger.
"""

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Final, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import httptools

from loadtests.drivers.timers import TimerQueue
from loadtests.wire.retry_after import LIMITED, retry_after_s
from loadtests.wire.tls import client_context, explain

_log: Final = logging.getLogger(__name__)
_SWEEP_NS: Final = 200_000_000
"""How often overdue requests are looked for: a timeout is kept to this."""


class Told(NamedTuple):
    """What the headers of an answer tell."""

    etag: bytes | None = None
    database_reads: int | None = None
    """Statements that the database was asked for this answer; None: the target does not say."""


NOTHING_TOLD: Final = Told()
_ETAG: Final = b"etag"
_DATABASE_READS: Final = b"x-database-reads"
_RETRY_AFTER: Final = b"retry-after"


class Fetch(Protocol):
    """One GET request and what becomes of it: dropped, or requested and answered."""

    path: str
    if_none_match: bytes | None
    """The tag of an answer that is there already and need not come again."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it; asked when its turn has come after waiting for a connection."""

    def dropped(self, at_ns: int) -> None:
        """It is not going to be requested: nobody wants it any more."""

    @property
    def bearer(self) -> str:
        """The access token."""

    def requested(self, at_ns: int) -> None:
        """The request is written; called once, even if it has to be written again on another connection."""

    def told_to_wait(self, until_ns: int) -> None:
        """The answer that follows refuses, and asks to come back no sooner than that."""

    def answered(self, at_ns: int, status: int, body: bytes, told: Told = NOTHING_TOLD) -> None:
        """The answer is complete; status 0: there is none."""


class FetchPool:
    """Connections to one server: as many as are needed at once, never more than the bound."""

    def __init__(
        self, base_url: str, *, connections_max: int, timeout_ns: int, timers: TimerQueue, ca_file: str = ""
    ) -> None:
        address = urlsplit(base_url)
        assert address.hostname is not None, base_url
        self.host = address.hostname
        is_secure = address.scheme == "https"
        self._tls = client_context(ca_file) if is_secure else None
        self.port = address.port or (443 if is_secure else 80)
        self.prefix = address.path.rstrip("/")
        self.host_header = address.netloc
        self.waiting: deque[Fetch] = deque()
        self._idle: dict[_Connection, None] = {}  # an ordered set: the connection used last is used next
        self._connections_max = connections_max
        self._open = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._timeout_ns = timeout_ns
        self._deadlines: deque[tuple[int, _Connection, Fetch]] = deque()
        self._connections: set[_Connection] = set()
        self._timers = timers
        self._closed = False
        timers.at(monotonic_ns() + _SWEEP_NS, self._sweep)

    @property
    def open_connections(self) -> int:
        """Connections that stand, busy or idle."""
        return self._open

    def start(self, fetch: Fetch) -> None:
        """Write the request to an idle connection, or let it wait for one."""
        if self._closed:
            now_ns = monotonic_ns()
            fetch.requested(now_ns)
            fetch.answered(now_ns, 0, b"")
            return
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.is_usable:
                self._carry(connection, fetch)
                return
        self.waiting.append(fetch)
        self._open_more()

    def close(self) -> None:
        """End every request without an answer and close all connections."""
        self._closed = True
        for task in self._opening:
            task.cancel()
        for connection in tuple(self._connections):
            connection.abort()
        while self.waiting:
            self._fail(self.waiting.popleft())

    # ---- called by connections

    def connection_opened(self, connection: "_Connection") -> None:
        """Count a connection that stands now and give it work."""
        self._open += 1
        self._connections.add(connection)
        self.connection_free(connection)

    def connection_free(self, connection: "_Connection") -> None:
        """Give the connection the fetch that has waited longest and is still wanted, or keep it for the next."""
        while self.waiting:
            fetch = self.waiting.popleft()
            if fetch.is_wanted:
                self._carry(connection, fetch)
                return
            fetch.dropped(monotonic_ns())
        self._idle[connection] = None

    def connection_lost(self, connection: "_Connection") -> None:
        """Forget the connection; whoever waits may need another."""
        self._open -= 1
        self._connections.discard(connection)
        self._idle.pop(connection, None)
        if not self._closed:
            self._open_more()

    def again(self, fetch: Fetch) -> None:
        """Carry a request that an idle connection lost while it was being closed by the server; it goes first."""
        if self._closed:
            fetch.answered(monotonic_ns(), 0, b"")
            return
        self.waiting.appendleft(_Repeated(fetch))
        self._open_more()

    # ---- inside

    def _carry(self, connection: "_Connection", fetch: Fetch) -> None:
        written_ns = connection.write(fetch)
        self._deadlines.append((written_ns + self._timeout_ns, connection, fetch))
        fetch.requested(written_ns)

    def _open_more(self) -> None:
        while len(self._opening) < len(self.waiting) and self._open + len(self._opening) < self._connections_max:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_ns / 1e9):
                await loop.create_connection(lambda: _Connection(self), self.host, self.port, ssl=self._tls)
        except OSError as error:  # TimeoutError is one
            if self.waiting:
                _log.warning("no connection to %s: %s", self.host_header, explain(error, self.host_header))
                self._fail(self.waiting.popleft())
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._opening.discard(task)
        if not self._closed:
            self._open_more()

    def _fail(self, fetch: Fetch) -> None:
        now_ns = monotonic_ns()
        if not fetch.is_wanted:
            fetch.dropped(now_ns)
            return
        fetch.requested(now_ns)
        fetch.answered(now_ns, 0, b"")

    def _sweep(self, _due_ns: int) -> None:
        now_ns = monotonic_ns()
        deadlines = self._deadlines
        while deadlines and (deadlines[0][0] <= now_ns or deadlines[0][1].fetch is not deadlines[0][2]):
            deadline_ns, connection, fetch = deadlines.popleft()
            if deadline_ns <= now_ns and connection.fetch is fetch:
                _log.warning("no answer to GET %s within %g s", fetch.path, self._timeout_ns / 1e9)
                connection.abort()
        if not self._closed:
            self._timers.at(now_ns + _SWEEP_NS, self._sweep)


class _Repeated:
    """A fetch that was written before: its `requested` was told already, so it is seen through."""

    __slots__ = ("_fetch", "if_none_match", "path")

    is_wanted: Final = True

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self.path = fetch.path
        self.if_none_match = fetch.if_none_match

    @property
    def bearer(self) -> str:
        return self._fetch.bearer

    def dropped(self, at_ns: int) -> None:
        """Never happens."""

    def requested(self, at_ns: int) -> None:
        """Say nothing."""

    def told_to_wait(self, until_ns: int) -> None:
        self._fetch.told_to_wait(until_ns)

    def answered(self, at_ns: int, status: int, body: bytes, told: Told = NOTHING_TOLD) -> None:
        self._fetch.answered(at_ns, status, body, told)


class _Connection(asyncio.Protocol):
    """One keep-alive connection, which carries one request at a time."""

    __slots__ = (
        "_chunks",
        "_has_begun",
        "_is_closing",
        "_is_fresh",
        "_parser",
        "_pool",
        "_retry_after",
        "_told",
        "_transport",
        "fetch",
    )

    def __init__(self, pool: FetchPool) -> None:
        self._pool = pool
        self.fetch: Fetch | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._is_fresh = True
        self._has_begun = False
        self._is_closing = False
        self._retry_after = b""
        self._told = NOTHING_TOLD

    @property
    def is_usable(self) -> bool:
        return not self._is_closing and self._transport is not None and not self._transport.is_closing()

    def write(self, fetch: Fetch) -> int:
        """Write the request and return when."""
        assert self._transport is not None
        assert self.fetch is None
        pool = self._pool
        self.fetch = fetch
        self._has_begun = False
        known = f"If-None-Match: {fetch.if_none_match.decode('latin-1')}\r\n" if fetch.if_none_match else ""
        head = (
            f"GET {pool.prefix}{fetch.path} HTTP/1.1\r\nHost: {pool.host_header}\r\n"
            f"Authorization: Bearer {fetch.bearer}\r\nAccept: application/json\r\n{known}\r\n"
        ).encode("latin-1")
        written_ns = monotonic_ns()
        self._transport.write(head)
        return written_ns

    def abort(self) -> None:
        """Close at once; a request under way ends without an answer."""
        self._is_closing = True
        fetch, self.fetch = self.fetch, None
        if self._transport is not None:
            self._transport.abort()
        if fetch is not None:
            fetch.answered(monotonic_ns(), 0, b"")

    # ---- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        self._pool.connection_opened(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            _log.warning("the server does not speak HTTP/1.1: %s", error)
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = True
        fetch, self.fetch = self.fetch, None
        self._pool.connection_lost(self)
        if fetch is None:
            return
        if self._is_fresh or self._has_begun:
            _log.warning("the connection was lost during GET %s: %s", fetch.path, error or "closed by the server")
            fetch.answered(monotonic_ns(), 0, b"")
        else:
            # The server closed an idle connection in the moment in which it was used: every HTTP client repeats that.
            self._pool.again(fetch)

    # ---- called by the parser

    def on_message_begin(self) -> None:
        self._has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == _ETAG:
            self._told = self._told._replace(etag=value)
        elif name == _DATABASE_READS and value.isdigit():
            self._told = self._told._replace(database_reads=int(value))
        elif name == _RETRY_AFTER:
            self._retry_after = value

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        answered_ns = monotonic_ns()
        status = self._parser.get_status_code()
        if status < 200:
            return
        chunks, self._chunks = self._chunks, []
        told, self._told = self._told, NOTHING_TOLD
        fetch, self.fetch = self.fetch, None
        self._is_fresh = False
        # The connection is free before the answer is told, so that a refresh that follows it finds the connection.
        if fetch is not None and self._parser.should_keep_alive():
            self._pool.connection_free(self)
        else:
            self._is_closing = True
            if self._transport is not None:
                self._transport.close()
        asked, self._retry_after = self._retry_after, b""
        if fetch is not None:
            if asked and status in LIMITED:
                _pass_on(asked, fetch, answered_ns)
            fetch.answered(answered_ns, status, chunks[0] if len(chunks) == 1 else b"".join(chunks), told)


def _pass_on(asked: bytes, fetch: Fetch, answered_ns: int) -> None:
    """Tell the fetch how long it is asked to wait."""
    wait_s = retry_after_s(asked.decode("latin-1"), now=datetime.now(UTC))
    if wait_s is not None:
        fetch.told_to_wait(answered_ns + round(wait_s * 1e9))
