"""What a subscriber makes of everything that a Realtime server may do to it, judged by the ledger it leaves.

The server is a real WebSocket server whose answers are scripted.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
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

from loadtests.clients import models
from loadtests.clients.backoff import Backoff
from loadtests.clients.debounce import Debouncer
from loadtests.clients.models import Screen
from loadtests.clients.requests import Cause
from loadtests.drivers.arrivals import Arrivals
from loadtests.drivers.channels import Channel, Manners
from loadtests.drivers.dialling import Dialler
from loadtests.drivers.fetch import FetchPool
from loadtests.drivers.refreshes import Refresher
from loadtests.drivers.subscribers import Crowd, Subscriber
from loadtests.drivers.timers import TimerQueue
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, DownCause, Kind, SignalFlag
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Device
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.event_types import EventType

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
        self.joins: list[dict[str, Any]] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember whom to answer."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Let the script answer."""
        if frame.msg_type == WSMsgType.CLOSE:
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
            arrivals=Arrivals(ledger, {ORGANIZATION: 3}),
            manners=manners or polite(),
            random=Random(1),  # noqa: S311 - jitter, no secret
            mint=lambda user: f"{user}-{next(tokens)}",
            dial=dialler.dial,
            fail=broken.append,
        )
        model = models.ios(window_ns=window_ns)
        subscriber = Subscriber(
            Device(index=5, organization=3, user_id="u", model=DeviceModel.IOS, phase=0.0),
            crowd=crowd,
            channel=Channel.of_organization(ORGANIZATION),
            model=model,
            screen=Screen(),
            debouncer=Debouncer(model.policy, count(1)),
        )
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
    return Manners(backoff=Backoff(first_ns=5 * MS, cap_ns=20 * MS), **given)


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


def test_live_means_subscribed_and_is_followed_by_a_catch_up(tmp_path: Path) -> None:
    """The join reply is not enough; the screen is fetched once changes flow."""

    def only_reply(conversation: Conversation, message: list[Any]) -> None:
        join_ref, ref, topic, _, _ = message
        conversation.send(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {}})

    async def story() -> None:
        async with scene(tmp_path, only_reply) as on:
            await on.wait_rows(Kind.JOINED, 1)
            assert on.rows(Kind.LIVE, Kind.REQUESTED) == []
            on.conversations[0].send("1", None, TOPIC, "system", SUBSCRIBED)
            await on.wait_rows(Kind.REQUESTED, 1)

            assert kinds(on.rows(*LIFE)) == [Kind.LOGIN, Kind.OPENED, Kind.JOINED, Kind.LIVE]
            assert on.rows(Kind.REQUESTED)[0]["flag"] == Cause.CATCH_UP
            assert on.crowd.live == 1

    run(story)


def test_the_join_is_what_the_design_subscribes_to(tmp_path: Path) -> None:
    """INSERTs of the organization's events, with the device's own token and without presence."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            payload = on.conversations[0].joins[0]

            assert payload["access_token"] == "u-1"
            assert payload["config"]["presence"]["enabled"] is False
            assert payload["config"]["postgres_changes"] == [
                {
                    "event": "INSERT",
                    "schema": "public",
                    "table": "realtime_events",
                    "filter": f"organization_id=eq.{ORGANIZATION}",
                }
            ]

    run(story)


def test_signals_are_recorded_debounced_and_flushed(tmp_path: Path) -> None:
    """Three receipts of two events of one entity: one event named at its first sight, one batch, one refresh."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.ANSWERED, 1)
            for event in ("e1", "e2", "e1"):
                on.conversations[0].send_text(change(event))
            await on.wait_rows(Kind.ANSWERED, 2)
            history = on.history()
            signals, named = history.of(Kind.SIGNAL), history.of(Kind.EVENT_NAMED)
            flush = history.of(Kind.FLUSH)[0]

            assert [history.names[entity] for entity in signals["entity"]] == ["e1", "e2", "e1"]
            assert [history.names[entity] for entity in named["entity"]] == ["e1", "e2"]
            assert named["revision"].tolist() == [3, 3]
            assert set(named["flag"]) == {EventType.JOB_UPDATED}
            assert set(signals["actor"]) == {5}
            assert set(signals["flag"]) == {SignalFlag.ASKS_REFRESH}
            assert set(signals["due_ns"]) == {len(change("e1"))}
            assert set(signals["value"]) == {flush["value"]}
            assert flush["revision"] == 3
            assert flush["at_ns"] >= signals["at_ns"].max() + 20 * MS
            assert history.of(Kind.REQUESTED)["revision"].tolist() == [0, flush["value"]]

    run(story)


