"""The change feed: committed rows, in commit order, from wherever they are read.

`StreamingFeed` is a walsender with a temporary slot, spoken to through psycopg's libpq wrapper: the lowest
latency there is. It knows rows, not subscribers; what it hands over is the decoder's.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final, Protocol

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from loadtests.pipeline.realtime.database import SESSION, pause
from loadtests.pipeline.realtime.pgoutput import Decoder, Row

OnRows = Callable[[list[Row]], None]

_MESSAGES_PER_TURN: Final = 2000
"""About 20 ms of decoding: after that others in the event loop have their turn."""
_FEEDBACK_S: Final = 0.1
"""How often the walsender hears from us. Each word also wakes it: on a nearly idle stream, where no later commit would,
this bounds how long a row can stay unsent if its wake-up was missed."""
_START_S: Final = 10.0
_XLOG_DATA: Final = 0x77  # w: start, end and send time (8 bytes each), then the plugin's message
_KEEPALIVE: Final = 0x6B  # k: end and send time, then whether an answer is wanted
_HEADER: Final = 25

log = logging.getLogger(__name__)


class Feed(Protocol):
    """A source of committed rows; rows committed while it is not live are never seen, as on the real server."""

    live: asyncio.Event
    """Set while changes are being read: a subscription is in force only then."""

    reconnects: int
    """Connections lost so far."""

    async def ready(self) -> None:
        """Return once the server may take subscribers.

        Raises:
            ConnectionError: the database does not let it read; says why.

        """

    async def admit(self, *, is_refresh: bool) -> None:
        """Return when a subscription may be put in force, or, for a refresh, its claims be replaced."""

    async def run(self) -> None:
        """Read until cancelled, through lost connections."""


class FeedLost(ConnectionError):  # noqa: N818 - what happened
    """The connection to the database is gone; so are the slot and the changes until the next one."""

    def __init__(self, why: str, *, condition: str = "other") -> None:
        super().__init__(why)
        self.condition = condition
        """The error's name in PostgreSQL, `other` if it has none."""


class StreamingFeed:
    """Read the write-ahead log as it is written."""

    def __init__(self, database_url: str, *, publication: str, on_rows: OnRows) -> None:
        self.live = asyncio.Event()
        self.reconnects = 0
        self.last_error = ""
        self._database_url = database_url
        self._publication = publication
        self._on_rows = on_rows

    async def ready(self) -> None:
        """Wait until changes are being read; raises ConnectionError when that takes too long."""
        try:
            await asyncio.wait_for(self.live.wait(), _START_S)
        except TimeoutError as error:
            raise ConnectionError(f"the change feed does not start: {self.last_error}") from error

    async def admit(self, *, is_refresh: bool) -> None:  # noqa: ARG002 - nothing here takes the real server's time
        """Wait until changes are being read."""
        await self.live.wait()

    async def run(self) -> None:
        """Read until cancelled, through lost connections."""
        attempt = 0
        while True:
            try:
                connection = await asyncio.to_thread(self._open)
                attempt = 0
                await _Stream(connection, self._on_rows).read(self.live)
            except (FeedLost, psycopg.OperationalError) as error:
                self.live.clear()
                self.reconnects += 1
                self.last_error = str(error)
                log.warning("the change feed is lost, changes until it is back are lost too: %s", error)
            await pause(attempt)
            attempt += 1

    def _open(self) -> pq.abc.PGconn:
        """Connect and start the stream. Blocks: making a slot waits for transactions in progress."""
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        conninfo = make_conninfo(
            self._database_url, replication="database", application_name="realtime_feed", options=options
        )
        connection = pq.PGconn.connect(conninfo.encode())
        if connection.status != pq.ConnStatus.OK:
            raise FeedLost(_error(connection))
        slot = f"realtime_feed_{os.getpid()}_{self.reconnects}"
        # The older spelling of "no snapshot", which every supported server takes.
        _command(
            connection,
            f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT",
            pq.ExecStatus.TUPLES_OK,
        )
        _command(
            connection,
            f"START_REPLICATION SLOT {slot} LOGICAL 0/0 (proto_version '1', publication_names '{self._publication}')",
            pq.ExecStatus.COPY_BOTH,
        )
        connection.nonblocking = 1
        return connection


class _Stream:
    """One walsender connection on the event loop."""

    def __init__(self, connection: pq.abc.PGconn, on_rows: OnRows) -> None:
        self._connection = connection
        self._socket = connection.socket  # a lost connection does not know its socket any more
        self._on_rows = on_rows
        self._decoder = Decoder()
        self._read_up_to = 0
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[None] = self._loop.create_future()

    async def read(self, live: asyncio.Event) -> None:
        """Hand rows over until the connection is lost (FeedLost) or this is cancelled."""
        self._loop.add_reader(self._socket, self._readable)
        live.set()
        try:
            while not self._lost.done():
                self._acknowledge()
                await asyncio.wait((self._lost,), timeout=_FEEDBACK_S)
            self._lost.result()
        finally:
            live.clear()
            self._loop.remove_reader(self._socket)
            self._connection.finish()

    def _readable(self) -> None:
        try:
            self._connection.consume_input()
            self._drain()
        except (psycopg.OperationalError, FeedLost) as error:
            self._fail(error)

    def _drain(self) -> None:
        rows: list[Row] = []
        for _ in range(_MESSAGES_PER_TURN):
            length, data = self._connection.get_copy_data(1)
            if length == 0:
                break
            if length < 0:
                self._fail(FeedLost(_error(self._connection)))
                break
            row = self._take(bytes(data))
            if row is not None:
                rows.append(row)
        else:
            self._loop.call_soon(self._drain_rest)
        if rows:
            self._on_rows(rows)

    def _drain_rest(self) -> None:
        if self._lost.done():
            return
        try:
            self._drain()
        except psycopg.OperationalError as error:
            self._fail(error)

    def _take(self, data: bytes) -> Row | None:
        if data[0] == _XLOG_DATA:
            return self._decoder.feed(data[_HEADER:])
        if data[0] == _KEEPALIVE:
            # Everything before it has been read: transactions without published rows are only seen here.
            self._read_up_to = max(self._read_up_to, int.from_bytes(data[1:9]))
            if data[17]:
                self._acknowledge()
        return None

    def _acknowledge(self) -> None:
        """Report what has been read; the clock in the message is for information only."""
        position = max(self._read_up_to, self._decoder.commit_lsn).to_bytes(8)
        try:
            self._connection.put_copy_data(b"r" + position * 3 + bytes(8) + b"\0")
            self._connection.flush()
        except psycopg.OperationalError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._lost.done():
            self._loop.remove_reader(self._socket)
            self._lost.set_exception(error)


def _command(connection: pq.abc.PGconn, command: str, expected: pq.ExecStatus) -> None:
    result = connection.exec_(command.encode())
    if result.status != expected:
        why = result.error_message.decode(errors="replace").strip()
        connection.finish()
        raise FeedLost(f"{command.split(maxsplit=1)[0]}: {why}")


def _error(connection: pq.abc.PGconn) -> str:
    return connection.error_message.decode(errors="replace").strip() or "the server closed the stream"
