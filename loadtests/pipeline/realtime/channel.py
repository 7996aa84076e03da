"""One channel of a socket: what it joined with, and the messages that it sends.

Values and the shapes of messages; the rules are `channels`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loadtests.pipeline.realtime.bindings import Binding
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.effects import Send
from loadtests.wire.phoenix import TOPIC_PREFIX, Message, Ref

POSTGRES_CHANGES: Final = "postgres_changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """A join's `config`, as far as it matters later; booleans may be written as text."""

    acknowledges_broadcasts: bool
    hears_itself: bool
    presence_key: str
    """Empty: the server makes one up."""
    is_present: bool
    """Whether presence is enabled."""
    is_private: bool
    wants_replay: bool

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "Wishes":
        """Return what a config says; what does not parse has its default, as on the real server."""
        broadcast, presence = as_object(config.get("broadcast")), as_object(config.get("presence"))
        key = presence.get("key")
        return cls(
            acknowledges_broadcasts=_is_true(broadcast.get("ack")),
            hears_itself=_is_true(broadcast.get("self")),
            presence_key=key if isinstance(key, str) else "",
            is_present=_is_true(presence.get("enabled")),
            is_private=_is_true(config.get("private")),
            wants_replay="replay" in broadcast,
        )


@dataclass(slots=True, kw_only=True)
class Channel:
    """A joined channel."""

    number: int
    topic: str
    join_ref: Ref
    token: str
    claims: Claims
    expires_at_s: float
    wishes: Wishes
    is_legacy: bool
    presence_key: str
    is_present: bool
    """Whether presence is enabled: by the join, or by having said something of itself."""
    bindings: tuple[Binding, ...] = ()
    tracked: Mapping[str, Any] | None = field(default=None)
    """What the channel last said of itself."""

    def push(self, event: str, payload: Mapping[str, Any]) -> Send:
        """Return a message that the channel sends of its own accord."""
        return Send(Message(topic=self.topic, event=event, payload=payload, join_ref=self.join_ref))

    def reply(self, ref: Ref, *, ok: bool = True, response: Mapping[str, Any] | None = None) -> Send:
        """Return the answer to a push."""
        return Send(reply(self.topic, ref, ok=ok, response=response or {}, join_ref=self.join_ref))

    def system(self, *, ok: bool, extension: str, message: str) -> Send:
        """Return a `system` message, which names the channel without its prefix."""
        payload = {
            "message": message,
            "status": "ok" if ok else "error",
            "extension": extension,
            "channel": self.topic.removeprefix(TOPIC_PREFIX),
        }
        return self.push("system", payload)

    def closed(self, *, crashed: bool = False) -> Send:
        """Return the channel's last message; it carries the join's reference twice."""
        event = "phx_error" if crashed else "phx_close"
        return Send(Message(topic=self.topic, event=event, payload={}, ref=self.join_ref, join_ref=self.join_ref))


def reply(topic: str, ref: Ref, *, ok: bool, response: Mapping[str, Any], join_ref: Ref) -> Message:
    """Return a `phx_reply`."""
    payload = {"status": "ok" if ok else "error", "response": response}
    return Message(topic=topic, event="phx_reply", payload=payload, ref=ref, join_ref=join_ref)


def as_object(value: object) -> Mapping[str, Any]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def _is_true(value: object) -> bool:
    return value is True or value == "true"
