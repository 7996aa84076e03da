"""Sessions are lent one at a time, replaced when they are lost, and survive what befalls their statements."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import psycopg
import pytest

from loadtests.pipeline.api.database import open_pool
from loadtests.pipeline.api.sessions import Session, Sessions

PID = "select pg_backend_pid()"

Act = Callable[[Sessions], Awaitable[object]]


@pytest.fixture
def with_sessions(database: str, runner: asyncio.Runner) -> Callable[..., object]:
    """Return a function that lets a test act on this many sessions."""

    def run(act: Act, *, size: int = 1) -> object:
        async def scene() -> object:
            sessions = await open_pool(database, size=size)
            try:
                return await act(sessions)
            finally:
                sessions.terminate()

        return runner.run(scene())

    return run


async def pid(sessions: Sessions) -> int:
    """Borrow a session; return the process behind it."""
    async with sessions.acquire() as session:
        process: int = await session.fetchval(PID)
        return process


def test_the_session_used_last_is_lent_first(with_sessions: Callable[..., object]) -> None:
    """Its statements are prepared and its caches warm."""

    async def act(sessions: Sessions) -> set[int]:
        return {await pid(sessions) for _ in range(4)}

    processes = with_sessions(act, size=3)

    assert isinstance(processes, set)
    assert len(processes) == 1


def test_more_borrowers_than_sessions_stand_in_line(with_sessions: Callable[..., object]) -> None:
    """In the order in which they came, and each has a session of its own meanwhile."""
    came: list[int] = []

    async def act(sessions: Sessions) -> None:
        async def borrow(number: int) -> None:
            async with sessions.acquire() as session:
                came.append(number)
                await session.fetchval(PID)

        await asyncio.gather(*(borrow(number) for number in range(6)))

    with_sessions(act, size=2)

    assert came == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("is_given_meanwhile", [False, True])
def test_who_gives_up_waiting_keeps_nothing(with_sessions: Callable[..., object], *, is_given_meanwhile: bool) -> None:
    """Even if the session was given at the very moment."""

    async def act(sessions: Sessions) -> bool:
        lent = await sessions.take()
        waiting = asyncio.ensure_future(sessions.take())
        await asyncio.sleep(0)
        if is_given_meanwhile:
            sessions.give_back(lent)
        waiting.cancel()
        await asyncio.wait([waiting])
        if not is_given_meanwhile:
            sessions.give_back(lent)
        return await sessions.take() is lent

    assert with_sessions(act) is True


def test_a_lost_session_is_replaced(with_sessions: Callable[..., object]) -> None:
    """The next borrower does not notice."""

    async def act(sessions: Sessions) -> tuple[int, int]:
        first = await pid(sessions)
        async with sessions.acquire() as session:
            session.terminate()
        return first, await pid(sessions)

    first, second = with_sessions(act)  # type: ignore[misc] # what `act` returns

    assert first != second


def test_a_session_left_in_a_transaction_is_not_lent_again(with_sessions: Callable[..., object]) -> None:
    """What nobody committed is undone, and nobody else works in it."""

    async def act(sessions: Sessions) -> tuple[int, int]:
        async with sessions.acquire() as session:
            first = await session.fetchval(PID)
            await session.transaction().start()
        return first, await pid(sessions)

    first, second = with_sessions(act)  # type: ignore[misc] # what `act` returns

    assert first != second


def test_room_is_not_lost_while_the_database_is_away(runner: asyncio.Runner, database: str) -> None:
    """Each borrower is told, and the first one after its return is served."""

    async def scene() -> tuple[bool, int]:
        away = False

        async def connect() -> "asyncpg.Connection[asyncpg.Record]":
            if away:
                raise ConnectionRefusedError
            return await asyncpg.connect(database)

        sessions = await Sessions.open(connect, size=1)
        first = await sessions.take()
        first.terminate()
        sessions.give_back(first)
        away = True
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                await sessions.take()
        away = False
        session = await sessions.take()
        value = await session.fetchval("select 7")
        sessions.terminate()
        return session is not first, value

    assert runner.run(scene()) == (True, 7)


def test_a_table_may_change_its_shape(with_sessions: Callable[..., object], sql: psycopg.Connection) -> None:
    """A statement that was prepared for another shape is prepared anew."""
    sql.execute("create table shape (a int)")
    sql.execute("insert into shape values (1)")

    async def act(sessions: Sessions) -> list[tuple[object, ...]]:
        seen = []
        async with sessions.acquire() as session:
            for change in ("select 1", "alter table shape add column b text default 'x'", "select 2"):
                sql.execute(change.encode())
                seen.append(tuple(await session.fetchrow("select * from shape") or ()))
        return seen

    assert with_sessions(act) == [(1,), (1, "x"), (1, "x")]


def test_any_number_of_statements_is_served(with_sessions: Callable[..., object]) -> None:
    """Only so many are kept prepared."""

    async def act(sessions: Sessions) -> tuple[int, list[int]]:
        async with sessions.acquire() as session:
            values = [await session.fetchval(f"select {number} + $1::int", 1) for number in range(250)]
            prepared = await session.fetchval("select count(*) from pg_prepared_statements")
        return prepared, values

    prepared, values = with_sessions(act)  # type: ignore[misc] # what `act` returns

    assert values == list(range(1, 251))
    assert prepared <= 201


def test_a_statement_may_have_no_row(with_sessions: Callable[..., object]) -> None:
    """Then there is no first row and no first value."""

    async def act(sessions: Sessions) -> tuple[object, ...]:
        async with sessions.acquire() as session:
            assert isinstance(session, Session)
            nothing = "select 1 where false"
            return await session.fetch(nothing), await session.fetchrow(nothing), await session.fetchval(nothing)

    assert with_sessions(act) == ([], None, None)
