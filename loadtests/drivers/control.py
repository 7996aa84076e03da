"""The control group's own process: the official `realtime` client, used as its users use it, beside the lean swarm.

Each control subscriber joins the organization of one lean subscriber, as a user of its own (or, of given people,
as the same), and writes down what it was told: subscribed, live, each event. One whose shadow logs in during the load
joins not before it, else it would wake a cold server; the others join while devices log in, whoever is first. It
re-fetches nothing. Plain asyncio, because that is what it is run on.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final

from realtime import AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.types import RealtimePostgresChangesListenEvent
from websockets.exceptions import WebSocketException

from loadtests.clients.channel import Channel
from loadtests.drivers.run_input import RunInput
from loadtests.drivers.target_loop import TargetLoop
from loadtests.drivers.unquoted import UnquotedFormatter, unquoted
from loadtests.drivers.wallet import Mint, Wallet
from loadtests.history.kinds import NO_ENTITY, Kind
from loadtests.history.ledger import Ledger, LedgerFullError
from loadtests.processes import lifeline
from loadtests.processes.lifeline import Message
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Control
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.phoenix import TOPIC_PREFIX
from loadtests.wire.tls import TlsError, client_context, explain
from loadtests.wire.way import Way

_log: Final = logging.getLogger(__name__)
_WEBSOCKET: Final = "/websocket"
"""What the official client appends to the address that it is given."""
_LEAVE_S: Final = 5.0
_SPARE_ROWS: Final = 100_000
_TOKEN_SPARE_S: Final = 3600.0
_NS_PER_S: Final = 1_000_000_000


class ControlSubscriber:
    """One official client and its rows."""

    def __init__(
        self, control: Control, organization_id: str, *, ledger: Ledger, fail: Callable[[Exception], None]
    ) -> None:
        self._control = control
        self._channel = Channel.of_organization(organization_id)
        self._ledger = ledger
        self._fail = fail
        self._client: AsyncRealtimeClient | None = None
        self._is_up = False
        self.live = asyncio.Event()

    @property
    def joins_ns(self) -> int | None:
        """When it joins, from the start of the load; None: before."""
        return self._control.joins_ns

    async def subscribe(self, way: Way, anon_key: str, mint: Mint) -> None:
        """Connect and join; what becomes of it is told to the callbacks."""
        self._client = AsyncRealtimeClient(way.url.removesuffix(_WEBSOCKET), anon_key)
        await self._client.set_auth(mint(self._control.user_id))
        binding = self._channel.binding
        channel = self._client.channel(self._channel.topic.removeprefix(TOPIC_PREFIX))
        channel.on_postgres_changes(
            RealtimePostgresChangesListenEvent.Insert,
            self._on_change,
            table=binding.table,
            schema=binding.schema,
            filter=binding.filter,
        ).on_system(self._on_system)
        try:
            await channel.subscribe(self._on_status)
        except (OSError, WebSocketException) as error:
            # The client has given up; that there is no control group is for the analysis to say.
            why = unquoted(explain(error, way.address[0]))
            _log.warning("the control subscriber %d cannot connect: %s", self._control.index, why)
            self._go_down(why)

    @property
    def user_id(self) -> str:
        """Whom it plays."""
        return self._control.user_id

    async def renew(self, mint: Mint) -> None:
        """Tell the client of a fresh token; one that is not connected uses it when it joins again."""
        if self._client is None:
            return
        try:
            await self._client.set_auth(mint(self._control.user_id))
        except (OSError, WebSocketException) as error:
            _log.warning("the control subscriber %d could not renew: %s", self._control.index, unquoted(str(error)))

    async def leave(self) -> None:
        """End; a server that does not answer is not waited for."""
        self._go_down("left")
        if self._client is not None:
            try:
                await asyncio.wait_for(self._client.close(), _LEAVE_S)
            except TimeoutError:
                _log.warning("the control subscriber %d was not let go in %g s", self._control.index, _LEAVE_S)

    def _on_change(self, change: Mapping[str, Any]) -> None:
        now_ns = monotonic_ns()
        event = change["data"]["record"].get("id")
        entity = NO_ENTITY if event is None else self._ledger.name(str(event))
        self._record(Kind.CONTROL_SIGNAL, now_ns, entity=entity)

    def _on_status(self, status: RealtimeSubscribeStates, error: Exception | None) -> None:
        if status is RealtimeSubscribeStates.SUBSCRIBED:
            self._record(Kind.CONTROL_SUBSCRIBED, monotonic_ns())
        else:
            self._go_down(unquoted(f"{status.value}: {error}") if error else status.value)

    def _on_system(self, said: Any) -> None:
        if said.status == "ok" and said.extension == "postgres_changes" and not self._is_up:
            self._is_up = True
            self._record(Kind.CONTROL_LIVE, monotonic_ns())
            self.live.set()

    def _go_down(self, why: str) -> None:
        self._is_up = False
        self._record(Kind.CONTROL_DOWN, monotonic_ns(), entity=self._ledger.name(why))

    def _record(self, kind: Kind, at_ns: int, *, entity: int = NO_ENTITY) -> None:
        try:
            self._ledger.record(kind, at_ns, actor=self._control.index, entity=entity, value=self._control.shadows)
        except LedgerFullError as error:  # the official client would lose what its callbacks raise
            self._fail(error)


class ControlGroup:
    """The process: obeys prepare, go and stop."""

    def __init__(self, hello: Message, loop: TargetLoop) -> None:
        self._run = RunInput.read(Path(hello["run"]))
        scenario, population = self._run.scenario, self._run.population
        self.ledger = self._run.create_ledger("control", expected_rows=_rows(scenario))
        self._loop = loop
        self._wallet = Wallet()
        self._renewing: set[asyncio.Task[None]] = set()
        self._inbox: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self._subscribers = [
            ControlSubscriber(
                control,
                population.organization_id(control.organization),
                ledger=self.ledger,
                fail=self._inbox.put_nowait,
            )
            for control in population.controls
        ]
        self._come_up: Callable[[ControlSubscriber], Awaitable[None]] | None = None
        """How one of them subscribes; known when the target is."""
        self._latecomers: asyncio.Task[None] | None = None

    async def obey(self) -> None:
        """Carry out what the parent says until it says stop."""

        def receive(message: Message) -> None:
            self._loop.call_soon_threadsafe(self._hear, message)

        lifeline.watch(receive, lambda: os._exit(1))
        while True:
            message = await self._inbox.get()
            if isinstance(message, Exception):
                raise message
            match message["do"]:
                case "prepare":
                    await self._prepare(Endpoint.from_json(message["endpoint"]))
                case "go":
                    self._latecomers = asyncio.create_task(self._admit_latecomers(message["at_ns"]))
                    self._latecomers.add_done_callback(self._tell_failure)
                case "stop":
                    if self._latecomers is not None:
                        self._latecomers.cancel()
                    await asyncio.gather(*(one.leave() for one in self._subscribers))
                    return
                case unknown:
                    raise ValueError(f"the parent said {unknown!r}, which is none of prepare, go, stop")

    def _hear(self, message: Message) -> None:
        """Take fresh tokens at once, also while clients connect; all else waits for its turn."""
        if not self._wallet.hear(message):
            self._inbox.put_nowait(message)

    async def _prepare(self, endpoint: Endpoint) -> None:
        """Subscribe who is early, and wait until they are live or their time is over; the analysis finds who is not."""
        scenario = self._run.scenario
        lifetime_s = scenario.duration_s + scenario.effective_drain_s + _TOKEN_SPARE_S
        mint = self._wallet.minter(lifetime_s)
        for one in self._subscribers:
            self._wallet.listen(one.user_id, partial(self._renew, one, mint))
        way = Way.to(endpoint)
        self._loop.lead(way, client_context(endpoint.ca_file) if endpoint.ca_file else None)

        async def come_up(subscriber: ControlSubscriber) -> None:
            await subscriber.subscribe(way, endpoint.anon_key, mint)
            await subscriber.live.wait()

        self._come_up = come_up
        await self._await_live([one for one in self._subscribers if one.joins_ns is None])
        lifeline.say({"is": "ready"})

    def _renew(self, subscriber: ControlSubscriber, mint: Mint, _left_ns: int) -> None:
        """Let the official client push the fresh token, as its user would."""
        renewing = self._loop.create_task(subscriber.renew(mint))
        self._renewing.add(renewing)
        renewing.add_done_callback(self._renewing.discard)
        renewing.add_done_callback(self._tell_failure)

    async def _await_live(self, subscribers: Sequence[ControlSubscriber]) -> None:
        assert self._come_up is not None
        patience_s = self._run.scenario.subscribers.live_within_s
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*(self._come_up(one) for one in subscribers))
        except TimeoutError:
            _log.warning("not all of the control group became live in %g s", patience_s)

    async def _admit_latecomers(self, start_ns: int) -> None:
        """Subscribe each of the others at its moment; `start_ns` is the start of the load, CLOCK_MONOTONIC."""
        late = [(one.joins_ns, one) for one in self._subscribers if one.joins_ns is not None]
        await asyncio.gather(*(self._admit(one, start_ns + joins_ns) for joins_ns, one in late))

    async def _admit(self, subscriber: ControlSubscriber, at_ns: int) -> None:
        await asyncio.sleep(max(0, at_ns - monotonic_ns()) / _NS_PER_S)
        await self._await_live([subscriber])

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        """Have the process fail as it would if it had waited for the task itself."""
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._inbox.put_nowait(error)


def _rows(scenario: Scenario) -> int:
    """Return room for every event to reach every control subscriber twice; the file is sparse."""
    mutations = sum(phase.mutations_per_s * phase.duration_s for phase in scenario.phases)
    return _SPARE_ROWS + 2 * round(mutations) * scenario.subscribers.control


def main() -> int:
    """Live as long as the parent wants it; return the exit code."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(UnquotedFormatter("%(asctime)s control %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    hello = lifeline.read_hello()
    loop = TargetLoop()
    asyncio.set_event_loop(loop)
    group = ControlGroup(hello, loop)
    try:
        loop.run_until_complete(group.obey())
    except Exception as error:  # noqa: BLE001 - the parent has to hear of it whatever it is
        _log.exception("the control group broke")
        group.ledger.close()
        lifeline.say(
            {
                "is": "failed",
                "why": unquoted(str(error) if isinstance(error, LedgerFullError | TlsError) else repr(error)),
            }
        )
        return 1
    group.ledger.close()
    lifeline.say({"is": "done"})
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The thread that watches the lifeline sits in a read and would make an orderly interpreter exit wait or complain.
    os._exit(code)
