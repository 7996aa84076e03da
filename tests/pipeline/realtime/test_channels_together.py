"""What concerns more than one channel or a join that is refused: waiting, broadcasts, presence."""

from typing import Any

import pytest

from loadtests.pipeline.realtime.channels import Session
from loadtests.pipeline.realtime.effects import (
    Broadcast,
    Effect,
    Enter,
    Leave,
    Refuse,
    Send,
    ShowPresence,
    Subscribe,
    Track,
)
from tests.pipeline.realtime.sessions import (
    BINDING,
    UNMATCHED,
    config,
    effects_of,
    join,
    play,
    session,
    token,
)

BROADCASTING = config(broadcast={"ack": False, "self": True})
TOPIC = "realtime:org-events"


def test_refused_join_makes_the_socket_wait() -> None:
    """The refusal is an effect of its own, because the answer comes late; nothing is subscribed."""
    effects = effects_of(session(), join(config=config(BINDING), access_token="garbage"))

    assert [type(one) for one in effects] == [Refuse]


def test_refused_second_join_ends_the_first_channel() -> None:
    """Phoenix closes the earlier channel before it asks about the new one."""
    socket = session()
    play(socket, join())
    effects = effects_of(socket, join("2", config=config(BINDING), access_token="garbage"))

    assert [type(one) for one in effects] == [Refuse, Leave, Send]
    assert socket.channel_count == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (
            {"config": config(broadcast={"replay": {"since": 1}}), "access_token": token()},
            "UnableToReplayMessages: Replay is not allowed for public channels",
        ),
        ({"config": "x"}, "Unknown Error on Channel"),
        ({"config": {"postgres_changes": [5]}}, "Unknown Error on Channel"),
    ],
)
def test_joins_that_cannot_be_are_refused(payload: dict[str, Any], reason: str) -> None:
    """Replays of public channels, and configs of the wrong type."""
    (refused,) = play(session(), join(**payload))

    assert refused[4] == {"status": "error", "response": {"reason": reason}}


def test_join_without_config_asks_by_its_topic() -> None:
    """The older protocol: the topic is schema, table and filter; changes come without ids."""
    subscriptions = [
        one
        for one in effects_of(session(), join(topic="realtime:public:jobs:id=eq.1", access_token=token()))
        if isinstance(one, Subscribe)
    ]

    assert [(one.is_legacy, one.bindings[0].schema, one.bindings[0].table) for one in subscriptions] == [
        (True, "public", "jobs")
    ]


def joined_for_everything() -> tuple[Session, list[Effect]]:
    """Return a socket whose channel wants changes, presence, and to know when messages from the database come."""
    socket = session()
    wishes = config(BINDING, presence={"enabled": True}, broadcast={"replication_ready": True})
    return socket, effects_of(socket, join(config=wishes, access_token=token()))


def told(effects: list[Effect]) -> list[object]:
    """Return what a channel is told, in short."""
    return [one.message.payload.get("message") if isinstance(one, Send) else type(one) for one in effects]


def test_a_quick_subscription_is_confirmed_before_anything_else() -> None:
    """The real server's channel does one thing after another."""
    socket, effects = joined_for_everything()
    confirmed, again = socket.subscribed(1), socket.subscribed(1)

    assert [type(one) for one in effects] == [Send, Enter, Subscribe]
    assert told(confirmed) == ["Subscribed to PostgreSQL", "Replication connection established", ShowPresence]
    assert told(again) == ["Subscribed to PostgreSQL"]


def test_a_slow_subscription_holds_up_nothing() -> None:
    """As when the server has yet to begin reading changes."""
    socket, _ = joined_for_everything()
    before, confirmed = socket.unhurried(1), socket.subscribed(1)

    assert told(before) == ["Replication connection established", ShowPresence]
    assert told(confirmed) == ["Subscribed to PostgreSQL"]


def test_a_refused_subscription_is_told_in_its_place() -> None:
    """And the rest follows all the same."""
    socket, _ = joined_for_everything()

    assert told(socket.refused(1, "no")) == ["no", "Replication connection established", ShowPresence]
    assert (socket.refused(2, "no"), socket.unhurried(2)) == ([], [])


def test_broadcast_is_passed_on() -> None:
    """Whatever it holds; the channel's own wish says whether it hears itself."""
    socket = session()
    play(socket, join(config=BROADCASTING, access_token=token()))
    effects = effects_of(socket, ["1", "2", TOPIC, "broadcast", {"event": "x"}])

    assert effects == [Broadcast(channel=1, payload={"event": "x"}, to_itself=True)]


def test_tracking_enables_presence() -> None:
    """The first thing said of oneself is answered, and followed by who else is there; the same again is nothing."""
    socket = session()
    play(socket, join(config=config(), access_token=token()))
    said = ["1", "2", TOPIC, "presence", {"event": "TRACK", "payload": {"a": 1}}]
    first, again = effects_of(socket, said), effects_of(socket, said)

    assert first[0] == Track(channel=1, key="made up", meta={"a": 1})
    assert [type(one) for one in first[1:]] == [Send, ShowPresence]
    assert [type(one) for one in again] == [Send]


@pytest.mark.parametrize(
    ("payload", "status", "response"),
    [
        ({}, "ok", {}),
        ({"event": "untrack"}, "ok", {}),
        ({"event": "dance"}, "error", {}),
        ({"event": "track", "payload": 5}, "error", {"reason": "Presence track payload must be a map"}),
    ],
)
def test_presence_messages_are_answered(payload: object, status: str, response: object) -> None:
    """Unknown events and payloads that are no object are errors."""
    socket = session()
    play(socket, join(config=config(), access_token=token()))
    (answer,) = play(socket, ["1", "2", TOPIC, "presence", payload])

    assert answer[4] == {"status": status, "response": response}


def test_presence_event_of_another_type_crashes_the_channel_alone() -> None:
    """As on the real server, whose channel process ends; the client is told to join again."""
    socket = session()
    play(socket, join(config=config(), access_token=token()), join("2", topic="realtime:second"))
    frames = play(socket, ["1", "2", TOPIC, "presence", {"event": 5}])

    assert frames == [["1", "1", TOPIC, "phx_error", {}]]
    assert socket.channel_count == 1


@pytest.mark.parametrize("topic", [5, None, [], {"a": 1}, "phoenix", ""])
def test_odd_topics_are_unmatched(topic: object) -> None:
    """Phoenix answers whatever it cannot match, with the topic as it came."""
    (answer,) = play(session(), [None, {"odd": "ref"}, topic, "x", {}])

    assert answer == [None, {"odd": "ref"}, topic, "phx_reply", UNMATCHED]
