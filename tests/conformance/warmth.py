"""Somebody else who is subscribed, on a row that nobody writes: the recordings call such a tenant warm."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Self

import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conformance.world import SECRET, TENANT, World

_HEARTBEAT_S = 2.0
_READY_S = 20.0
_BINDING = {
    "event": "INSERT",
    "schema": "public",
    "table": "realtime_events",
    "filter": "organization_id=eq.00000000-0000-4000-8000-000000000000",
}


class Warmth:
    """Keeps worlds warm for as long as it is entered."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._ports: set[int] = set()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def keep(self, world: World) -> None:
        """Subscribe at the world's server, unless that was done, and return once changes flow."""
        port = world.server.port
        if port in self._ports:
            return
        self._ports.add(port)
        key = jwt.encode({"role": "anon", "exp": time.time_ns() // 10**9 + 3600}, SECRET)
        uri = f"ws://{TENANT}.localhost:{port}/socket/websocket?apikey={key}&vsn=2.0.0"
        socket = await self._stack.enter_async_context(connect(uri, host="127.0.0.1", port=port, proxy=None))
        await socket.send(
            json.dumps(["1", "1", "realtime:warm", "phx_join", {"config": {"postgres_changes": [_BINDING]}}])
        )
        async with asyncio.timeout(_READY_S):
            while "Subscribed to PostgreSQL" not in str(await socket.recv()):
                pass
        beating = asyncio.create_task(_beat(socket))
        self._stack.callback(beating.cancel)


async def _beat(socket: ClientConnection) -> None:
    """Send heartbeats until the socket is gone, as it is when a case stops the server."""
    try:
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            await socket.send('[null,"1","phoenix","heartbeat",{}]')
    except ConnectionClosed:
        return
