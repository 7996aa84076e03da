"""The polling feed while nobody is subscribed, with a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from loadtests.pipeline.realtime.audiences import AudienceKey, Audiences
from loadtests.pipeline.realtime.authorizer import Authorizer
from loadtests.pipeline.realtime.catalog import PUBLICATION, Catalog
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.dispatch import Dispatcher
from loadtests.pipeline.realtime.feed_polling import PollingFeed, Surroundings
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.pacing import PollCost
from loadtests.wire.phoenix import Vsn
from loadtests.wire.plans import PLANS

MINUTE_NS = 60 * 10**9
SLOTS = "select count(*) from pg_replication_slots where database = current_database()"
SUBSCRIPTION = AudienceKey(
    topic="realtime:t", vsn=Vsn.V2, bindings=(), claims=Claims(role="authenticated", text="somebody")
)


class Listener:
    """A channel that hears nothing: only its presence counts."""

    def deliver(self, frames: bytes, count: int) -> None:
        """Do nothing."""


class Clock:
    """A clock that stands until it is set."""

    now_ns = 0

    def read(self) -> int:
        """Return the time."""
        return self.now_ns


@asynccontextmanager
async def running(database: str, audiences: Audiences, clock: Clock) -> AsyncIterator[tuple[PollingFeed, Counters]]:
    """Run a feed on a database."""
    catalog, authorizer, counters = await Catalog.connect(database), Authorizer(database), Counters()
    await authorizer.open()
    dispatcher = Dispatcher(
        audiences,
        describe=catalog.describe,
        authorize=authorizer.rights,
        comparisons=catalog.comparisons,
        limits=Limits(PLANS["unlimited"]),
        counters=counters,
        now_ns=clock.read,
    )
    feed = PollingFeed(
        database,
        publication=PUBLICATION,
        audiences=audiences,
        dispatcher=dispatcher,
        cost=PollCost(check_us=0),
        counters=counters,
        surroundings=Surroundings(now_ns=clock.read, random=lambda: 0.0),
    )
    task = asyncio.ensure_future(feed.run())
    try:
        yield feed, counters
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await catalog.close()
        await authorizer.close()


def slots(database: str) -> int:
    """Return how many replication slots the database has."""
    with psycopg.connect(database) as owner:
        row = owner.execute(SLOTS.encode()).fetchone()
    assert row is not None
    return int(row[0])


async def until_slots(database: str, wanted: int) -> None:
    """Wait until the database has so many slots."""
    async with asyncio.timeout(15):
        while slots(database) != wanted:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def until_polled(counters: Counters) -> None:
    """Wait for a poll that begins after this."""
    polls = counters.realtime_replication_poller_query_duration.count
    async with asyncio.timeout(15):
        while counters.realtime_replication_poller_query_duration.count < polls + 2:  # noqa: ASYNC110 - a plain number
            await asyncio.sleep(0.02)


def test_no_slot_is_held_before_somebody_subscribes(database: str) -> None:
    """The server has made sure that it can have one, and given it back."""

    async def scenario() -> None:
        async with running(database, Audiences(), Clock()) as (feed, _):
            await feed.ready()
            await until_slots(database, 0)
            assert not feed.live.is_set()

    asyncio.run(scenario())


def test_ten_minutes_without_subscribers_end_the_slot_and_the_next_one_starts_anew(database: str) -> None:
    """While there is a subscriber the time does not count."""

    async def scenario() -> list[int]:
        audiences, clock, listener, seen = Audiences(), Clock(), Listener(), []
        async with running(database, audiences, clock) as (feed, counters):
            await feed.admit(is_refresh=False)
            audiences.put(listener, SUBSCRIPTION)
            clock.now_ns = 30 * MINUTE_NS
            await until_polled(counters)
            seen.append(slots(database))
            audiences.drop(listener)
            clock.now_ns = 41 * MINUTE_NS
            await until_slots(database, 0)
            seen.append(int(feed.live.is_set()))
            await feed.admit(is_refresh=False)
            seen.append(slots(database))
        return seen

    assert asyncio.run(scenario()) == [1, 0, 1]
