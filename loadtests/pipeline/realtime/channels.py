"""The channels of one socket as a state machine: messages and moments in, effects out.

No clock, no socket, no database: `Session` is told what came and when, and says what to send, what to subscribe
to and when to wake it. Rules, orders and texts are those of Phoenix 1.8 and Supabase Realtime v2.129.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from loadtests.pipeline.realtime.bindings import Binding, BindingRefused, asked_for, echo, read
from loadtests.pipeline.realtime.claims import Claims, TokenRefused, TokenVerifier, expired
from loadtests.wire.phoenix import HEARTBEAT_TOPIC, SUBSCRIBED, TOPIC_PREFIX, Message, Ref

CLOSED_NORMALLY: Final = 1000
_POSTGRES_CHANGES: Final = "postgres_changes"
_NANOSECONDS: Final = 1_000_000_000


class Moment(NamedTuple):
    """Now, on both clocks: tokens expire in Unix time, silence is measured on the monotonic one."""

    monotonic_ns: int
    unix_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Put these bindings in force for a channel, replacing what it had; then call `subscribed` or `refused`."""

    channel: int
    topic: str
    bindings: tuple[Binding, ...]
    claims: Claims


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Nothing more for this channel."""

    channel: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the socket with this code."""

    code: int


Effect = Send | Subscribe | Unsubscribe | Disconnect


@dataclass(slots=True, kw_only=True)
class _Channel:
    number: int
    topic: str
    join_ref: Ref
    token: str
    claims: Claims
    expires_at_s: float
    bindings: tuple[Binding, ...]
    acknowledges_broadcasts: bool

    def push(self, event: str, payload: Mapping[str, Any]) -> Send:
        """Return a message that the channel sends of its own accord."""
        return Send(Message(topic=self.topic, event=event, payload=payload, join_ref=self.join_ref))

    def reply(self, ref: Ref, *, ok: bool = True, response: Mapping[str, Any] | None = None) -> Send:
        """Return the answer to a push."""
        return _reply(self.topic, ref, ok=ok, response=response or {}, join_ref=self.join_ref)

    def system(self, *, ok: bool, extension: str, message: str) -> Send:
        """Return a `system` message, which names the channel without its prefix."""
        payload = {
            "message": message,
            "status": "ok" if ok else "error",
            "extension": extension,
            "channel": self.topic.removeprefix(TOPIC_PREFIX),
        }
        return self.push("system", payload)

    def closed(self) -> Send:
        """Return the channel's last message; it carries the join's reference twice."""
        return Send(Message(topic=self.topic, event="phx_close", payload={}, ref=self.join_ref, join_ref=self.join_ref))


