"""A real WebSocket server whose answers are scripted, and one subscriber that talks to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import uvloop
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection
from loadtests.clients.device import Device, Place
from loadtests.clients.fetching import FetchDesk
from loadtests.clients.gathering import Gatherer
from loadtests.clients.manners import Manners
from loadtests.clients.models import Screen, client_model
from loadtests.clients.reconnecting import WELL_BEHAVED
from loadtests.drivers.arrivals import Arrivals
from loadtests.drivers.dialling import Dialler
from loadtests.drivers.fetch import FetchPool
from loadtests.drivers.refreshes import Refresher
from loadtests.drivers.subscribers import Crowd, Subscriber
from loadtests.drivers.timers import TimerQueue
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.history.ledger import Ledger
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.wire.endpoint import Endpoint

MS = 1_000_000
DEADLINE_S = 10.0
ORGANIZATION = "7f0c2a1e-0000-4000-8000-000000000007"
TOPIC = f"realtime:org-{ORGANIZATION}-events"
SUBSCRIBED = {"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL"}

Script = Callable[["Conversation", list[Any]], None]


class Conversation(WSListener):
    """One connection of the server."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.transport: WSTransport | None = None
        self.answers_close = True
        self.joins: list[dict[str, Any]] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember whom to answer."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Let the script answer."""
        if frame.msg_type == WSMsgType.CLOSE:
            if self.answers_close:
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()
            return
        message = orjson.loads(frame.get_payload_as_bytes())
        if message[3] == "phx_join":
            self.joins.append(message[4])
        self._script(self, message)

    def send(self, *parts: Any) -> None:
        """Send a message of five elements."""
        self.send_text(orjson.dumps(parts))

    def send_text(self, text: bytes) -> None:
        """Send any text."""
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, text)

    def accept(self, message: list[Any]) -> None:
        """Answer a join or a heartbeat as a healthy server does."""
        join_ref, ref, topic, event, _ = message
        if event in {"phx_join", "heartbeat", "phx_leave"}:
            self.send(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {"postgres_changes": []}})
        if event == "phx_join":
            self.send(join_ref, None, topic, "system", SUBSCRIBED)

    def close(self, code: int) -> None:
        """Close the WebSocket with a code."""
        assert self.transport is not None
        self.transport.send(WSMsgType.CLOSE, code.to_bytes(2, "big"))


def change(event_id: str, *, organization: str = ORGANIZATION, event_type: str = "job.updated") -> bytes:
    """Return the frame of one event."""
    record = {
        "id": event_id,
        "organization_id": organization,
        "event_type": event_type,
        "entity_type": "job",
        "entity_id": "j1",
        "payload": {},
    }
    data = {
        "schema": "public",
        "table": "realtime_events",
        "type": "INSERT",
        "commit_timestamp": "2026-09-01T12:00:00.123Z",
        "columns": [],
        "record": record,
        "errors": None,
    }
    return orjson.dumps([None, None, TOPIC, "postgres_changes", {"ids": [1], "data": data}])


async def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again, up to a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110 - what is looked at is a file, which sets no event
            await asyncio.sleep(0.002)


@dataclass
class Scene:
    """One subscriber in front of a scripted server."""

    ledger: Ledger
    subscriber: Subscriber
    crowd: Crowd
    conversations: list[Conversation]
    broken: list[BaseException] = field(default_factory=list)

    async def wait_rows(self, kind: Kind, least: int) -> None:
        """Wait until there are so many rows of a kind."""
        await wait_until(lambda: len(self.rows(kind)) >= least)

    def rows(self, *kinds: Kind) -> list[Any]:
        """Return the rows of these kinds so far."""
        return list(self.history().of(*kinds))

    def history(self) -> History:
        """Return everything so far."""
        return History.read(self.ledger.path.parent)


@asynccontextmanager
async def scene(
    directory: Path,
    *scripts: Script | HTTPStatus,
    manners: Manners | None = None,
    window_ns: int = 20 * MS,
) -> AsyncIterator[Scene]:
    """Log a device in; the n-th connection is answered by the n-th script, later ones by the last."""
    conversations: list[Conversation] = []
    numbers = count()

    def answer(_request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        script = scripts[min(next(numbers), len(scripts) - 1)]
        if isinstance(script, HTTPStatus):
            refusal = WSUpgradeResponse.create_error_response(script, b'{"error":"Too many connected users"}')
            return WSUpgradeResponseWithListener(refusal, None)
        conversations.append(Conversation(script))
        return conversations[-1]

    server = await ws_create_server(answer, "127.0.0.1", 0, use_aiofastnet=False)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/socket"
    endpoint = Endpoint(
        api_url="http://127.0.0.1:1", realtime_url=url, anon_key="a", service_key="", jwt_secret="", database_url=""
    )
    loop = asyncio.get_running_loop()
    timers = TimerQueue(loop)
    tokens = count(1)
    with Ledger(directory / "swarm-0.ledger", capacity_rows=10_000) as ledger:
        pool = FetchPool(endpoint.api_url, connections_max=2, timeout_ns=1000 * MS, timers=timers)
        broken: list[BaseException] = []
        dialler = Dialler(endpoint, handshake_timeout_s=5)
        crowd = Crowd(
            ledger=ledger,
            timers=timers,
            refresher=Refresher(ledger=ledger, pool=pool, numbers=count(1)),
            arrivals=Arrivals(ledger, {ORGANIZATION: 3}, lambda _: None),
            dial=dialler.dial,
            fail=broken.append,
        )
        channel = Channel.of_organization(ORGANIZATION)
        model = client_model(DeviceModel.IOS, window_ns=window_ns)
        device = Device(
            model,
            (Place(organization=3, channel=channel, screen=Screen()),),
            connection=Connection(
                channel, manners or polite(), mint=lambda: f"u-{next(tokens)}", chance=lambda: 0.5, phase=0.0
            ),
            gatherer=Gatherer(model.policy, count(1), lambda: 0.5),
            desk=FetchDesk(model.discipline),
        )
        subscriber = Subscriber(5, DeviceModel.IOS, crowd=crowd, device=device)
        subscriber.log_in(0)
        try:
            yield Scene(ledger, subscriber, crowd, conversations, broken)
        finally:
            timers.stop()
            crowd.refresher.close()
            subscriber.log_out()
            subscriber.hang_up()
            dialler.close()
            server.close()
        assert broken == []


def polite(**changes: int) -> Manners:
    """Return manners that lose no time."""
    given = {"live_within_ns": 5_000 * MS, "heartbeat_interval_ns": 25_000 * MS, **changes}
    delays = (5 * MS, 10 * MS, 20 * MS)
    return Manners(reconnecting=replace(WELL_BEHAVED, connect_ns=delays, join_ns=delays), **given)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story on the event loop that the swarm uses."""

    async def tell() -> None:
        await story()

    uvloop.run(tell())


def healthy(conversation: Conversation, message: list[Any]) -> None:
    """Answer as a healthy server does."""
    conversation.accept(message)


def kinds(rows: Sequence[Any]) -> list[Kind]:
    """Return the kinds of rows."""
    return [Kind(int(row["kind"])) for row in rows]


LIFE = (Kind.LOGIN, Kind.OPENED, Kind.JOINED, Kind.LIVE, Kind.DOWN, Kind.REFUSED, Kind.LOGOUT)
