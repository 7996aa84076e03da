"""What a subscriber makes of everything that a Realtime server may do to it, judged by the ledger it leaves."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from loadtests.clients.requests import Cause
from loadtests.history.kinds import NOBODY, DownCause, Kind, SignalFlag
from loadtests.scenario.vocabulary import Step
from loadtests.wire.event_types import EventType
from tests.drivers.scripted_server import (
    LIFE,
    MS,
    ORGANIZATION,
    SUBSCRIBED,
    TOPIC,
    Conversation,
    change,
    healthy,
    kinds,
    polite,
    run,
    scene,
    wait_until,
)


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
            await wait_until(lambda: not on.crowd.sockets)

            assert heard == ["phx_join", "heartbeat", "phx_leave"]
            assert kinds(on.rows(*LIFE))[-2:] == [Kind.DOWN, Kind.LOGOUT]
            assert on.rows(Kind.DOWN)[0]["flag"] == DownCause.LOGGED_OUT
            assert on.rows(Kind.SIGNAL) == []
            assert on.crowd.live == 0

    run(story)


def test_each_socket_is_counted_until_it_is_gone(tmp_path: Path) -> None:
    """Two logouts that the server does not answer: the first socket is not waited for, the second one is."""

    def deaf(conversation: Conversation, message: list[Any]) -> None:
        conversation.answers_close = False
        conversation.accept(message)

    async def story() -> None:
        async with scene(tmp_path, deaf) as on:
            await on.wait_rows(Kind.LIVE, 1)
            on.subscriber.step(Step.LOGOUT)
            on.subscriber.step(Step.LOGIN)
            await on.wait_rows(Kind.LIVE, 2)
            assert on.crowd.sockets == 2
            on.subscriber.step(Step.LOGOUT)
            assert on.crowd.sockets == 1
            on.subscriber.hang_up()
            await wait_until(lambda: on.crowd.sockets == 0)

    run(story)