class Session:
    """One socket: its channels, its tokens' expiry and its silence."""

    __slots__ = ("_apikey", "_channels", "_heard_ns", "_joins", "_silence_ns", "_verifier")

    def __init__(self, *, apikey: str, verifier: TokenVerifier, silence_timeout_s: float, now: Moment) -> None:
        self._apikey = apikey
        self._verifier = verifier
        self._silence_ns = round(silence_timeout_s * _NANOSECONDS)
        self._heard_ns = now.monotonic_ns
        self._channels: dict[str, _Channel] = {}
        self._joins = 0

    @property
    def channel_count(self) -> int:
        """Channels joined now."""
        return len(self._channels)

    @property
    def join_count(self) -> int:
        """Joins answered with ok so far."""
        return self._joins

    def heard(self, now: Moment) -> None:
        """Note that the client sent a frame, whatever it was."""
        self._heard_ns = now.monotonic_ns

    def receive(self, message: Message, now: Moment) -> list[Effect]:
        """Return what a client's message causes."""
        if message.topic == HEARTBEAT_TOPIC and message.event == "heartbeat":
            return [_reply(HEARTBEAT_TOPIC, message.ref, ok=True, response={}, join_ref=None)]
        if message.event == "phx_join":
            return self._join(message, now)
        channel = self._channels.get(message.topic)
        return [_without_channel(message)] if channel is None else self._push(channel, message, now)

    def subscribed(self, number: int) -> list[Effect]:
        """Return what follows once the channel's subscription is in force."""
        return [
            channel.system(ok=True, extension=_POSTGRES_CHANGES, message=SUBSCRIBED)
            for channel in self._channels.values()
            if channel.number == number
        ]

    def refused(self, number: int, why: str) -> list[Effect]:
        """Return what follows if the channel's subscription cannot be served: it stays joined, and silent."""
        return [
            channel.system(ok=False, extension=_POSTGRES_CHANGES, message=why)
            for channel in self._channels.values()
            if channel.number == number
        ]

    def wake(self, now: Moment) -> list[Effect]:
        """Return what the passing of time causes: expired tokens close channels, silence closes the socket."""
        if now.monotonic_ns - self._heard_ns >= self._silence_ns:
            return [Disconnect(CLOSED_NORMALLY)]
        effects: list[Effect] = []
        for channel in list(self._channels.values()):
            if channel.expires_at_s <= now.unix_s:
                effects += self._evict(channel, expired(now.unix_s, channel.expires_at_s).text)
        return effects

    def wake_in_s(self, now: Moment) -> float:
        """Return the seconds until `wake` may have something to do; earlier joins and frames only lengthen it."""
        silence_s = (self._heard_ns + self._silence_ns - now.monotonic_ns) / _NANOSECONDS
        return min([silence_s, *(channel.expires_at_s - now.unix_s for channel in self._channels.values())])

    def end(self) -> list[Effect]:
        """Return what is left to do after the socket has gone."""
        gone: list[Effect] = [Unsubscribe(channel.number) for channel in self._channels.values()]
        self._channels.clear()
        return gone

    # ---- joining

    def _join(self, message: Message, now: Moment) -> list[Effect]:
        topic = message.topic
        if not topic.startswith(TOPIC_PREFIX):
            return [_without_channel(message)]
        if topic == TOPIC_PREFIX:
            return [_refusal(message, "TopicNameRequired: You must provide a topic name")]
        payload = message.payload if isinstance(message.payload, dict) else {}
        token = self._token(payload)
        try:
            verified = self._verifier.verify(token, now.unix_s)
        except TokenRefused as refusal:
            return [_refusal(message, str(refusal))]
        config = _object(payload.get("config"))
        asked = asked_for(config)
        self._joins += 1
        channel = _Channel(
            number=self._joins,
            topic=topic,
            join_ref=message.join_ref,
            token=token,
            claims=verified.claims,
            expires_at_s=verified.expires_at_s,
            bindings=(),
            acknowledges_broadcasts=_is_true(_object(config.get("broadcast")).get("ack")),
        )
        earlier = self._channels.pop(topic, None)
        self._channels[topic] = channel
        effects: list[Effect] = [channel.reply(message.ref, response={_POSTGRES_CHANGES: echo(asked)})]
        if earlier is not None:
            # The new reply goes out first; a client that ignores `ref` then closes the new channel.
            effects += [Unsubscribe(earlier.number), earlier.closed()]
        if _is_true(_object(config.get("presence")).get("enabled")):
            effects.append(channel.push("presence_state", {}))
        return effects + _subscription(channel, asked)

    def _token(self, payload: Mapping[str, Any]) -> str:
        """Return the channel's token: `user_token` (legacy) before `access_token` before the socket's apikey."""
        for key in ("user_token", "access_token"):
            token = payload.get(key)
            if isinstance(token, str) and not token.startswith("sb_"):
                return token
        return self._apikey

    # ---- a channel's later life

    def _push(self, channel: _Channel, message: Message, now: Moment) -> list[Effect]:
        if message.join_ref is not None and message.join_ref != channel.join_ref:
            return []  # meant for an earlier join of the topic
        match message.event:
            case "phx_leave":
                return [channel.reply(message.ref), *self._close(channel)]
            case "access_token":
                return self._refresh(channel, message.payload, now)
            case "broadcast" if channel.acknowledges_broadcasts:
                return [channel.reply(message.ref)]
            case "presence":
                return [channel.reply(message.ref)]
            case _:
                return []

    def _refresh(self, channel: _Channel, payload: object, now: Moment) -> list[Effect]:
        token = _object(payload).get("access_token")
        if not isinstance(token, str) or token.startswith("sb_") or token == channel.token:
            return []
        try:
            verified = self._verifier.verify(token, now.unix_s)
        except TokenRefused as refusal:
            # The server passes an Elixir atom on here, unlike in the answer to a join.
            wrong_signature = refusal.code == "JwtSignatureError"
            return self._evict(channel, ":signature_error" if wrong_signature else refusal.text)
        channel.token, channel.claims = token, verified.claims
        channel.expires_at_s = verified.expires_at_s
        return [_subscribe(channel)] if channel.bindings else []

    def _evict(self, channel: _Channel, why: str) -> list[Effect]:
        return [channel.system(ok=False, extension="system", message=why), *self._close(channel)]

    def _close(self, channel: _Channel) -> list[Effect]:
        del self._channels[channel.topic]
        return [channel.closed(), Unsubscribe(channel.number)]


def _subscription(channel: _Channel, asked: list[dict[str, Any]]) -> list[Effect]:
    if not asked:
        return []
    try:
        channel.bindings = read(asked)
    except BindingRefused as refusal:
        return [channel.system(ok=False, extension=_POSTGRES_CHANGES, message=str(refusal))]
    return [_subscribe(channel)]


def _subscribe(channel: _Channel) -> Subscribe:
    return Subscribe(channel=channel.number, topic=channel.topic, bindings=channel.bindings, claims=channel.claims)


def _without_channel(message: Message) -> Send:
    """Return the answer on a topic that is not joined: leaving it is always well."""
    if message.event == "phx_leave":
        return _reply(message.topic, message.ref, ok=True, response={}, join_ref=message.join_ref)
    return _reply(message.topic, message.ref, ok=False, response={"reason": "unmatched topic"}, join_ref=None)


def _refusal(message: Message, reason: str) -> Send:
    return _reply(message.topic, message.ref, ok=False, response={"reason": reason}, join_ref=message.join_ref)


def _reply(topic: str, ref: Ref, *, ok: bool, response: Mapping[str, Any], join_ref: Ref) -> Send:
    payload = {"status": "ok" if ok else "error", "response": response}
    return Send(Message(topic=topic, event="phx_reply", payload=payload, ref=ref, join_ref=join_ref))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_true(value: object) -> bool:
    return value is True or value == "true"
