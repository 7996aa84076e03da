"""The clients that the swarm is compared with, each in a process of its own: `python -m yardstick_clients`.

The official `realtime` client as its documentation shows it, and bare `websockets` with the least that a harness
needs: join, heartbeat, decode, and one stamp for each frame. Both say `{"is": "ready"}` when all are subscribed.
"""

import asyncio
import json
import logging
import os
import sys
from array import array
from collections.abc import Awaitable, Callable
from time import monotonic_ns
from typing import Any

import uvloop
import websockets
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent

from loadtests.processes.lifeline import read_hello, say, watch

PROGRESS_S = 0.5
CONNECTS_AT_ONCE = 50


class Yardstick:
    """What both kinds share: whom to connect, how many are live, and the stamps of all frames received."""

    def __init__(self, hello: dict[str, Any]) -> None:
        self.url: str = hello["realtime_url"]
        self.key: str = hello["anon_key"]
        self.organization_id: str = hello["organization_id"]
        self.tokens: list[str] = hello["tokens"]
        self.live = 0
        self.all_live = asyncio.Event()
        self.stamps = array("q")
        self.kept: list[object] = []

    def subscribed(self) -> None:
        """Count one more that is live."""
        self.live += 1
        if self.live == len(self.tokens):
            self.all_live.set()

    def received(self, change: Any) -> None:
        """Take one change in: the event's id is looked at, and the moment is kept."""
        if change["data"]["record"]["id"]:
            self.stamps.append(monotonic_ns())


async def official(yardstick: Yardstick, token: str) -> None:
    """Subscribe with the official client."""
    client = AsyncRealtimeClient(yardstick.url.removesuffix("/websocket"), yardstick.key, auto_reconnect=False)
    await client.connect()
    await client.set_auth(token)
    channel = client.channel(f"org-{yardstick.organization_id}-events")

    def hear_system(message: Any) -> None:
        if message.status == "ok":
            yardstick.subscribed()

    channel.on_postgres_changes(
        RealtimePostgresChangesListenEvent.Insert,
        callback=yardstick.received,
        schema="public",
        table="realtime_events",
        filter=f"organization_id=eq.{yardstick.organization_id}",
    ).on_system(hear_system)
    await channel.subscribe()
    yardstick.kept.append(client)


async def bare(yardstick: Yardstick, token: str) -> None:
    """Subscribe with `websockets` and decode with the standard library."""
    organization_id = yardstick.organization_id
    socket = await websockets.connect(
        f"{yardstick.url}?apikey={yardstick.key}&vsn=2.0.0", compression=None, ping_interval=None
    )
    binding = {
        "event": "INSERT",
        "schema": "public",
        "table": "realtime_events",
        "filter": f"organization_id=eq.{organization_id}",
    }
    config = {"postgres_changes": [binding], "presence": {"enabled": False}, "private": False}
    payload = {"config": config, "access_token": token}
    await socket.send(json.dumps(["1", "1", f"realtime:org-{organization_id}-events", "phx_join", payload]))

    async def listen() -> None:
        async for text in socket:
            _, _, _, event, content = json.loads(text)
            if event == "postgres_changes":
                yardstick.received(content)
            elif event == "system" and content["status"] == "ok":
                yardstick.subscribed()

    yardstick.kept.append(asyncio.create_task(listen()))


async def run(hello: dict[str, Any]) -> None:
    """Subscribe all, then report until the parent is gone."""
    subscribe: Callable[[Yardstick, str], Awaitable[None]] = {"realtime": official, "websockets": bare}[hello["kind"]]
    yardstick = Yardstick(hello)
    tokens = yardstick.tokens
    for first in range(0, len(tokens), CONNECTS_AT_ONCE):
        chunk = tokens[first : first + CONNECTS_AT_ONCE]
        await asyncio.gather(*(subscribe(yardstick, token) for token in chunk))
    await yardstick.all_live.wait()
    say({"is": "ready"})
    while True:
        await asyncio.sleep(PROGRESS_S)
        say({"is": "progress", "signals": len(yardstick.stamps)})


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    first_message = read_hello()
    watch(lambda _message: None, lambda: os._exit(0))
    uvloop.run(run(first_message))
