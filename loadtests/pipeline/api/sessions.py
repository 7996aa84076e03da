"""The API's connections to the database: lent to one request at a time, with their statements prepared.

The driver's own pool spends a task, three locks and a wrapper on each loan, and its cache a look-up on each statement.
Knows no table.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from asyncpg.transaction import Transaction

DriverConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect = Callable[[], Awaitable[DriverConnection]]

_MOST_PREPARED: Final = 100
"""Statements kept for each session; what comes beyond them has its place in the driver's cache, and loses it again."""


class Session:
    """One connection and the statements prepared on it."""

    __slots__ = ("_connection", "_prepared", "statements")

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self._prepared: dict[str, PreparedStatement[asyncpg.Record]] = {}
        self.statements = 0
        """How many have been asked for rows so far: what a request costs the database."""

    async def fetch(self, query: str, *arguments: object, timeout: float | None = None) -> list[asyncpg.Record]:  # noqa: ASYNC109 - the driver's own, which also cancels the statement
        """Return all rows."""
        self.statements += 1
        statement = self._prepared.get(query) or await self._prepare(query, timeout)
        if statement is None:
            return await self._connection.fetch(query, *arguments, timeout=timeout)
        try:
            return await statement.fetch(*arguments, timeout=timeout)
        except asyncpg.InvalidCachedStatementError:
            # Its table was altered since: the statement has done nothing, and is prepared anew.
            del self._prepared[query]
            if self._connection.is_in_transaction():
                raise
            return await self._connection.fetch(query, *arguments, timeout=timeout)
        except asyncpg.OutdatedSchemaCacheError:
            del self._prepared[query]  # a type was altered: the statement is done, and its answer cannot be read
            raise

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """Return the first row, or None."""
        rows = await self.fetch(query, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Return the first value of the first row, or None."""
        rows = await self.fetch(query, *arguments)
        return rows[0][0] if rows else None

    async def execute(self, query: str, *arguments: object, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """Run a statement whose rows nobody wants."""
        await self.fetch(query, *arguments, timeout=timeout)

    async def executemany(self, query: str, rows: Iterable[Sequence[object]], *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """Run a statement for each row, all in one transaction."""
        await self._connection.executemany(query, rows, timeout=timeout)

    def transaction(self) -> Transaction:
        """Return a context in which all statements are one transaction."""
        return self._connection.transaction()

    @property
    def is_usable(self) -> bool:
        """Whether the next request can have it: connected, and in no transaction that somebody left open."""
        return not self._connection.is_closed() and not self._connection.is_in_transaction()

    async def close(self) -> None:
        """Say goodbye."""
        await self._connection.close()

    def terminate(self) -> None:
        """Hang up."""
        self._connection.terminate()

    async def _prepare(self, query: str, timeout: float | None) -> "PreparedStatement[asyncpg.Record] | None":  # noqa: ASYNC109 - as above
        if len(self._prepared) >= _MOST_PREPARED:
            return None
        statement = self._prepared[query] = await self._connection.prepare(query, timeout=timeout)
        return statement


class Sessions:
    """So many sessions; the one that was used last is lent first. One that was lost is replaced when it is next due."""

    def __init__(self, connect: Connect, sessions: list[Session]) -> None:
        self._connect = connect
        self._free = sessions
        self._all = set(sessions)
        self._waiting: deque[asyncio.Future[Session]] = deque()

    @classmethod
    async def open(cls, connect: Connect, *, size: int) -> "Sessions":
        """Connect so many times; raises what the driver raises if one of them fails."""
        sessions: list[Session] = []
        try:
            for _ in range(size):
                sessions.append(Session(await connect()))  # noqa: PERF401 - what is open must be closed
        except BaseException:
            for session in sessions:
                session.terminate()
            raise
        return cls(connect, sessions)

    def acquire(self) -> "Loan":
        """Return a context in which a session is one's own."""
        return Loan(self)

    async def take(self) -> Session:
        """Wait for a session; it must be given back."""
        session = self._free.pop() if self._free else await self._wait()
        if session.is_usable:
            return session
        try:
            session.terminate()
            fresh = Session(await self._connect())
        except BaseException:
            self.give_back(session)
            raise
        self._all.remove(session)
        self._all.add(fresh)
        return fresh

    def give_back(self, session: Session) -> None:
        """Let the next one have a session."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():  # it may have been cancelled
                first.set_result(session)
                return
        self._free.append(session)

    async def _wait(self) -> Session:
        """Stand in line."""
        mine: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            return await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # given at the very moment of giving up
                self.give_back(mine.result())
            raise

    async def close(self) -> None:
        """Say goodbye on all connections."""
        for session in self._all:
            await session.close()

    def terminate(self) -> None:
        """Hang up on all connections, lent or not."""
        for session in self._all:
            session.terminate()


class Loan:
    """One session for as long as its block lasts."""

    __slots__ = ("_session", "_sessions")

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._session: Session | None = None

    async def __aenter__(self) -> Session:
        self._session = await self._sessions.take()
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._session is not None, "entered"
        self._sessions.give_back(self._session)
