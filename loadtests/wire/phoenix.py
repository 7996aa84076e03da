"""Phoenix channel messages in both serializations, as Supabase Realtime speaks them; both ends use it.

`vsn` 1.0.0 frames are JSON objects, 2.0.0 frames are arrays `[join_ref, ref, topic, event, payload]`. Server
frames of 1.0.0 never carry `join_ref`. Knows neither sockets nor what a channel does with a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeGuard

import orjson

Ref = Any
"""A message reference: official clients send strings, some load scripts numbers; whatever came is echoed."""

HEARTBEAT_TOPIC: Final = "phoenix"
TOPIC_PREFIX: Final = "realtime:"
SUBSCRIBED: Final = "Subscribed to PostgreSQL"
_BROADCAST_PUSH: Final = 3
_BROADCAST: Final = 4
_PUSH_HEADER: Final = 7
"""Kind, five lengths, encoding."""
_SHALLOW_LENGTH: Final = 400
"""A text this short cannot be nested so deeply that it could be read but not written."""


class Vsn(StrEnum):
    """The serialization, chosen by the query parameter `vsn`; absent means 1.0.0 (Phoenix socket source)."""

    V1 = "1.0.0"
    V2 = "2.0.0"


class MalformedFrame(ValueError):  # noqa: N818 - the protocol's own word: MalformedWebSocketMessage
    """The text is not a message of this serialization; the server drops it and keeps the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Phoenix message, independent of its serialization.

    What a client sent may have any JSON type in any place; Phoenix answers all of it.
    """

    topic: Any
    event: Any
    payload: Any
    ref: Ref = None
    join_ref: Ref = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserBroadcast:
    """A broadcast that a client pushed as a binary frame: its payload is passed on as it came."""

    event: str
    is_json: bool
    payload: bytes
    metadata: bytes = b""

    def as_json(self) -> dict[str, Any] | None:
        """Return the payload of the `broadcast` message that it is in 1.0.0; None where it has no JSON."""
        if not self.is_json:
            return None
        try:
            return {"type": "broadcast", "event": self.event, "payload": orjson.loads(self.payload)}
        except orjson.JSONDecodeError:
            return None


# ---- the messages a server sends, as a client understands them


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`phx_reply`: the answer to a join, leave or heartbeat (topic `phoenix`) with the same `ref`."""

    topic: str
    ref: Ref
    ok: bool
    response: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """The refusal's text, `<Code>: <text>` or a bare text; empty when none was given."""
        return str(self.response.get("reason", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """`system`: the outcome of a subscription (`extension` `postgres_changes`) or a channel's last words."""

    topic: str
    ok: bool
    extension: str
    message: str
    join_ref: Ref = field(default=None, compare=False)
    """Which join of the topic it is about; None in 1.0.0, which does not tell, so it is no part of what was said."""

    @property
    def is_subscribed(self) -> bool:
        """Whether changes flow from here on (not merely from the join reply on)."""
        return self.ok and self.extension == "postgres_changes" and self.message == SUBSCRIBED


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelClosed:
    """`phx_close` (orderly) or, with `crashed`, `phx_error`; `join_ref` tells which join of the topic ended."""

    topic: str
    join_ref: Ref
    crashed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Any other message: `postgres_changes` (see `loadtests.wire.changes`), `presence_state`, `broadcast` and more."""

    message: Message


ServerMessage = Reply | System | ChannelClosed | Other


# ---- text to message and back


def decode_client(text: bytes | str, vsn: Vsn) -> Message:
    """Return the message that a client sent, whatever the types of its parts.

    Raises:
        MalformedFrame: no JSON, or a missing key.

    """
    message = _decode(text, vsn, by_client=True)
    if len(text) > _SHALLOW_LENGTH:
        _check_depth(message)
    return message


def decode_client_binary(frame: bytes) -> Message:
    """Return the broadcast that a client pushed as a binary frame, the only use of those (2.0.0, kind 3).

    The JavaScript client sends every broadcast so: one byte each for the lengths of join_ref, ref, topic, event
    and metadata, one for the encoding (1 is JSON), then these parts and the payload. The message's payload is a
    `UserBroadcast`; a `ref` left out is an empty text, with which the server answers.

    Raises:
        MalformedFrame: another kind, or lengths and text that do not fit.

    """
    if len(frame) < _PUSH_HEADER or frame[0] != _BROADCAST_PUSH:
        raise MalformedFrame("not a broadcast push")
    lengths = frame[1 : _PUSH_HEADER - 1]
    if len(frame) < _PUSH_HEADER + sum(lengths):
        raise MalformedFrame("a broadcast push that is shorter than it says")
    parts, at = [], _PUSH_HEADER
    for length in lengths:
        parts.append(frame[at : at + length])
        at += length
    try:
        join_ref, ref, topic, event = (part.decode() for part in parts[:4])
        if parts[4]:
            orjson.loads(parts[4])
    except ValueError as error:
        raise MalformedFrame(f"a broadcast push that cannot be read: {error}") from error
    body = UserBroadcast(event=event, is_json=frame[_PUSH_HEADER - 1] != 0, payload=frame[at:], metadata=parts[4])
    return Message(topic=topic, event="broadcast", payload=body, ref=ref, join_ref=join_ref or None)


def encode_user_broadcast(topic: str, broadcast: UserBroadcast) -> bytes:
    """Return the binary frame that carries a broadcast to the clients of 2.0.0 (kind 4)."""
    parts = [topic.encode(), broadcast.event.encode(), broadcast.metadata]
    header = bytes((_BROADCAST, *map(len, parts), int(broadcast.is_json)))
    return b"".join((header, *parts, broadcast.payload))


def decode_server(text: bytes | memoryview | str, vsn: Vsn) -> Message:
    """Return the message that a server sent; in 1.0.0 `join_ref` is unknown except as stated on `ref`.

    Raises:
        MalformedFrame: no JSON, a missing key, or a topic or event that is not text.

    """
    return _decode(text, vsn, by_client=False)


def encode_client(message: Message, vsn: Vsn) -> bytes:
    """Return a client's frame text; 1.0.0 carries `join_ref` too, as the official Python client sends it."""
    if vsn is Vsn.V2:
        return _array(message)
    return orjson.dumps(
        {
            "topic": message.topic,
            "event": message.event,
            "payload": message.payload,
            "ref": message.ref,
            "join_ref": message.join_ref,
        }
    )


def encode_server(message: Message, vsn: Vsn) -> bytes:
    """Return a server's frame text: exactly four keys in 1.0.0, five elements in 2.0.0."""
    if vsn is Vsn.V2:
        return _array(message)
    return orjson.dumps(
        {
            "ref": message.ref,
            "event": message.event,
            "topic": message.topic,
            "payload": message.payload,
        }
    )


def read_server(text: bytes | memoryview | str, vsn: Vsn) -> ServerMessage:
    """Return what a server's frame means to a client.

    Raises:
        MalformedFrame: the text is no message of this serialization, or its payload lacks what its event has.

    """
    message = decode_server(text, vsn)
    payload = message.payload
    match message.event:
        case "phx_reply" if _is_object(payload) and _is_object(payload.get("response")):
            ok = payload.get("status") == "ok"
            return Reply(topic=message.topic, ref=message.ref, ok=ok, response=payload["response"])
        case "system" if _is_object(payload):
            return System(
                topic=message.topic,
                ok=payload.get("status") == "ok",
                extension=str(payload.get("extension", "")),
                message=str(payload.get("message", "")),
                join_ref=message.join_ref,
            )
        case "phx_close" | "phx_error":
            # `phx_close` and `phx_error` repeat the join's reference in `ref`, which 1.0.0 has too.
            return ChannelClosed(topic=message.topic, join_ref=message.ref, crashed=message.event == "phx_error")
        case "phx_reply" | "system":
            raise MalformedFrame(f"{message.event} with the payload {payload!r:.100}")
        case _:
            return Other(message=message)


# ---- the messages a subscriber sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a channel asks for: changes of a table, optionally filtered (`column=operator.value`)."""

    event: str
    schema: str
    table: str
    filter: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return the object as the join carries it; a server refuses `"filter": null`."""
        asked = {"event": self.event, "schema": self.schema, "table": self.table}
        return asked if self.filter is None else {**asked, "filter": self.filter}


def join(*, topic: str, ref: str, bindings: Sequence[Binding], access_token: str) -> Message:
    """Return a subscriber's `phx_join`; its `ref` is the channel's `join_ref` from then on."""
    config = {
        "broadcast": {"ack": False, "self": False},
        "presence": {"key": "", "enabled": False},
        "postgres_changes": [binding.to_json() for binding in bindings],
        "private": False,
    }
    payload = {"config": config, "access_token": access_token}
    return Message(topic=topic, event="phx_join", payload=payload, ref=ref, join_ref=ref)


def access_token(*, topic: str, join_ref: str, ref: str, token: str) -> Message:
    """Return the push of a fresh token; a success has no reply, only another "Subscribed to PostgreSQL"."""
    payload = {"access_token": token}
    return Message(topic=topic, event="access_token", payload=payload, ref=ref, join_ref=join_ref)


def heartbeat(*, ref: str) -> Message:
    """Return a heartbeat; the server closes a socket that sends no frame for 60 s."""
    return Message(topic=HEARTBEAT_TOPIC, event="heartbeat", payload={}, ref=ref)


def leave(*, topic: str, join_ref: str, ref: str) -> Message:
    """Return `phx_leave`, which is answered by a reply and then by `phx_close`."""
    return Message(topic=topic, event="phx_leave", payload={}, ref=ref, join_ref=join_ref)


def _array(message: Message) -> bytes:
    return orjson.dumps([message.join_ref, message.ref, message.topic, message.event, message.payload])


def _decode(text: bytes | memoryview | str, vsn: Vsn, *, by_client: bool) -> Message:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedFrame(f"not JSON: {error}") from error
    if vsn is Vsn.V2:
        if not isinstance(value, list) or len(value) < 5:
            raise MalformedFrame("not an array of five elements")
        join_ref, ref, topic, event, payload = value[:5]  # the real server takes more, and overlooks them
    else:
        needed = {"topic", "event", "payload", "ref"} if by_client else {"topic", "event", "payload"}
        if not _is_object(value) or not needed <= value.keys():
            raise MalformedFrame(f"not an object with the keys {', '.join(sorted(needed))}")
        join_ref, ref = value.get("join_ref"), value.get("ref")
        topic, event, payload = value["topic"], value["event"], value["payload"]
    if not by_client and not (isinstance(topic, str) and isinstance(event, str)):
        raise MalformedFrame("topic and event must be text")
    return Message(topic=topic, event=event, payload=payload, ref=ref, join_ref=join_ref)


def _check_depth(message: Message) -> None:
    """Refuse what cannot be echoed: the JSON reader takes deeper nesting than the writer."""
    try:
        # An echo is a little deeper than what it echoes.
        orjson.dumps([[[[message.topic, message.ref, message.join_ref, message.payload]]]])
    except orjson.JSONEncodeError as error:
        raise MalformedFrame(f"too deep: {error}") from error


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
