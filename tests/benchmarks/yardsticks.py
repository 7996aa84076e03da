"""How fast this machine is today, in the parts that a server's cost is made of, beside the machine of the reference.

A target in operations per second and core means nothing without a machine. The reference figures below were taken with
the same library versions on the machine for which the targets were written; each part is measured here anew, in
CPU time, next to the benchmark that uses it. A cost divided by the factor is what it would be there.
`python tests/benchmarks/yardsticks.py`: ten seconds.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, cast

import jwt
import uvloop
from picows import WSFrame, WSListener, WSTransport, WSUpgradeRequest, ws_create_server

SECRET = "a-secret-of-at-least-thirty-two-characters"
REPEATS = 5
TOKENS = 3000
SOCKETS = 1000
ROUNDS = 40
FRAME = b"\x81\x7e" + (808).to_bytes(2, "big") + b"x" * 808
_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """One part of a server's work: what it costs here, and what it cost there."""

    name: str
    here_us: float
    there_us: float

    @property
    def factor(self) -> float:
        """How many times slower this machine is."""
        return self.here_us / self.there_us

    def rate_there(self, rate_per_core: float) -> float:
        """Return the rate on one core of the reference machine, for work of this kind."""
        return rate_per_core * self.factor

    def line(self) -> str:
        """Return it as a line for people."""
        return (
            f"{self.name:34} {self.here_us:8.1f} µs    (reference {self.there_us:g} µs: {self.factor:.2f} times slower)"
        )


def token_check() -> Yardstick:
    """Pure Python: PyJWT's HS256 decode with expiry and audience, as at a join; the best of some repetitions."""
    claims = {"sub": "someone", "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 3600}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    best_s = min(_cpu_s(lambda: _decode(token)) for _ in range(REPEATS))
    return Yardstick(name="token checked by PyJWT", here_us=best_s / TOKENS * 1e6, there_us=37.0)


def _decode(token: str) -> None:
    for _ in range(TOKENS):
        jwt.decode(token, SECRET, algorithms=["HS256"], audience="authenticated")


def _cpu_s(work: Callable[[], None]) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def fan_out() -> Yardstick:
    """A frame of 808 bytes to each of 1,000 readers, prebuilt, one write each: mostly the system's own cost."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=SOCKETS)) as listener:
        best_s = _served(_serve_frames, listener, _read_frames)
    return Yardstick(name="frame written by picows", here_us=best_s / (SOCKETS * ROUNDS) * 1e6, there_us=7.9)


def _served(
    serve: Callable[[socket.socket, Connection], None],
    listener: socket.socket,
    use: Callable[[tuple[str, int], Connection], float],
) -> float:
    """Run a server in a process of its own; return the least CPU time that one round of use cost it."""
    here, there = get_context("fork").Pipe()
    pid = os.fork()
    if pid == 0:
        try:
            here.close()  # or the end of the pipe would never come
            serve(listener, there)
        finally:
            os._exit(0)
    there.close()
    here.recv()
    try:
        return use(listener.getsockname(), here)
    finally:
        here.close()
        os.waitpid(pid, 0)


def _tell_cpu(pipe: Connection, end: Callable[[], None], then: Callable[[], None] = lambda: None) -> None:
    """Answer each word with the CPU time so far; do something for it first; end with the pipe."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        try:
            pipe.recv()
        except EOFError:
            loop.remove_reader(pipe.fileno())
            end()
            return
        then()
        pipe.send(time.process_time())

    loop.add_reader(pipe.fileno(), heard)
    pipe.send("ready")


def _serve_frames(listener: socket.socket, pipe: Connection) -> None:
    transports: set[WSTransport] = set()

    class Listener(WSListener):
        def on_ws_connected(self, transport: WSTransport) -> None:
            transports.add(transport)

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            """Nobody says anything."""

    def to_everybody() -> None:
        for each in transports if len(transports) == SOCKETS else ():
            each.underlying_transport.write(FRAME)

    def accept(_: WSUpgradeRequest) -> Listener:
        return Listener()

    async def serve() -> None:
        over = asyncio.Event()
        options: dict[str, Any] = {"sock": listener, "read_buffer_init_size": 1024, "use_aiofastnet": False}
        server = await ws_create_server(accept, **options)
        _tell_cpu(pipe, over.set, to_everybody)
        await over.wait()
        server.close()

    uvloop.run(serve())


class _Reader(asyncio.Protocol):
    """One subscriber: counts bytes, and says when the whole crowd has had a round."""

    def __init__(self, crowd: "_Crowd") -> None:
        self._crowd = crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(_UPGRADE)

    def data_received(self, data: bytes) -> None:
        self._crowd.heard(len(data), is_upgrade=data.startswith(b"HTTP/1.1 101"))


class _Crowd:
    """All subscribers."""

    def __init__(self) -> None:
        self.upgraded = 0
        self.had_round = asyncio.Event()
        self._bytes = 0

    def heard(self, count: int, *, is_upgrade: bool) -> None:
        """Count the bytes of frames."""
        if is_upgrade:
            self.upgraded += 1
        else:
            self._bytes += count
        if self.upgraded == SOCKETS and (self._bytes == 0 or self._bytes == SOCKETS * len(FRAME)):
            self._bytes = 0
            self.had_round.set()


def _read_frames(address: tuple[str, int], pipe: Connection) -> float:
    async def read() -> float:
        loop, crowd = asyncio.get_running_loop(), _Crowd()
        readers = [(await loop.create_connection(lambda: _Reader(crowd), *address))[0] for _ in range(SOCKETS)]
        await crowd.had_round.wait()
        best_s = float("inf")
        for _ in range(REPEATS):
            told_s = []
            for _ in range(ROUNDS):
                crowd.had_round.clear()
                pipe.send("write")
                await crowd.had_round.wait()
                told_s.append(pipe.recv())
            best_s = min(best_s, (told_s[-1] - told_s[0]) / (ROUNDS - 1) * ROUNDS)
        for each in readers:
            each.close()
        return best_s

    return uvloop.run(read())


def main() -> int:
    """Measure and print."""
    for yardstick in (token_check(), fan_out()):
        print(yardstick.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
