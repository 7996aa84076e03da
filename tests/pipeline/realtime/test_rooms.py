"""Broadcasts and presence among the channels of a topic."""

import itertools
import json
from typing import Any

from loadtests.pipeline.realtime.rooms import Rooms
from loadtests.wire.phoenix import UserBroadcast, Vsn

TOPIC = "realtime:room"


class Channel:
    """A member that remembers what it was told."""

    def __init__(self, vsn: Vsn = Vsn.V2) -> None:
        self.vsn = vsn
        self.frames: list[bytes] = []

    def tell(self, frame: bytes) -> None:
        """Remember a frame."""
        self.frames.append(frame)

    hear = tell

    def heard(self) -> list[Any]:
        """Return event and payload of the text frames so far, and forget them."""
        texts = [frame[frame.index(b"[" if self.vsn is Vsn.V2 else b"{") :] for frame in self.frames]
        self.frames.clear()
        messages = [json.loads(text) for text in texts]
        return [one[3:] if isinstance(one, list) else [one["event"], one["payload"]] for one in messages]


def rooms(told: list[int] | None = None) -> Rooms:
    """Return rooms whose references count up; `told` gets how many heard each change of presence."""
    told = [] if told is None else told
    numbers = itertools.count(1)
    return Rooms(lambda: f"ref-{next(numbers)}", told.append)


def test_broadcast_reaches_the_others_on_the_topic_in_their_serialization() -> None:
    """Not the sender, unless it wants to; not other topics."""
    room, sender, other, elsewhere = rooms(), Channel(), Channel(Vsn.V1), Channel()
    for topic, member in [(TOPIC, sender), (TOPIC, other), ("realtime:else", elsewhere)]:
        room.enter(topic, member)
    room.broadcast(sender, {"event": "x"}, to_itself=False)
    room.broadcast(sender, {"event": "y"}, to_itself=True)

    assert sender.heard() == [["broadcast", {"event": "y"}]]
    assert other.heard() == [["broadcast", {"event": "x"}], ["broadcast", {"event": "y"}]]
    assert elsewhere.heard() == []


def test_binary_broadcast_stays_binary_where_it_can() -> None:
    """2.0.0 gets the bytes as they came, without the metadata; 1.0.0 their JSON, and nothing if there is none."""
    room, sender, old = rooms(), Channel(), Channel(Vsn.V1)
    room.enter(TOPIC, sender)
    room.enter(TOPIC, old)
    pushed = UserBroadcast(event="e", is_json=False, payload=b"\x00", metadata=b"{}")
    room.broadcast(sender, pushed, to_itself=True)
    room.broadcast(sender, UserBroadcast(event="e", is_json=True, payload=b'{"a":1}'), to_itself=False)

    assert sender.frames == [b"\x82\x14\x04\x0d\x01\x00\x00realtime:roome\x00"]
    assert old.heard() == [["broadcast", {"type": "broadcast", "event": "e", "payload": {"a": 1}}]]


def test_presence_is_told_as_differences() -> None:
    """Who comes, who changes what it says, who goes; a channel that left hears nothing of itself."""
    room, first, second = rooms(), Channel(), Channel()
    room.enter(TOPIC, first)
    room.enter(TOPIC, second)
    room.track(first, "key", {"mood": "good"})
    room.track(first, "key", {"mood": "bad"})
    state = room.presence(second)
    second.frames.clear()
    first.frames.clear()
    room.leave(first)
    bad = {"mood": "bad", "phx_ref": "ref-2", "phx_ref_prev": "ref-1"}

    assert state == {"key": {"metas": [bad]}}
    assert second.heard() == [["presence_diff", {"joins": {}, "leaves": {"key": {"metas": [bad]}}}]]
    assert first.heard() == []
    assert room.presence(second) == {}


def test_two_channels_of_one_key_are_two_metas() -> None:
    """A user with two tabs is present twice."""
    room, first, second = rooms(), Channel(), Channel()
    for member in (first, second):
        room.enter(TOPIC, member)
        room.track(member, "user", {})
    room.untrack(first)

    assert room.presence(second) == {"user": {"metas": [{"phx_ref": "ref-2"}]}}