def test_an_event_of_a_foreign_organization_is_told_apart(tmp_path: Path) -> None:
    """A leak has an organization that is not of this run, or not the device's."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].send_text(change("e1", organization="another"))
            await on.wait_rows(Kind.SIGNAL, 1)

            assert [row["revision"] for row in on.rows(Kind.EVENT_NAMED)] == [NOBODY]

    run(story)


def test_an_event_that_asks_for_nothing_is_recorded_all_the_same(tmp_path: Path) -> None:
    """The iOS app does nothing with an audit event: batch 0, no flag."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].send_text(change("e1", event_type="audit.appended"))
            await on.wait_rows(Kind.SIGNAL, 1)
            signal = on.rows(Kind.SIGNAL)[0]

            assert (signal["value"], signal["flag"]) == (0, 0)

    run(story)


def test_after_a_lost_connection_it_comes_back_and_catches_up(tmp_path: Path) -> None:
    """The close code is kept; the device connects again and fetches what it may have missed."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].close(1012)
            await on.wait_rows(Kind.LIVE, 2)
            await on.wait_rows(Kind.REQUESTED, 2)
            down = on.rows(Kind.DOWN)[0]

            assert (down["value"], down["flag"]) == (1012, DownCause.CLOSED)
            assert {row["flag"] for row in on.rows(Kind.REQUESTED)} == {Cause.CATCH_UP}
            assert len(on.conversations) == 2

    run(story)


@pytest.mark.parametrize("code", [4000, None])
def test_any_end_of_a_connection_is_survived(tmp_path: Path, code: int | None) -> None:
    """An application's close code, or none at all because the connection broke."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            transport = on.conversations[0].transport
            assert transport is not None
            if code is None:
                transport.disconnect(graceful=False)
            else:
                on.conversations[0].close(code)
            await on.wait_rows(Kind.LIVE, 2)

            assert on.rows(Kind.DOWN)[0]["value"] == (code or 0)

    run(story)


def test_a_closed_channel_is_joined_again_with_a_fresh_token(tmp_path: Path) -> None:
    """`phx_close` ends the channel, not the WebSocket."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].send("1", "1", TOPIC, "phx_close", {})
            await on.wait_rows(Kind.LIVE, 2)

            assert [row["flag"] for row in on.rows(Kind.DOWN)] == [DownCause.CHANNEL_CLOSED]
            assert [join["access_token"] for join in on.conversations[0].joins] == ["u-1", "u-2"]
            assert len(on.conversations) == 1

    run(story)


def test_a_close_of_another_join_is_ignored(tmp_path: Path) -> None:
    """After a second join of a topic the server closes the first, which is none of ours."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].send("77", "77", TOPIC, "phx_close", {})
            on.conversations[0].send_text(change("e1"))
            await on.wait_rows(Kind.SIGNAL, 1)

            assert on.rows(Kind.DOWN) == []

    run(story)


