"""The Realtime server assembled: a feed, a dispatcher, the subscriptions and the listening socket.

The place where clocks, the network and the database meet; each part is described in its own module.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from random import Random
from typing import Final

from picows import WSAutoPingStrategy, WSListener
from picows.picows import WSProtocol  # type: ignore[attr-defined] # its stub leaves the class out

from loadtests.pipeline.faults.desk import Desk, in_loop
from loadtests.pipeline.realtime import metrics
from loadtests.pipeline.realtime.audiences import Audiences
from loadtests.pipeline.realtime.authorizer import Authorizer
from loadtests.pipeline.realtime.catalog import PUBLICATION, Catalog
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.connection import MAX_INBOUND_BYTES, Connection
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.dispatch import Dispatcher
from loadtests.pipeline.realtime.door import Answer, Door, Late, Request
from loadtests.pipeline.realtime.feed import Feed, StreamingFeed
from loadtests.pipeline.realtime.feed_polling import PollingFeed, Surroundings
from loadtests.pipeline.realtime.handshake import PATHS, Accepted, Refused, examine, too_many
from loadtests.pipeline.realtime.limits import TOO_MANY_USERS, Limits
from loadtests.pipeline.realtime.message_policies import MessagePolicies
from loadtests.pipeline.realtime.misbehaviour import Misbehaviour
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.realtime.pacing import PollCost
from loadtests.pipeline.realtime.rooms import Rooms
from loadtests.pipeline.realtime.service import Service
from loadtests.pipeline.realtime.subscriptions import Subscriptions
from loadtests.pipeline.settings import LOOPBACK, RealtimeHello
from loadtests.processes.lifeline import say
from loadtests.wire.plans import PLANS

SERVICE_RESTART: Final = 1012
REFUSED_HANDSHAKE_S: Final = 2.0
"""What the real server waits before it refuses an upgrade."""
_FAREWELL_S: Final = 2.0

_PICOWS_LOG: Final = logging.LoggerAdapter(logging.getLogger("picows.server"))
"""Of a plain logger each connection would make, and keep, a child of its own."""

log = logging.getLogger(__name__)


class Realtime:
    """A running server."""

    def __init__(
        self, hello: RealtimeHello, catalog: Catalog, authorizer: Authorizer, policies: MessagePolicies
    ) -> None:
        self.counters = Counters()
        self._authorizer = authorizer
        self._audiences = Audiences()
        self._limits = Limits(PLANS[hello.options.plan])
        self._dispatcher = Dispatcher(
            self._audiences,
            describe=catalog.describe,
            authorize=authorizer.rights,
            comparisons=catalog.comparisons,
            limits=self._limits,
            counters=self.counters,
            now_ns=time.monotonic_ns,
        )
        self._feed = self._make_feed(hello)
        self._service = Service(
            options=hello.options,
            verifier=TokenVerifier(hello.jwt_secret),
            subscriptions=Subscriptions(audiences=self._audiences, catalog=catalog, feed=self._feed),
            limits=self._limits,
            policies=policies,
            rooms=Rooms(new_reference=lambda: secrets.token_urlsafe(12), presence_told=self._count_presence),
            counters=self.counters,
            now=_now,
            open_connections=set(),
        )
        self._misbehaviour = Misbehaviour(
            tampering=self._dispatcher.tampering,
            flows=self._dispatcher.flows,
            open_connections=self._service.open_connections,
        )
        self.faults = Desk(self._misbehaviour.begin, say=say, now_ns=time.monotonic_ns, later=in_loop)
        """Takes the supervisor's messages."""

    async def run_feed(self) -> None:
        """Read changes until cancelled."""
        await self._feed.run()

    async def run_dispatcher(self) -> None:
        """Deliver changes until cancelled."""
        await self._dispatcher.run()

    async def run_sweep(self) -> None:
        """End sockets without a channel until cancelled, as the real server does, one sweep at a time.

        A socket that came since the last sweep has had no time for a join yet.
        """
        every_s = self._service.options.no_channel_timeout_s
        if every_s == 0:
            return
        known: frozenset[Connection] = frozenset()
        while True:
            await asyncio.sleep(every_s)
            for connection in known & self._service.open_connections:
                self.counters.realtime_sockets_swept += connection.sweep()
            known = frozenset(self._service.open_connections)

    async def wait_ready(self) -> None:
        """Wait until subscribers may come; raises ConnectionError if they cannot be served."""
        await self._feed.ready()

    async def listen(self, port: int) -> asyncio.Server:
        """Open the port; 0 takes a free one.

        Raises:
            OSError: the port is taken.

        """
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Door(self._answer, _websocket), LOOPBACK, port, backlog=4096)

    async def say_goodbye(self) -> None:
        """Close every socket with 1012, as the real server does on SIGTERM, and wait until that is sent."""
        farewells = [asyncio.ensure_future(one.close_and_wait(SERVICE_RESTART)) for one in self._open()]
        if farewells:
            await asyncio.wait(farewells, timeout=_FAREWELL_S)

    def _open(self) -> tuple[Connection, ...]:
        return tuple(self._service.open_connections)

    def _answer(self, request: Request) -> WSListener | Late | Answer:
        if request.path in metrics.PATHS:
            if not metrics.may_scrape(request.headers, self._service.verifier, _now().unix_s):
                return Answer(status=HTTPStatus.FORBIDDEN)
            return Answer(status=HTTPStatus.OK, body=self._metrics(), content_type=metrics.CONTENT_TYPE)
        if request.path not in PATHS:
            return Answer(status=HTTPStatus.NOT_FOUND)
        verdict = self._examine(request)
        if isinstance(verdict, Refused):
            self.counters.realtime_handshakes_refused += 1
            return Answer(
                status=HTTPStatus(verdict.status),
                body=verdict.body,
                content_type="application/json; charset=utf-8" if verdict.body else None,
                delay_s=REFUSED_HANDSHAKE_S * self._service.options.delay_scale if verdict.is_delayed else 0.0,
            )
        connection = Connection(verdict, self._service)
        delay_s = self._misbehaviour.acceptance_delay_s()
        return Late(connection, delay_s) if delay_s else connection

    def _examine(self, request: Request) -> Accepted | Refused:
        now = _now()
        verdict = examine(
            request.query,
            request.headers,
            verifier=self._service.verifier,
            now_s=now.unix_s,
            tenant=self._service.options.tenant,
        )
        if isinstance(verdict, Accepted):
            refusal = self._limits.refuse_connection(now.monotonic_ns)
            if refusal is None and self._misbehaviour.refuses_connection():
                refusal = TOO_MANY_USERS
            if refusal is not None:
                return too_many(refusal)
        return verdict

    def _make_feed(self, hello: RealtimeHello) -> Feed:
        if hello.options.feed == "streaming":
            return StreamingFeed(hello.database_url, publication=PUBLICATION, on_rows=self._dispatcher.accept)
        return PollingFeed(
            hello.database_url,
            publication=PUBLICATION,
            audiences=self._audiences,
            dispatcher=self._dispatcher,
            cost=PollCost(hello.options.rls_check_us),
            counters=self.counters,
            surroundings=Surroundings(
                now_ns=time.monotonic_ns,
                random=Random().random,  # noqa: S311 - jitter, no secret
            ),
        )

    def _count_presence(self, listeners: int) -> None:
        self._limits.presence_told(time.monotonic_ns(), listeners)

    def _metrics(self) -> bytes:
        self.counters.realtime_channel_events = self._limits.broadcasts
        self.counters.realtime_channel_presence_events = self._limits.presences
        self.counters.phoenix_connections_total = len(self._service.open_connections)
        self.counters.realtime_connections_connected = self._limits.users
        self.counters.realtime_channel_joins = self._limits.joins
        self.counters.realtime_subscriptions_manager_subscribers = self._audiences.listener_count
        self.counters.realtime_replication_rows_waiting = self._dispatcher.waiting_count
        self.counters.realtime_replication_reconnects = self._feed.reconnects
        self.counters.realtime_rls_policy_failures = self._authorizer.failed_policies
        return metrics.exposition(self.counters)


