"""The process around the API: its socket, its pool, and how it begins and ends.

It begins by saying its port and ends when told to, after the requests in flight are answered. Knows nothing
of routes.
"""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvicorn
import uvloop

from loadtests.pipeline.api.app import build_app
from loadtests.pipeline.api.auth import TokenCheck
from loadtests.pipeline.api.background import background_work
from loadtests.pipeline.api.database import UNAVAILABLE, open_pool
from loadtests.pipeline.api.emission import Emission, EmissionRules
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.misbehaviour import Misbehaviour
from loadtests.pipeline.faults.desk import Desk, in_loop
from loadtests.pipeline.settings import LOOPBACK, ApiHello
from loadtests.processes import lifeline

BACKLOG = 4096
_DRAIN_S = 4
# Longer than the pauses of any device, so that a keep-alive connection does not close under a request.
_KEEP_ALIVE_S = 120


class StartError(RuntimeError):
    """The process cannot begin; the text says why and what to do."""


class Server(uvicorn.Server):
    """Uvicorn without its own signal handling, which would end the process by the signal after a clean stop."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then tell."""
        await super().startup(sockets=sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield

    def stop(self) -> None:
        """End once the requests in flight are answered."""
        self.should_exit = True


async def serve(hello: ApiHello) -> None:
    """Serve until the parent is gone or the process is told to end.

    Raises:
        StartError: the port is taken or the database cannot be reached.

    """
    listener = listen(hello.port)
    try:
        pool = await open_pool(hello.database_url, size=hello.options.pool_size)
    except UNAVAILABLE as error:
        listener.close()
        raise StartError(f"the database cannot be reached: {str(error) or type(error).__name__}") from error
    misbehaviour = Misbehaviour(hello.database_url)
    api = Api(
        pool=pool,
        tokens=TokenCheck(hello.jwt_secret),
        emission=Emission(
            monotonic_ns=time.monotonic_ns,
            wall_ns=time.time_ns,
            rules=EmissionRules.of(hello.options),
            spoils=misbehaviour.spoils,
        ),
        misbehaviour=misbehaviour,
        options=hello.options,
        wall_ns=time.time_ns,
    )
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        build_app(api),
        http="httptools",
        interface="asgi3",
        # Nobody stands before it, so that no header tells of another client than the one there is.
        proxy_headers=False,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = Server(config, lambda: lifeline.say({"is": "ready", "port": port}))
    faults = Desk(misbehaviour.begin, say=lifeline.say, now_ns=time.monotonic_ns, later=in_loop)
    stop_when_told(server, faults)
    try:
        async with background_work(api):
            await server.serve(sockets=[listener])
    finally:
        misbehaviour.close()
        pool.terminate()


def run_service(service: Coroutine[Any, Any, None]) -> int:
    """Run what serves in a loop of its own until it ends; return the exit code: 1 when it could not start."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(service)
    except StartError as error:
        lifeline.say({"is": "failed", "why": str(error)})
        return 1
    return 0


def listen(port: int) -> socket.socket:
    """Return a socket bound to a port of the loopback address; 0 takes a free one.

    Raises:
        StartError: the port is taken.

    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise StartError(f"port {port} cannot be used ({error.strerror}); choose another one, or 0 for any") from error
    return listener


def stop_when_told(server: Server, faults: Desk) -> None:
    """Stop the server when the parent hangs up, or on SIGTERM and SIGINT; pass its other messages on."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)

    def on_gone() -> None:
        loop.call_soon_threadsafe(server.stop)

    def on_message(message: lifeline.Message) -> None:
        loop.call_soon_threadsafe(faults.take, message)

    lifeline.watch(on_message, on_gone)


def allow_many_sockets() -> None:
    """Raise this process's own limit of open files as far as it may: each device holds a connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Where the hard limit is "no limit", the kernel still has one; this number every system grants.
    allowed = 10_240 if most == resource.RLIM_INFINITY else most
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def log_to_stderr() -> None:
    """Send log lines where the parent collects them."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
