"""A proxy that ends TLS before a server in clear text, as the one in front of every hosted project does.

Its certificate is made by an authority of the test's own. It may close connections that were idle for a while, or
each behind its first answer, as such proxies do. What is being answered is not idle, however long the answer takes.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import trustme

_CHUNK = 65_536
_HOLD = getattr(socket, "TCP_CORK", 4)
"""What is written is held back; 4 is macOS's TCP_NOPUSH, which Python does not name."""
_LAST_TURNS = 100
"""Of the event loop: a handshake that failed is put away in several steps."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that is running."""

    port: int
    accepted: list[str]
    """The application protocol that each connection agreed on."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A test's own authority."""

    ca: trustme.CA
    ca_file: Path

    @classmethod
    def make(cls, folder: Path, name: str = "authority") -> "Authority":
        """Make one, with its certificate in a file."""
        ca = trustme.CA()
        ca_file = folder / f"{name}.pem"
        ca.cert_pem.write_to_path(str(ca_file))
        return cls(ca, ca_file)

    def context_for(self, *names: str) -> SSLContext:
        """Return a server's context with a certificate for `names`."""
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.ca.issue_cert(*names).configure_cert(context)
        return context


@dataclass(slots=True)
class _Talk:
    """What one connection is at."""

    is_asked: bool = False
    """An answer is awaited."""


@contextmanager
def tls_proxy(
    context: SSLContext, upstream_port: int, *, idle_s: float | None = None, answers_once: bool = False
) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own; `idle_s` closes what has been silent for so long.

    With `answers_once` each connection is closed in one stroke with its first answer: who has read this finds the end
    there, too, so that whether a request meets a dead end does not depend on when it is written.
    """
    loop = asyncio.new_event_loop()
    accepted: list[str] = []

    async def serve() -> asyncio.Server:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(str(writer.get_extra_info("ssl_object").selected_alpn_protocol()))
            with suppress(OSError):
                there, here = await asyncio.open_connection("127.0.0.1", upstream_port)
                with suppress(asyncio.CancelledError):
                    async with asyncio.TaskGroup() as tasks:
                        talk = _Talk()
                        tasks.create_task(_carry_requests(reader, here, talk, idle_s))
                        tasks.create_task(_answer_once(there, writer) if answers_once else _carry(there, writer, talk))
                here.close()
            writer.close()

        return await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield Proxy(server.sockets[0].getsockname()[1], accepted)
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _carry_requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: _Talk, idle_s: float | None
) -> None:
    """Carry a client's bytes until one side is gone, or nothing has come and nothing was awaited for `idle_s`."""
    with suppress(OSError):
        while True:
            try:
                chunk = await asyncio.wait_for(reader.read(_CHUNK), idle_s)
            except TimeoutError:
                if talk.is_asked:
                    continue
                break
            if not chunk:
                break
            talk.is_asked = True
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: _Talk) -> None:
    """Carry a server's bytes until one side is gone."""
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            talk.is_asked = False
            await writer.drain()
    writer.close()


async def _answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one whole answer, and the end with it in one segment."""
    with suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, _HOLD, 1)
        writer.write(head + body)
        writer.close()
        connection.setsockopt(socket.IPPROTO_TCP, _HOLD, 0)
    writer.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # Handshakes that are under way belong to no task: only the event loop knows their transports.
    for transport in list(asyncio.get_running_loop()._transports.values()):  # type: ignore[attr-defined]
        transport.abort()
    for _ in range(_LAST_TURNS):
        await asyncio.sleep(0)
