"""Row-level security on `realtime.messages`, asked for one private channel at a time, as the real server asks.

A row is written for what may be heard, looked for as the caller, and taken back; what may be said is tried as the
caller, and taken back. Every answer is of that moment. Holds connections of its own, opened when somebody first asks.
"""

import asyncio
import logging
import uuid
from typing import Any, Final

import asyncpg
import orjson

from loadtests.pipeline.realtime.database import SESSION, UNREACHABLE
from loadtests.pipeline.realtime.policies import Answer, Extension, Question

_PROBE: Final = "insert into realtime.messages (id, topic, extension, private) values ($1, $2, $3, true)"
_TRY: Final = "insert into realtime.messages (topic, extension, private) values ($1, $2, true)"
_BECOME: Final = """
    select set_config('role', $1, true), set_config('realtime.topic', $2, true),
        set_config('request.jwt.claims', $3, true), set_config('request.jwt.claim.sub', $4, true),
        set_config('request.jwt.claim.role', $1, true), set_config('request.headers', '{}', true)
"""
_SEEN: Final = "select id from realtime.messages where id = any ($1)"

_PAST: Final = """
    select id::text, event, payload::text from realtime.messages
    where topic = $1 and private and extension = 'broadcast'
        and inserted_at >= to_timestamp($2::float8 / 1000) at time zone 'UTC'
    order by inserted_at desc
    limit $3
"""

log = logging.getLogger(__name__)


class MessagePolicies:
    """Ask who may hear and say what."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.close()

    async def ask(self, question: Question) -> Answer:
        """Return what is granted now; never raises for the database, whose failures are answers too."""
        try:
            pool = await self._connected()
            async with pool.acquire() as connection:
                heard = await _hears(connection, question)
                replayed = await _replayed(connection, question) if Extension.BROADCAST in heard else ()
                return Answer(reads=heard, writes=await _may_say(connection, question), replayed=replayed)
        except UNREACHABLE as error:
            log.warning("policies of a private channel: the database cannot be reached: %r", error)
            return Answer(unreachable=True)
        except asyncpg.PostgresError as error:
            log.warning("policies of the private channel %s: %s", question.topic, error)
            return Answer(failed=True)

    async def _connected(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                settings = {**SESSION, "application_name": "realtime_connect"}
                self._pool = await asyncpg.create_pool(
                    self._database_url, min_size=1, max_size=2, server_settings=settings
                )
        return self._pool


async def _hears(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", question: Question
) -> frozenset[Extension]:
    if not question.reads:
        return frozenset()
    probes = {uuid.uuid4(): extension for extension in question.reads}
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.executemany(_PROBE, [(id_, question.topic, extension) for id_, extension in probes.items()])
        await _become(connection, question)
        return frozenset(probes[row["id"]] for row in await connection.fetch(_SEEN, list(probes)))
    finally:
        await transaction.rollback()


async def _may_say(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", question: Question
) -> frozenset[Extension]:
    granted: set[Extension] = set()
    for extension in question.writes:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await _become(connection, question)
            await connection.execute(_TRY, question.topic, extension)
            granted.add(extension)
        except asyncpg.InsufficientPrivilegeError:
            pass  # the answer: this caller may not
        finally:
            await transaction.rollback()
    return frozenset(granted)


async def _replayed(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", question: Question
) -> tuple[dict[str, Any], ...]:
    """Return what was broadcast from the database, as the channel's owner: who may hear the topic may hear its past."""
    if question.replay is None:
        return ()
    rows = await connection.fetch(_PAST, question.topic, question.replay.since_ms, question.replay.limit)
    return tuple(
        {
            "payload": None if payload is None else orjson.loads(payload),
            "event": event,
            "type": "broadcast",
            "meta": {"replayed": True, "id": id_},
        }
        for id_, event, payload in reversed(rows)
    )


async def _become(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", question: Question) -> None:
    claims = question.claims
    await connection.execute(_BECOME, claims.role, question.topic, claims.text, claims.subject)
