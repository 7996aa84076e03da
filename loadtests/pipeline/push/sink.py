"""`python -m loadtests.pipeline.push.sink`: a push service that keeps what it gets, and misbehaves on command.

The hello on standard input is `{"port": 0}`, the answer `{"is": "ready", "port": N}`. Further lines are commands:
`{"do": "refuse", "status": 503, "retry_after_s": 1, "times": 3, "tokens": […]}`, `{"do": "accept"}` to refuse nothing
any more, `{"do": "delay", "ms": 200}`, `{"do": "close"}` for all connections, `{"do": "count"}`, `{"do": "list"}`.
Each is answered with one line.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import uvloop

from loadtests.pipeline.push.http2_server import Http2Server
from loadtests.pipeline.push.sink_book import Refusal, SinkAnswer, SinkBook
from loadtests.pipeline.settings import LOOPBACK
from loadtests.processes import lifeline


class Sink:
    """The service and its commands."""

    def __init__(self) -> None:
        self.book = SinkBook()
        self.delay_s = 0.0
        self.connections: set[Http2Server] = set()

    async def handle(self, headers: Mapping[str, str], body: bytes) -> SinkAnswer:
        """Answer a request, after the delay."""
        answer = self.book.answer(headers, body)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return answer

    def obey(self, command: lifeline.Message) -> dict[str, Any]:
        """Do what a command says and return what to answer it with."""
        try:
            return self._obey(command)
        except (KeyError, TypeError, ValueError) as error:
            return {"is": "misunderstood", "why": f"{type(error).__name__}: {error}", "command": command}

    def _obey(self, command: lifeline.Message) -> dict[str, Any]:
        match command.get("do"):
            case "refuse":
                self.book.refusals.append(Refusal.from_command(command))
            case "accept":
                self.book.refusals.clear()
            case "delay":
                self.delay_s = float(command["ms"]) / 1000
            case "close":
                for connection in list(self.connections):
                    connection.go_away()
            case "count":
                return {"is": "count", **self.book.counts()}
            case "list":
                return {"is": "list", "accepted": list(self.book.newest)}
            case other:
                raise ValueError(f"{other!r} is none of refuse, accept, delay, close, count, list")
        return {"is": "done"}


async def serve(port: int) -> None:
    """Serve until the parent is gone or the process is told to end."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    server = await loop.create_server(lambda: Http2Server(sink.handle, sink.connections), LOOPBACK, port)
    lifeline.say({"is": "ready", "port": server.sockets[0].getsockname()[1]})
    lifeline.watch(
        lambda command: _in_loop(loop, lambda: lifeline.say(sink.obey(command))),
        lambda: _in_loop(loop, ending.set),
    )
    await ending.wait()
    server.close()
    for connection in list(sink.connections):
        connection.go_away()


def _in_loop(loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    loop.call_soon_threadsafe(act)


def main() -> int:
    """Return the exit code: 0 after a clean stop, 1 when the port is taken."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    port = int(lifeline.read_hello().get("port", 0))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(port))
    except OSError as error:
        why = f"port {port} cannot be used ({error.strerror}); choose another one, or 0 for any"
        lifeline.say({"is": "failed", "why": why})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
