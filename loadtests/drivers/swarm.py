"""The devices' own process: `python -m loadtests.drivers.swarm`, a clean one with nothing of Locust in it.

It obeys its parent's messages (prepare, go, stop), tells it how things stand, and is gone when its parent is gone.
"""

import asyncio
import gc
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from loadtests.drivers.fleet import Fleet, Host, NobodyLiveError
from loadtests.drivers.health import LoopHealth
from loadtests.drivers.run_input import RunInput
from loadtests.drivers.shard import Shard, TooFewDescriptorsError, ledger_rows
from loadtests.drivers.wallet import Wallet
from loadtests.history.directory import NoRunError
from loadtests.history.kinds import Process
from loadtests.history.ledger import Ledger, LedgerFullError
from loadtests.processes import lifeline
from loadtests.processes.lifeline import Message
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tls import TlsError

_log: Final = logging.getLogger(__name__)
_PROGRESS_S: Final = 0.5


class Swarm:
    """The process: its ledger, its health, its conversation with the parent, and the fleet of its devices."""

    def __init__(self, hello: Message, loop: asyncio.AbstractEventLoop) -> None:
        self._run = RunInput.read(Path(hello["run"]))
        self._shard = Shard.of_run(self._run, int(hello["shard"]), int(hello["shards"]))
        self._connections_max = self._shard.fetch_connections(_raise_descriptor_limit())
        self._loop = loop
        self._ledger: Ledger = self._run.create_ledger(
            f"swarm-{self._shard.number}", expected_rows=ledger_rows(self._run.scenario, self._shard)
        )
        self._health = LoopHealth(loop=loop, ledger=self._ledger, process=Process.SWARM, index=self._shard.number)
        self._wallet = Wallet()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._broken: asyncio.Future[None] = loop.create_future()
        self._fleet: Fleet | None = None

    async def obey(self) -> None:
        """Carry out what the parent says until it says stop."""
        lifeline.watch(self._receive, lambda: os._exit(1))
        self._loop.set_exception_handler(self._hear_exception)
        self._health.start()
        async with asyncio.TaskGroup() as tasks:
            conversation = tasks.create_task(self._converse())
            progress = tasks.create_task(self._tell_progress())
            breakage = tasks.create_task(self._wait_broken())
            await conversation
            progress.cancel()
            breakage.cancel()

    def close(self) -> None:
        """Close the ledger."""
        self._health.stop()
        self._ledger.close()

    def _receive(self, message: Message) -> None:
        """Hand a message over from the thread that reads it."""
        self._loop.call_soon_threadsafe(self._hear, message)

    def _hear(self, message: Message) -> None:
        """Take fresh tokens at once, also while devices connect; all else waits for its turn."""
        if not self._wallet.hear(message):
            self._inbox.put_nowait(message)

    async def _converse(self) -> None:
        while True:
            message = await self._inbox.get()
            match message["do"]:
                case "prepare":
                    await self._prepare(Endpoint.from_json(message["endpoint"]))
                case "go":
                    self._the_fleet().begin(int(message["at_ns"]))
                case "stop":
                    if self._fleet is not None:
                        await self._fleet.log_out()
                    return
                case unknown:
                    raise ValueError(f"the parent said {unknown!r}, which is none of prepare, go, stop")

    async def _prepare(self, endpoint: Endpoint) -> None:
        self._fleet = Fleet(
            self._run,
            self._shard,
            endpoint,
            Host(
                loop=self._loop,
                ledger=self._ledger,
                wallet=self._wallet,
                connections_max=self._connections_max,
                fail=self._break,
            ),
        )
        await self._fleet.log_in()
        # What lives now lives until the end: no later collection needs to look at it.
        gc.collect()
        gc.freeze()
        lifeline.say({"is": "ready", **self._fleet.counts(), "refusals": self._fleet.refusals()})

    def counts(self) -> dict[str, Any]:
        """Return how things stand."""
        return self._fleet.counts() if self._fleet is not None else {"rows": self._ledger.rows}

    def _the_fleet(self) -> Fleet:
        if self._fleet is None:
            raise ValueError("the parent said go before it said prepare")
        return self._fleet

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            lifeline.say({"is": "progress", **self.counts()})

    # ---- what breaks in a callback ends the process

    def _hear_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        self._break(context.get("exception") or RuntimeError(context["message"]))

    def _break(self, error: BaseException) -> None:
        if not self._broken.done():
            self._broken.set_exception(error)

    async def _wait_broken(self) -> None:
        await self._broken


def _raise_descriptor_limit() -> int:
    """Raise the soft limit on open files to the hard one, which needs no rights, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


def _why(error: BaseException) -> str:
    """Return what to tell the parent; our own refusals explain themselves."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_why(one) for one in error.exceptions)
    if isinstance(error, LedgerFullError | NobodyLiveError | NoRunError | TlsError | TooFewDescriptorsError):
        return str(error)
    return repr(error)


def main() -> int:
    """Live as long as the parent wants it; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s swarm %(levelname)s %(message)s")
    hello = lifeline.read_hello()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        swarm = Swarm(hello, loop)
    except (TooFewDescriptorsError, OSError, ValueError) as error:
        lifeline.say({"is": "failed", "why": _why(error)})
        return 1
    try:
        loop.run_until_complete(swarm.obey())
    except Exception as error:  # noqa: BLE001 - the parent has to hear of it whatever it is
        _log.exception("the swarm broke")
        swarm.close()
        lifeline.say({"is": "failed", "why": _why(error)})
        return 1
    swarm.close()
    lifeline.say({"is": "done", **swarm.counts()})
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The thread that watches the lifeline sits in a read and would make an orderly interpreter exit wait or complain.
    os._exit(code)
