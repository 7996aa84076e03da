"""The Realtime server assembled: a feed, a dispatcher, the subscriptions and the listening socket.

The place where clocks, the network and the database meet; each part is described in its own module.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from picows import (
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from loadtests.pipeline.realtime.audiences import Audiences
from loadtests.pipeline.realtime.authorizer import Authorizer
from loadtests.pipeline.realtime.catalog import PUBLICATION, Catalog
from loadtests.pipeline.realtime.channels import Moment
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.connection import MAX_INBOUND_BYTES, Connection, Service
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.dispatch import Dispatcher
from loadtests.pipeline.realtime.feed import StreamingFeed
from loadtests.pipeline.realtime.handshake import PATHS, Refused, examine
from loadtests.pipeline.realtime.subscriptions import Subscriptions
from loadtests.pipeline.settings import LOOPBACK, RealtimeHello

SERVICE_RESTART: Final = 1012
_FEED_START_S: Final = 10.0
_FAREWELL_S: Final = 2.0

log = logging.getLogger(__name__)


class Realtime:
    """A running server."""

    def __init__(self, hello: RealtimeHello, catalog: Catalog, authorizer: Authorizer) -> None:
        self.counters = Counters()
        self._authorizer = authorizer
        self._audiences = Audiences()
        self._dispatcher = Dispatcher(
            self._audiences, describe=catalog.describe, authorize=authorizer.visible, counters=self.counters
        )
        self._feed = StreamingFeed(hello.database_url, publication=PUBLICATION, on_rows=self._dispatcher.accept)
        self._service = Service(
            options=hello.options,
            verifier=TokenVerifier(hello.jwt_secret),
            subscriptions=Subscriptions(audiences=self._audiences, catalog=catalog, feed_is_live=self._feed.live),
            counters=self.counters,
            now=_now,
            open_connections=set(),
        )

    async def run_feed(self) -> None:
        """Read changes until cancelled."""
        await self._feed.run()

    async def run_dispatcher(self) -> None:
        """Deliver changes until cancelled."""
        await self._dispatcher.run()

    async def wait_live(self) -> None:
        """Wait until changes are being read.

        Raises:
            ConnectionError: they are not, after ten seconds; says why.

        """
        try:
            await asyncio.wait_for(self._feed.live.wait(), _FEED_START_S)
        except TimeoutError as error:
            raise ConnectionError(f"the change feed does not start: {self._feed.last_error}") from error

    async def listen(self, port: int) -> asyncio.Server:
        """Open the port; 0 takes a free one.

        Raises:
            OSError: the port is taken.

        """
        return await ws_create_server(
            self._answer,
            LOOPBACK,
            port,
            max_frame_size=MAX_INBOUND_BYTES,
            read_buffer_init_size=1024,
            use_aiofastnet=False,  # the event loop's own transport costs less memory for each socket
            websocket_handshake_timeout=30,
            backlog=4096,
        )

    async def say_goodbye(self) -> None:
        """Close every socket with 1012, as the real server does on SIGTERM, and wait until that is sent."""
        farewells = [asyncio.ensure_future(one.close_and_wait(SERVICE_RESTART)) for one in self._open()]
        if farewells:
            await asyncio.wait(farewells, timeout=_FAREWELL_S)

    def _open(self) -> tuple[Connection, ...]:
        return tuple(self._service.open_connections)

    def _answer(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener | None:
        path, _, query = request.path.decode("latin-1").partition("?")
        if path == "/metrics":
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(self._metrics()), None)
        if path not in PATHS:
            return None
        verdict = examine(query, request.headers, verifier=self._service.verifier, now_s=_now().unix_s)
        if isinstance(verdict, Refused):
            self.counters.realtime_handshakes_refused += 1
            json_header = {"Content-Type": "application/json; charset=utf-8"}
            response = WSUpgradeResponse.create_error_response(
                HTTPStatus(verdict.status), verdict.body, json_header if verdict.body else None
            )
            return WSUpgradeResponseWithListener(response, None)
        return Connection(verdict, self._service)

    def _metrics(self) -> bytes:
        self.counters.realtime_subscriptions_manager_subscribers = self._audiences.listener_count
        self.counters.realtime_replication_rows_waiting = self._dispatcher.waiting_count
        self.counters.realtime_replication_reconnects = self._feed.reconnects
        self.counters.realtime_rls_policy_failures = self._authorizer.failed_policies
        return self.counters.to_prometheus()


@asynccontextmanager
async def serving(hello: RealtimeHello) -> AsyncIterator[tuple[Realtime, int]]:
    """Serve within the block; yields the server and its port, once changes are being read.

    Raises:
        OSError, asyncpg.PostgresError: the database or the port cannot be had.

    """
    authorizer = Authorizer(hello.database_url)
    await authorizer.open()
    catalog = await Catalog.connect(hello.database_url)
    realtime = Realtime(hello, catalog, authorizer)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(realtime.run_feed(), name="feed"),
                tasks.create_task(realtime.run_dispatcher(), name="dispatcher"),
            ]
            await realtime.wait_live()
            server = await realtime.listen(hello.port)
            yield realtime, int(server.sockets[0].getsockname()[1])
            server.close()
            await realtime.say_goodbye()
            for task in running:
                task.cancel()
    finally:
        await catalog.close()
        await authorizer.close()


def _now() -> Moment:
    # Tokens expire in Unix time, so this one place reads the wall clock.
    return Moment(monotonic_ns=time.monotonic_ns(), unix_s=time.time_ns() / 1e9)
