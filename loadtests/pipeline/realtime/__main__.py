"""The Realtime server as a process: `python -m loadtests.pipeline.realtime`, its settings on standard input.

Says `{"is": "ready", "port": N}` and ends when standard input closes or on SIGTERM.
"""

import asyncio
import gc
import logging
import resource
import signal
import sys
from typing import Final

import asyncpg
import uvloop

from loadtests.pipeline.faults.desk import Desk
from loadtests.pipeline.realtime.server import serving
from loadtests.pipeline.settings import RealtimeHello
from loadtests.processes.lifeline import Message, read_hello, say, watch

_OBJECTS_BETWEEN_COLLECTIONS: Final = 5000


async def _serve(hello: RealtimeHello) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def on_gone() -> None:
        loop.call_soon_threadsafe(stop.set)

    faults: list[Desk] = []  # none before the server is there; the supervisor waits for that

    def on_message(message: Message) -> None:
        for desk in faults:
            loop.call_soon_threadsafe(desk.take, message)

    watch(on_message, on_gone)
    async with serving(hello) as (realtime, port):
        faults.append(realtime.faults)
        say({"is": "ready", "port": port})
        await stop.wait()


def main() -> int:
    """Serve until told to stop; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("picows").setLevel(logging.WARNING)  # it would log two lines for each socket
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    hello = RealtimeHello.from_json(read_hello())
    code = 0
    # What is there now stays; and most of what a socket holds stays as long as the socket, so that looking for garbage
    # after every few hundred new objects, again and again through thousands of sockets, is an eighth of a join's cost.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
    try:
        uvloop.run(_serve(hello))
    except* (OSError, asyncpg.PostgresError) as group:
        why = "; ".join(str(error) for error in group.exceptions)
        say({"is": "failed", "why": f"the Realtime server cannot run: {why}"})
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
