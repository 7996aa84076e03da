"""The process around the gateway: its socket, its sessions with the database, how it begins and ends.

Begins by saying its port, ends when told to. Knows nothing of routes.
"""

import asyncio
import logging
import signal
import time
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loadtests.pipeline.api.database import UNAVAILABLE, open_pool
from loadtests.pipeline.api.serve import BACKLOG, Server, StartError, listen
from loadtests.pipeline.gateway.app import Gateway, build_app
from loadtests.pipeline.gateway.splice import Front, Splices
from loadtests.pipeline.settings import LOOPBACK, GatewayHello
from loadtests.processes import lifeline

_DRAIN_S = 4
_KEEP_ALIVE_S = 75
_log = logging.getLogger(__name__)


async def serve(hello: GatewayHello) -> None:
    """Serve until the parent is gone or the process is told to end.

    Raises:
        StartError: the port is taken or the database cannot be reached.

    """
    listener = listen(hello.port)
    try:
        pool = await open_pool(hello.database_url, size=hello.options.pool_size, name="gateway")
    except UNAVAILABLE as error:
        listener.close()
        raise StartError(f"the database cannot be reached: {str(error) or type(error).__name__}") from error
    port = listener.getsockname()[1]
    gateway = Gateway(pool=pool, hello=hello, url=f"http://{LOOPBACK}:{port}", wall_s=time.time)
    splices = Splices(hello.realtime_port)
    server = Server(_config(gateway, splices), lambda: lifeline.say({"is": "ready", "port": port}))
    _stop_when_told(server, splices)
    try:
        await server.serve(sockets=[listener])
    finally:
        pool.terminate()


def _config(gateway: Gateway, splices: Splices) -> uvicorn.Config:
    def make_front(**parts: Any) -> Front:
        return Front(splices, lambda: HttpToolsProtocol(**parts))

    return uvicorn.Config(
        build_app(gateway),
        http=cast("type[asyncio.Protocol]", make_front),
        interface="asgi3",
        proxy_headers=False,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )


def _stop_when_told(server: Server, splices: Splices) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        splices.close()
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

    def on_gone() -> None:
        loop.call_soon_threadsafe(stop)

    lifeline.watch(lambda message: _log.warning("unknown message: %s", message), on_gone)
