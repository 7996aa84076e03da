"""The official clients, unmodified, are answered well enough for presence and broadcast, and hear each other."""

import pytest

from tests.official_clients.conftest import StartClient
from tests.official_clients.official import ClientName
from tests.pipeline.realtime.world import RealtimeUnderTest

ROOM = "room"
PAIRS = pytest.mark.parametrize(
    ("name", "other"),
    [("realtime", "supabase"), ("supabase-js", "supabase-js"), ("realtime", "supabase-js")],
)


@PAIRS
def test_clients_see_each_other_come_and_go(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName, other: ClientName
) -> None:
    """One tracks itself, then the other, then the first is gone again: each sync shows both who is there."""
    one, two = start(name, realtime.user()), start(other, realtime.user())
    one.subscribe(ROOM, presence_key="one")
    two.subscribe(ROOM, presence_key="two")

    one.tell("track", topic=ROOM, state={"at": "desk"})
    two.until(lambda: two.present(ROOM) == {"one": [{"at": "desk"}]}, "that the first is there")
    two.tell("track", topic=ROOM, state={"at": "door"})
    both = {"one": [{"at": "desk"}], "two": [{"at": "door"}]}
    one.until(lambda: one.present(ROOM) == both, "that both are there")
    one.tell("untrack", topic=ROOM)
    two.until(lambda: two.present(ROOM) == {"two": [{"at": "door"}]}, "that the first has gone")
    two.tell("leave", topic=ROOM)
    one.until(lambda: one.present(ROOM) == {}, "that both have gone")
    one.until(lambda: one.answers("untrack"), "an answer")
    two.until(lambda: two.answers("leave"), "an answer")

    assert one.answers("track") == one.answers("untrack") == ["ok"]
    assert two.answers("track") == two.answers("leave") == ["ok"]
    assert one.all_of("complaint") == two.all_of("complaint") == []


@PAIRS
def test_broadcast_is_acknowledged_and_reaches_all_with_its_sender(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName, other: ClientName
) -> None:
    """With `ack` the server answers, with `self` the sender hears itself, and the others hear it in any case."""
    one, two = start(name, realtime.user()), start(other, realtime.user())
    one.subscribe(ROOM)
    two.subscribe(ROOM)

    one.tell("broadcast", topic=ROOM, event="greeting", payload={"text": "hello"})
    two.until(lambda: two.all_of("broadcast"), "the broadcast")
    one.until(lambda: one.all_of("broadcast"), "its own broadcast")
    one.until(lambda: one.answers("broadcast"), "an answer")

    expected = [{"is": "broadcast", "topic": ROOM, "event": "greeting", "payload": {"text": "hello"}}]
    assert one.all_of("broadcast") == two.all_of("broadcast") == expected
    assert one.answers("broadcast") == ["ok"]
    assert one.all_of("complaint") == two.all_of("complaint") == []
