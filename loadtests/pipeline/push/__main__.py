"""`python -m loadtests.pipeline.push`: read the hello, send from the outbox, end with the parent."""

import asyncio
import contextlib
import logging
import random
import signal
import sys
import time

import asyncpg
import uvloop

from loadtests.pipeline.push.channel import Channel
from loadtests.pipeline.push.outbox import UNAVAILABLE, Outbox
from loadtests.pipeline.push.sender import Sender, Surroundings
from loadtests.pipeline.settings import PushHello
from loadtests.processes import lifeline

_CONNECTIONS = 4

_log = logging.getLogger("loadtests.pipeline.push")


def main() -> int:
    """Return the exit code: 0 after a clean stop, 1 when the sender could not start."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    hello = PushHello.from_json(lifeline.read_hello())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(send(hello))
    except UNAVAILABLE as error:
        why = f"the database cannot be reached: {str(error) or type(error).__name__}"
        lifeline.say({"is": "failed", "why": why})
        return 1
    return 0


async def send(hello: PushHello) -> None:
    """Send until the parent is gone or the process is told to end."""
    options = hello.options
    assert options.endpoint_url is not None, "whoever wants no notifications starts no sender"
    async with asyncpg.create_pool(
        hello.database_url,
        min_size=_CONNECTIONS,
        max_size=_CONNECTIONS,
        server_settings={"application_name": "push sender"},
    ) as pool:
        channel = Channel(options.endpoint_url, timeout_s=options.request_timeout_ms / 1000)
        surroundings = Surroundings(monotonic_ns=time.monotonic_ns, wall_ns=time.time_ns, random=random.random)
        sender = Sender(Outbox(pool), channel, options=options, secret=hello.signing_secret, surroundings=surroundings)
        sending = asyncio.ensure_future(sender.run())
        stop_when_told(sending)
        lifeline.say({"is": "ready"})
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        finally:
            channel.close()


def stop_when_told(sending: "asyncio.Future[None]") -> None:
    """Cancel the sending when the parent hangs up, or on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, sending.cancel)

    def on_gone() -> None:
        loop.call_soon_threadsafe(sending.cancel)

    lifeline.watch(_ignore, on_gone)


def _ignore(message: lifeline.Message) -> None:
    _log.warning("unknown message: %s", message)


if __name__ == "__main__":
    sys.exit(main())