@asynccontextmanager
async def serving(hello: RealtimeHello) -> AsyncIterator[tuple[Realtime, int]]:
    """Serve within the block; yields the server and its port, once changes are being read.

    Raises:
        OSError, asyncpg.PostgresError: the database or the port cannot be had.

    """
    authorizer = Authorizer(hello.database_url)
    await authorizer.open()
    catalog = await Catalog.connect(hello.database_url)
    policies = MessagePolicies(hello.database_url)
    realtime = Realtime(hello, catalog, authorizer, policies)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(realtime.run_feed(), name="feed"),
                tasks.create_task(realtime.run_dispatcher(), name="dispatcher"),
                tasks.create_task(realtime.run_sweep(), name="sweep"),
            ]
            await realtime.wait_ready()
            server = await realtime.listen(hello.port)
            yield realtime, int(server.sockets[0].getsockname()[1])
            server.close()
            await realtime.say_goodbye()
            for task in running:
                task.cancel()
    finally:
        await policies.close()
        await catalog.close()
        await authorizer.close()


def _now() -> Moment:
    # Tokens expire in Unix time, so this one place reads the wall clock.
    return Moment(monotonic_ns=time.monotonic_ns(), unix_s=time.time_ns() / 1e9)


def _websocket(listener: WSListener) -> asyncio.BufferedProtocol:
    """Return the library's protocol for a connection that has sent its request, as its own server makes it."""
    protocol: asyncio.BufferedProtocol = WSProtocol(
        None,  # host and path: a client's
        None,
        False,  # noqa: FBT003 - whether it is a client
        lambda _request: listener,
        _PICOWS_LOG,
        True,  # noqa: FBT003 - an exception in the listener ends the connection
        None,  # no timeout: the request is there already
        False,  # noqa: FBT003 - no pings of its own, with their two intervals and their strategy
        20,
        20,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,  # noqa: FBT003 - pings are answered
        MAX_INBOUND_BYTES,
        None,  # headers: a client's
        1024,
    )
    return protocol
