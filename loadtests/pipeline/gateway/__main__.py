"""`python -m loadtests.pipeline.gateway`: read the hello, serve, end with the parent."""

import asyncio
import sys

import uvloop

from loadtests.pipeline.api.serve import StartError, allow_many_sockets, log_to_stderr
from loadtests.pipeline.gateway.serve import serve
from loadtests.pipeline.settings import GatewayHello
from loadtests.processes import lifeline


def main() -> int:
    """Return the exit code: 0 after a clean stop, 1 when the gateway could not start."""
    log_to_stderr()
    allow_many_sockets()
    hello = GatewayHello.from_json(lifeline.read_hello())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(hello))
    except StartError as error:
        lifeline.say({"is": "failed", "why": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
