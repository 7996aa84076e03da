"""One channel of a socket: what it joined with, and the messages that it sends.

Values and the shapes of messages; the rules are `channels`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loadtests.pipeline.realtime.bindings import Binding
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.effects import Effect, Enter, Send
from loadtests.pipeline.realtime.limits import CallWindow
from loadtests.pipeline.realtime.policies import PUBLIC, Policies
from loadtests.wire.phoenix import TOPIC_PREFIX, Message, Ref

POSTGRES_CHANGES: Final = "postgres_changes"
NO_REPLAY: Final = object()


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
    replay: Any
    """What of the past is to be heard, and `NO_REPLAY` if nothing."""
    wants_readiness: bool
    """Whether to be told when messages from the database can be heard."""

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
            replay=broadcast.get("replay", NO_REPLAY),
            wants_readiness=_is_true(broadcast.get("replication_ready")),
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
    calls: CallWindow
    """How often it has said something of itself."""
    policies: Policies = PUBLIC
    bindings: tuple[Binding, ...] = ()
    waiting: list[Effect] = field(default_factory=list)
    """What the channel is told after its first subscription, or at once where that takes longer than a query."""
    tracked: Mapping[str, Any] | None = field(default=None)
    """What the channel last said of itself."""

    @property
    def name(self) -> str:
        """The topic without its prefix."""
        return self.topic.removeprefix(TOPIC_PREFIX)

    def enter(self) -> Enter:
        """Return that the channel hears what its policies let it hear."""
        return Enter(
            channel=self.number,
            topic=self.topic,
            is_private=self.wishes.is_private,
            hears_broadcasts=bool(self.policies.hears_broadcasts),
            hears_presence=bool(self.policies.hears_presence),
        )

    def push(self, event: str, payload: Mapping[str, Any]) -> Send:
        """Return a message that the channel sends of its own accord."""
        return Send(Message(topic=self.topic, event=event, payload=payload, join_ref=self.join_ref))

    def reply(self, ref: Ref, *, ok: bool = True, response: Mapping[str, Any] | str | None = None) -> Send:
        """Return the answer to a push."""
        return Send(reply(self.topic, ref, ok=ok, response=response or {}, join_ref=self.join_ref))

    def system(self, *, ok: bool, extension: str, message: str) -> Send:
        """Return a `system` message, which names the channel without its prefix."""
        payload = {
            "message": message,
            "status": "ok" if ok else "error",
            "extension": extension,
            "channel": self.name,
        }
        return self.push("system", payload)

    def closed(self, *, crashed: bool = False) -> Send:
        """Return the channel's last message; it carries the join's reference twice."""
        event = "phx_error" if crashed else "phx_close"
        return Send(Message(topic=self.topic, event=event, payload={}, ref=self.join_ref, join_ref=self.join_ref))


def reply(topic: str, ref: Ref, *, ok: bool, response: Mapping[str, Any] | str, join_ref: Ref) -> Message:
    """Return a `phx_reply`."""
    payload = {"status": "ok" if ok else "error", "response": response}
    return Message(topic=topic, event="phx_reply", payload=payload, ref=ref, join_ref=join_ref)


def as_object(value: object) -> Mapping[str, Any]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def _is_true(value: object) -> bool:
    return value is True or value == "true"
