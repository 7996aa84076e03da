"""A client's WebSocket that notes when each frame came, and how it ended."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.cases import decode
from tests.conformance.placeholders import Names


@dataclass(frozen=True, slots=True)
class Frame:
    """What came, and when, on the monotonic clock."""

    message: Any
    at_ns: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, and when; 1006 is no close frame."""

    code: int
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An upgrade answered with plain HTTP."""

    status: int
    content_type: str | None
    body: Any
    at_ns: int


class Socket:
    """One open WebSocket; what it receives waits in `inbox`."""

    def __init__(self, connection: ClientConnection, names: Names) -> None:
        self._connection = connection
        self._names = names
        self.inbox: asyncio.Queue[Frame | Closed] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    async def send(self, message: Any) -> None:
        """Send a message as JSON."""
        await self._connection.send(json.dumps(message))

    async def send_text(self, text: str) -> None:
        """Send a text as it is."""
        await self._connection.send(text)

    async def close(self) -> None:
        """Close from this side."""
        await self._connection.close()
        await self._reader

    async def _read(self) -> None:
        try:
            async for text in self._connection:
                now_ns = time.monotonic_ns()
                assert isinstance(text, str), "no recording has a binary frame"
                await self.inbox.put(Frame(decode(self._names.recorded(text)), now_ns))
        except ConnectionClosed:
            pass
        code = self._connection.close_code
        await self.inbox.put(Closed(1006 if code is None else code, time.monotonic_ns()))


async def open_socket(port: int, host: str, path: str, query: Mapping[str, str], names: Names) -> Socket | Refused:
    """Connect, with `host` as the name that the request asks for."""
    uri = f"ws://{host}:{port}{path}?{urlencode(query)}"
    try:
        connection = await connect(
            uri, host="127.0.0.1", port=port, max_size=None, ping_interval=None, compression=None, proxy=None
        )
    except InvalidStatus as refused:
        response = refused.response
        body = decode(bytes(response.body)) if response.body else None
        return Refused(
            status=response.status_code,
            content_type=response.headers.get("content-type"),
            body=body,
            at_ns=time.monotonic_ns(),
        )
    return Socket(connection, names)
