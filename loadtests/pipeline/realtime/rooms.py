"""Who is on a topic: broadcasts from client to clients, and presence.

One server, so no cluster and nothing to merge: pure bookkeeping, the references are passed in. Messages and their
order are those of Phoenix' presence and of Supabase Realtime's fast path, which bypasses the channels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from loadtests.pipeline.realtime.websocket import binary_frame, text_frame
from loadtests.wire.phoenix import Message, UserBroadcast, Vsn, encode_server, encode_user_broadcast

Presence = dict[str, Any]
"""For each key its `metas`."""


class Member(Protocol):
    """A channel on an open socket."""

    @property
    def vsn(self) -> Vsn:
        """Its socket's serialization."""

    def tell(self, frame: bytes) -> None:
        """Write one finished WebSocket frame."""

    def hear(self, frame: bytes) -> None:
        """Write a broadcast, which counts as one for its receiver."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a channel hears of what is said on its topic: all of it, unless its policies say less."""

    broadcasts: bool = True
    presence: bool = True


ALL: Final = Hearing()
_RoomKey = tuple[str, bool]
"""The topic, and whether it is private: the two do not hear each other."""


@dataclass(slots=True)
class _Room:
    members: dict[Member, Hearing] = field(default_factory=dict)
    present: dict[Member, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """What each member said of itself: its key and its meta."""


class Rooms:
    """The topics that somebody has joined."""

    def __init__(self, new_reference: Callable[[], str], presence_told: Callable[[int], None]) -> None:
        """`presence_told` is told to how many each change of presence went."""
        self._new_reference = new_reference
        self._presence_told = presence_told
        self._rooms: dict[_RoomKey, _Room] = {}
        self._keys: dict[Member, _RoomKey] = {}

    def enter(self, topic: str, member: Member, hearing: Hearing = ALL, *, is_private: bool = False) -> None:
        """Let a channel hear what is said on a topic; again, if it hears more or less than before."""
        key = (topic, is_private)
        self._rooms.setdefault(key, _Room()).members[member] = hearing
        self._keys[member] = key

    def leave(self, member: Member) -> None:
        """Let a channel go, and tell the others if it was present."""
        key = self._keys.pop(member, None)
        if key is None:
            return
        room = self._rooms[key]
        del room.members[member]
        self._tell_difference(key, joins=None, leaves=room.present.pop(member, None))
        if not room.members:
            del self._rooms[key]

    def broadcast(self, sender: Member, payload: object, *, to_itself: bool) -> None:
        """Pass a message on; one that cannot be written in a member's serialization does not reach it."""
        key = self._keys[sender]
        frames = {vsn: _broadcast_frame(vsn, key[0], payload) for vsn in Vsn}
        for member, hearing in tuple(self._rooms[key].members.items()):
            frame = frames[member.vsn]
            if frame is not None and hearing.broadcasts and (to_itself or member is not sender):
                member.hear(frame)

    def track(self, member: Member, key: str, meta: Mapping[str, Any]) -> None:
        """Note what a channel says of itself, and tell everybody on the topic, itself as well."""
        where = self._keys[member]
        room = self._rooms[where]
        before = room.present.get(member)
        now = {**meta, "phx_ref": self._new_reference()}
        if before is not None:
            now["phx_ref_prev"] = before[1]["phx_ref"]
        room.present[member] = (key, now)
        self._tell_difference(where, joins=(key, now), leaves=before)

    def untrack(self, member: Member) -> None:
        """Forget what a channel said of itself, and tell everybody on the topic."""
        key = self._keys[member]
        self._tell_difference(key, joins=None, leaves=self._rooms[key].present.pop(member, None))

    def presence(self, member: Member) -> Presence:
        """Return who is present on the channel's topic."""
        state: Presence = {}
        for key, meta in self._rooms[self._keys[member]].present.values():
            state.setdefault(key, {"metas": []})["metas"].append(meta)
        return state

    def _tell_difference(
        self,
        key: _RoomKey,
        *,
        joins: tuple[str, dict[str, Any]] | None,
        leaves: tuple[str, dict[str, Any]] | None,
    ) -> None:
        if joins is None and leaves is None:
            return
        payload = {"joins": _one(joins), "leaves": _one(leaves)}
        message = Message(topic=key[0], event="presence_diff", payload=payload)
        frames = {vsn: text_frame(encode_server(message, vsn)) for vsn in Vsn}
        hearing = [member for member, hears in self._rooms[key].members.items() if hears.presence]
        for one in hearing:
            one.tell(frames[one.vsn])
        self._presence_told(len(hearing))


def _one(present: tuple[str, dict[str, Any]] | None) -> Presence:
    return {} if present is None else {present[0]: {"metas": [present[1]]}}


def _broadcast_frame(vsn: Vsn, topic: str, payload: object) -> bytes | None:
    if isinstance(payload, UserBroadcast):
        if vsn is Vsn.V2:
            # The real server does not pass the metadata on.
            return binary_frame(encode_user_broadcast(topic, replace(payload, metadata=b"")))
        payload = payload.as_json()
    if not isinstance(payload, dict):
        return None
    return text_frame(encode_server(Message(topic=topic, event="broadcast", payload=payload), vsn))