def test_an_expired_token_is_told_apart(tmp_path: Path) -> None:
    """The server's last words before `phx_close` say why."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            told = {"extension": "system", "status": "error", "message": "Token has expired 1 seconds ago"}
            on.conversations[0].send("1", None, TOPIC, "system", told)
            on.conversations[0].send("1", "1", TOPIC, "phx_close", {})
            await on.wait_rows(Kind.LIVE, 2)
            history = on.history()

            assert history.of(Kind.DOWN)["flag"].tolist() == [DownCause.TOKEN_EXPIRED]
            assert history.names[history.of(Kind.REFUSED)["entity"][0]] == "Token has expired 1 seconds ago"

    run(story)


def test_a_subscription_that_fails_is_waited_for(tmp_path: Path) -> None:
    """A `system` error keeps the channel: the server tries again by itself, so nobody joins anew."""

    def fail_first(conversation: Conversation, message: list[Any]) -> None:
        join_ref, ref, topic, event, _ = message
        if event != "phx_join":
            return
        conversation.send(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {}})
        error = {"extension": "postgres_changes", "status": "error", "message": "Too many database timeouts"}
        conversation.send(join_ref, None, topic, "system", error)
        conversation.send(join_ref, None, topic, "system", SUBSCRIBED)

    async def story() -> None:
        async with scene(tmp_path, fail_first) as on:
            await on.wait_rows(Kind.LIVE, 1)

            assert kinds(on.rows(*LIFE)) == [Kind.LOGIN, Kind.OPENED, Kind.JOINED, Kind.REFUSED, Kind.LIVE]
            assert len(on.conversations[0].joins) == 1

    run(story)


def test_a_refused_join_is_tried_again(tmp_path: Path) -> None:
    """On the same WebSocket, with the reason kept."""

    def refuse_once(conversation: Conversation, message: list[Any]) -> None:
        if message[3] != "phx_join" or len(conversation.joins) > 1:
            conversation.accept(message)
            return
        join_ref, ref, topic, _, _ = message
        response = {"reason": "ChannelRateLimitReached: Too many channels"}
        conversation.send(join_ref, ref, topic, "phx_reply", {"status": "error", "response": response})

    async def story() -> None:
        async with scene(tmp_path, refuse_once) as on:
            await on.wait_rows(Kind.LIVE, 1)

            assert kinds(on.rows(*LIFE)) == [Kind.LOGIN, Kind.OPENED, Kind.REFUSED, Kind.JOINED, Kind.LIVE]
            assert on.crowd.refusals == {"ChannelRateLimitReached: Too many channels": 1}

    run(story)


def test_a_refused_connection_is_tried_again(tmp_path: Path) -> None:
    """HTTP 429 with its reason, then a WebSocket."""

    async def story() -> None:
        async with scene(tmp_path, HTTPStatus.TOO_MANY_REQUESTS, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            history = on.history()
            refused, down = history.of(Kind.REFUSED)[0], history.of(Kind.DOWN)[0]

            assert (refused["value"], history.names[refused["entity"]]) == (429, "Too many connected users")
            assert down["flag"] == DownCause.CONNECT_FAILED
            assert kinds(on.rows(*LIFE))[-3:] == [Kind.OPENED, Kind.JOINED, Kind.LIVE]

    run(story)


def test_a_device_that_is_not_live_in_time_starts_over(tmp_path: Path) -> None:
    """A server that accepts the WebSocket and says nothing."""

    def say_nothing(_conversation: Conversation, _message: list[Any]) -> None:
        """Leave the join without a reply."""

    async def story() -> None:
        async with scene(tmp_path, say_nothing, healthy, manners=polite(live_within_ns=50 * MS)) as on:
            await on.wait_rows(Kind.LIVE, 1)

            assert on.crowd.refusals == {"not live within 0.05 s": 1}
            assert len(on.conversations) == 2

    run(story)


def test_a_lost_heartbeat_is_a_dead_connection(tmp_path: Path) -> None:
    """No reply within its time: down, and a new connection."""

    def ignore_heartbeats(conversation: Conversation, message: list[Any]) -> None:
        if message[3] != "heartbeat":
            conversation.accept(message)

    async def story() -> None:
        manners = polite(heartbeat_interval_ns=1_000 * MS, heartbeat_timeout_ns=30 * MS)
        async with scene(tmp_path, ignore_heartbeats, healthy, manners=manners) as on:
            await on.wait_rows(Kind.LIVE, 2)

            assert [row["flag"] for row in on.rows(Kind.DOWN)] == [DownCause.HEARTBEAT_LOST]

    run(story)


def test_answered_heartbeats_keep_a_connection(tmp_path: Path) -> None:
    """Five beats, each answered: still the first connection."""
    beats = []

    def count_heartbeats(conversation: Conversation, message: list[Any]) -> None:
        conversation.accept(message)
        if message[3] == "heartbeat":
            beats.append(message[2])

    async def story() -> None:
        manners = polite(heartbeat_interval_ns=10 * MS, heartbeat_timeout_ns=5_000 * MS)
        async with scene(tmp_path, count_heartbeats, manners=manners) as on:
            await wait_until(lambda: len(beats) >= 5)

            assert on.rows(Kind.DOWN) == []
            assert set(beats) == {"phoenix"}

    run(story)


def test_a_frame_that_cannot_be_read_is_kept_as_a_refusal(tmp_path: Path) -> None:
    """The target's mistake is recorded; the device goes on."""

    async def story() -> None:
        async with scene(tmp_path, healthy) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.conversations[0].send_text(b"not JSON")
            on.conversations[0].send_text(change("e1"))
            await on.wait_rows(Kind.SIGNAL, 1)

            assert len(on.rows(Kind.REFUSED)) == 1
            assert on.rows(Kind.DOWN) == []

    run(story)


def test_a_logout_leaves_in_the_orderly_way(tmp_path: Path) -> None:
    """`phx_leave`, then the WebSocket's close; nothing that comes after the logout is recorded."""
    heard = []

    def listen(conversation: Conversation, message: list[Any]) -> None:
        heard.append(message[3])
        conversation.accept(message)
        if message[3] == "phx_leave":
            conversation.send_text(change("late"))

    async def story() -> None:
        async with scene(tmp_path, listen) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.subscriber.log_out()
            await wait_until(lambda: not on.subscriber.is_connected)

            assert heard == ["phx_join", "heartbeat", "phx_leave"]
            assert kinds(on.rows(*LIFE))[-2:] == [Kind.DOWN, Kind.LOGOUT]
            assert on.rows(Kind.DOWN)[0]["flag"] == DownCause.LOGGED_OUT
            assert on.rows(Kind.SIGNAL) == []
            assert on.crowd.live == 0

    run(story)
