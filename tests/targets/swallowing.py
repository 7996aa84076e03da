"""Hosts that swallow what is sent to them, as real sockets: one takes connections and is silent, one takes none."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

_ROOM = 8
"""More connections than a backlog of none has room for."""


@contextmanager
def silent() -> Iterator[int]:
    """Yield the port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def full() -> Iterator[int]:
    """Yield the port of a server whose backlog is full: the kernel drops what else wants to connect."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(_ROOM):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the name of the socket's own method says it
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


SWALLOWING: dict[str, Callable[[], AbstractContextManager[int]]] = {"silent": silent, "full": full}
