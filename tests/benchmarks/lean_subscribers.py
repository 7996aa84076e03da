"""The least that a subscriber can be, in a process of its own: joins, and stamps each row when its frame is read.

`python -m lean_subscribers`, told `{"url", "topic", "binding", "tokens", "connects_at_once", "source"}`; the source is
the address to connect from, or null. Says `{"is": "ready", "began_ns", "live_ns"}` when all are live. Told
`{"do": "tell", "file": …}` it writes what was received so far, as pairs (row's number, monotonic nanoseconds), and
says `{"is": "told"}`. The number is the row's `entity_id`.
"""

import asyncio
import os
import resource
from array import array
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import Any

import numpy as np
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from loadtests.processes.lifeline import Message, read_hello, say, watch
from loadtests.wire import phoenix
from loadtests.wire.phoenix import Binding, Vsn

HEARTBEAT_S = 25.0
_KEY = b'"entity_id":'


class Subscriber(WSListener):
    """One socket with one channel."""

    def __init__(self, crowd: "Crowd", token: str) -> None:
        super().__init__()
        self._crowd = crowd
        self._token = token
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Join."""
        self.transport = transport
        crowd = self._crowd
        join = phoenix.join(topic=crowd.topic, ref="1", bindings=[crowd.binding], access_token=self._token)
        self._send(phoenix.encode_client(join, Vsn.V2))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - picows' signature
        """Stamp a row, or note that the channel is live."""
        if frame.msg_type is not WSMsgType.TEXT:
            return
        text = frame.get_payload_as_bytes()
        at = text.find(_KEY)
        if at >= 0:
            start = text.index(b'"', at + len(_KEY)) + 1
            self._crowd.received.append(int(text[start : text.index(b'"', start)]))
            self._crowd.received.append(monotonic_ns())
        elif b"Subscribed to PostgreSQL" in text:
            self._crowd.subscribed()

    def heartbeat(self) -> None:
        """Stay."""
        self._send(phoenix.encode_client(phoenix.heartbeat(ref="h"), Vsn.V2))

    def _send(self, text: bytes) -> None:
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, text)


class Crowd:
    """All sockets of this process."""

    def __init__(self, hello: dict[str, Any]) -> None:
        self.url: str = hello["url"]
        self.topic: str = hello["topic"]
        self.binding = Binding(**hello["binding"])
        self.tokens: list[str] = hello["tokens"]
        self.at_once: int = hello["connects_at_once"]
        self.source: str | None = hello["source"]
        self.received = array("q")
        self.all_live = asyncio.Event()
        self.everybody: list[Subscriber] = []
        self._live = 0

    def subscribed(self) -> None:
        """Count one more that is live."""
        self._live += 1
        if self._live == len(self.tokens):
            self.all_live.set()

    async def connect(self) -> None:
        """Open all sockets, and return once all are live."""
        for first in range(0, len(self.tokens), self.at_once):
            made = [Subscriber(self, token) for token in self.tokens[first : first + self.at_once]]
            await asyncio.gather(*(self._connect(one) for one in made))
            self.everybody += made
        await self.all_live.wait()

    async def stay(self) -> None:
        """Be heard of, from the first socket on: a server closes one that is silent for a minute."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for one in self.everybody:
                one.heartbeat()

    async def _connect(self, one: Subscriber) -> None:
        local = None if self.source is None else (self.source, 0)
        await ws_connect(partial(_the, one), self.url, read_buffer_init_size=1024, local_addr=local)

    def tell(self, message: Message) -> None:
        """Write what was received."""
        np.save(Path(message["file"]), np.asarray(self.received, dtype=np.int64).reshape(-1, 2))
        say({"is": "told"})


def _the(subscriber: Subscriber, _request: object, _response: object) -> Subscriber:
    return subscriber


async def run(hello: dict[str, Any]) -> None:
    """Subscribe all, then stay until the parent is gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd = Crowd(hello)
    loop = asyncio.get_running_loop()
    watch(lambda message: loop.call_soon_threadsafe(crowd.tell, message), lambda: os._exit(0))
    began_ns = monotonic_ns()
    staying = loop.create_task(crowd.stay())
    await crowd.connect()
    say({"is": "ready", "began_ns": began_ns, "live_ns": monotonic_ns()})
    await staying


if __name__ == "__main__":
    uvloop.run(run(read_hello()))
