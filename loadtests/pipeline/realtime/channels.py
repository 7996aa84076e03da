"""The channels of one socket as a state machine: messages and moments in, effects out.

No clock, no socket, no database: `Session` is told what came and when, and says what to send, what to subscribe
to and when to wake it. Rules, orders and texts are those of Phoenix 1.8 and Supabase Realtime v2.129.8.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from loadtests.pipeline.realtime.bindings import BindingRefused, asked_by_topic, asked_for, echo, read
from loadtests.pipeline.realtime.channel import POSTGRES_CHANGES, Channel, Wishes, as_object, reply
from loadtests.pipeline.realtime.claims import TokenRefused, TokenVerifier, VerifiedToken, expired
from loadtests.pipeline.realtime.effects import (
    Broadcast,
    Disconnect,
    Effect,
    Enter,
    Leave,
    Refuse,
    Send,
    ShowPresence,
    Subscribe,
    Track,
    Untrack,
)
from loadtests.pipeline.realtime.limits import Limits
from loadtests.wire.phoenix import HEARTBEAT_TOPIC, SUBSCRIBED, TOPIC_PREFIX, Message

CLOSED_NORMALLY: Final = 1000
_NANOSECONDS: Final = 1_000_000_000
_UNKNOWN_ERROR: Final = "Unknown Error on Channel"


class Moment(NamedTuple):
    """Now, on both clocks: tokens expire in Unix time, silence is measured on the monotonic one."""

    monotonic_ns: int
    unix_s: float


class JoinRefused(Exception):  # noqa: N818 - an outcome that the client is told
    """A join that is answered with an error; the text is its `reason`."""


class Session:
    """One socket: its channels, its tokens' expiry and its silence."""

    __slots__ = ("_apikey", "_channels", "_heard_ns", "_joins", "_limits", "_new_key", "_silence_ns", "_verifier")

    def __init__(
        self,
        *,
        apikey: str,
        verifier: TokenVerifier,
        limits: Limits,
        silence_timeout_s: float,
        now: Moment,
        new_key: Callable[[], str],
    ) -> None:
        """`new_key` makes up the presence key of a channel that brings none."""
        self._apikey = apikey
        self._verifier = verifier
        self._limits = limits
        self._new_key = new_key
        self._silence_ns = round(silence_timeout_s * _NANOSECONDS)
        self._heard_ns = now.monotonic_ns
        self._channels: dict[str, Channel] = {}
        self._joins = 0

    @property
    def channel_count(self) -> int:
        """Channels joined now."""
        return len(self._channels)

    @property
    def join_count(self) -> int:
        """Joins answered with ok so far."""
        return self._joins

    @property
    def user(self) -> str:
        """The subject of the first channel's token; empty if there is none."""
        return next((channel.claims.subject for channel in self._channels.values()), "")

    def heard(self, now: Moment) -> None:
        """Note that the client sent a frame, whatever it was."""
        self._heard_ns = now.monotonic_ns

    def receive(self, message: Message, now: Moment) -> list[Effect]:
        """Return what a client's message causes."""
        if message.topic == HEARTBEAT_TOPIC and message.event == "heartbeat":
            return [Send(reply(HEARTBEAT_TOPIC, message.ref, ok=True, response={}, join_ref=None))]
        if message.event == "phx_join":
            return self._join(message, now)
        channel = self._channels.get(message.topic) if isinstance(message.topic, str) else None
        return [_without_channel(message)] if channel is None else self._push(channel, message, now)

    def subscribed(self, number: int) -> list[Effect]:
        """Return what follows once the channel's subscription is in force."""
        return [
            channel.system(ok=True, extension=POSTGRES_CHANGES, message=SUBSCRIBED)
            for channel in self._channels.values()
            if channel.number == number
        ]

    def refused(self, number: int, why: str) -> list[Effect]:
        """Return what follows if the channel's subscription cannot be served: it stays joined, and silent."""
        return [
            channel.system(ok=False, extension=POSTGRES_CHANGES, message=why)
            for channel in self._channels.values()
            if channel.number == number
        ]

    def presence(self, number: int, state: Mapping[str, Any]) -> list[Effect]:
        """Return how a channel is told who is present."""
        return [
            channel.push("presence_state", state) for channel in self._channels.values() if channel.number == number
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
        gone: list[Effect] = [Leave(channel.number) for channel in self._channels.values()]
        self._channels.clear()
        if self._joins > 0:
            self._limits.user_went()
        return gone

    # ---- joining

    def _join(self, message: Message, now: Moment) -> list[Effect]:
        topic = message.topic
        if not isinstance(topic, str) or not topic.startswith(TOPIC_PREFIX):
            return [_without_channel(message)]
        # A second join ends the channel, whatever becomes of it; its close is sent after the answer. A client that
        # ignores `ref` then closes the new channel.
        earlier = self._channels.pop(topic, None)
        farewell: list[Effect] = [] if earlier is None else [Leave(earlier.number), earlier.closed()]
        beyond = None
        if topic != TOPIC_PREFIX:
            beyond = self._limits.refuse_join(now.monotonic_ns, is_user=self._joins > 0, channels=len(self._channels))
        if beyond is not None:
            return [_refusal(message, beyond.reason, disconnects=beyond.disconnects), *farewell]
        try:
            channel, asked = self._open(message, topic, now)
        except (JoinRefused, TokenRefused) as refusal:
            return [_refusal(message, str(refusal)), *farewell]
        self._channels[topic] = channel
        effects: list[Effect] = [channel.reply(message.ref, response={POSTGRES_CHANGES: echo(asked)}), *farewell]
        effects.append(Enter(channel.number, topic))
        effects += _subscription(channel, asked)
        if channel.is_present:
            effects.append(ShowPresence(channel.number))
        return effects

    def _open(self, message: Message, topic: str, now: Moment) -> tuple[Channel, list[dict[str, Any]]]:
        """Return the channel that a join makes and the bindings it asks for, or raise why there is none."""
        if topic == TOPIC_PREFIX:
            raise JoinRefused("TopicNameRequired: You must provide a topic name")
        payload = message.payload
        if not isinstance(payload, dict):
            raise JoinRefused(_UNKNOWN_ERROR)
        token = self._token(payload)
        verified = self._verifier.verify(token, now.unix_s)
        name = topic.removeprefix(TOPIC_PREFIX)
        wishes, asked = _wishes(payload, name)
        expires_at_s = _admit(verified, wishes, name)
        if self._joins == 0:
            self._limits.user_came()
        self._joins += 1
        channel = Channel(
            number=self._joins,
            topic=topic,
            join_ref=message.join_ref,
            token=token,
            claims=verified.claims,
            expires_at_s=expires_at_s,
            wishes=wishes,
            is_legacy="config" not in payload,
            presence_key=wishes.presence_key or self._new_key(),
            is_present=wishes.is_present,
        )
        return channel, asked

    def _token(self, payload: Mapping[str, Any]) -> str:
        """Return the channel's token: `user_token` (legacy) before `access_token` before the socket's apikey."""
        given = payload.get("access_token") or payload.get("user_token")
        if isinstance(given, str) and given.startswith("sb_"):
            return self._apikey
        for key in ("user_token", "access_token"):
            token = payload.get(key)
            if isinstance(token, str):
                return token
        return self._apikey

    # ---- a channel's later life

    def _push(self, channel: Channel, message: Message, now: Moment) -> list[Effect]:
        if None not in (message.join_ref, channel.join_ref) and message.join_ref != channel.join_ref:
            return []  # meant for an earlier join of the topic
        match message.event:
            case "phx_leave":
                return [channel.reply(message.ref), *self._close(channel)]
            case "access_token":
                return self._refresh(channel, message.payload, now)
            case "broadcast":
                wishes = channel.wishes
                passed_on = Broadcast(channel=channel.number, payload=message.payload, to_itself=wishes.hears_itself)
                return [passed_on, *([channel.reply(message.ref)] if wishes.acknowledges_broadcasts else [])]
            case "presence":
                return self._presence(channel, message)
            case _:
                return []

    def _presence(self, channel: Channel, message: Message) -> list[Effect]:
        payload = as_object(message.payload)
        event = payload.get("event", "")
        if not isinstance(event, str):
            del self._channels[channel.topic]  # the real server's channel crashes, its client is told to rejoin
            return [channel.closed(crashed=True), Leave(channel.number)]
        match event.lower():
            case "track":
                return _track(channel, message, payload.get("payload", {}))
            case "untrack":
                channel.tracked = None
                return [Untrack(channel.number), channel.reply(message.ref)]
            case "" if "event" not in payload:
                return [channel.reply(message.ref)]
            case _:
                return [channel.reply(message.ref, ok=False)]

    def _refresh(self, channel: Channel, payload: object, now: Moment) -> list[Effect]:
        token = as_object(payload).get("access_token")
        if not isinstance(token, str) or token.startswith("sb_") or token == channel.token:
            return []
        try:
            verified = self._verifier.verify(token, now.unix_s)
        except TokenRefused as refusal:
            return self._evict(channel, refusal.atom or refusal.text)
        if not verified.opens_channels:
            return self._evict(channel, _UNKNOWN_ERROR)
        channel.token, channel.claims = token, verified.claims
        channel.expires_at_s = verified.expires_at_s
        return [_subscribe(channel)] if channel.bindings else []

    def _evict(self, channel: Channel, why: str) -> list[Effect]:
        return [channel.system(ok=False, extension="system", message=why), *self._close(channel)]

    def _close(self, channel: Channel) -> list[Effect]:
        del self._channels[channel.topic]
        return [channel.closed(), Leave(channel.number)]


def _wishes(payload: Mapping[str, Any], name: str) -> tuple[Wishes, list[dict[str, Any]]]:
    """Return a join's wishes and bindings; without `config` the topic itself says what is wanted."""
    if "config" not in payload:
        return Wishes.read({}), list(asked_by_topic(name))
    config = payload["config"]
    if config is not None and not isinstance(config, dict):
        raise JoinRefused(_UNKNOWN_ERROR)
    asked = asked_for(as_object(config))
    if not all(isinstance(one, dict) for one in asked):
        raise JoinRefused(_UNKNOWN_ERROR)
    return Wishes.read(as_object(config)), asked


def _admit(verified: VerifiedToken, wishes: Wishes, name: str) -> float:
    """Return when a channel ends that may be joined, or raise why it may not."""
    if not verified.opens_channels:
        raise JoinRefused(_UNKNOWN_ERROR)
    if wishes.is_private:
        # Private channels are granted by policies on `realtime.messages`, which the pipeline's database does not
        # have: so nobody is let in, as where such a table has no policy.
        raise JoinRefused(f"Unauthorized: You do not have permissions to read from this Channel topic: {name}")
    if wishes.wants_replay:
        raise JoinRefused("UnableToReplayMessages: Replay is not allowed for public channels")
    return verified.expires_at_s


def _subscription(channel: Channel, asked: list[dict[str, Any]]) -> list[Effect]:
    if not asked:
        return []
    try:
        channel.bindings = read(asked)
    except BindingRefused as refusal:
        return [channel.system(ok=False, extension=POSTGRES_CHANGES, message=str(refusal))]
    return [_subscribe(channel)]


def _subscribe(channel: Channel) -> Subscribe:
    return Subscribe(
        channel=channel.number,
        topic=channel.topic,
        bindings=channel.bindings,
        claims=channel.claims,
        is_legacy=channel.is_legacy,
    )


def _track(channel: Channel, message: Message, meta: object) -> list[Effect]:
    """Note somebody as present; the first time enables presence, and the channel is told who else is there."""
    if not isinstance(meta, dict):
        reason = "Presence track payload must be a map"
        return [channel.reply(message.ref, ok=False, response={"reason": reason})]
    if meta == channel.tracked:
        return [channel.reply(message.ref)]
    was_present, channel.is_present, channel.tracked = channel.is_present, True, meta
    effects: list[Effect] = [
        Track(channel=channel.number, key=channel.presence_key, meta=meta),
        channel.reply(message.ref),
    ]
    return effects if was_present else [*effects, ShowPresence(channel.number)]


def _without_channel(message: Message) -> Send:
    """Return the answer on a topic that is not joined: leaving it is always well."""
    if message.event == "phx_leave":
        return Send(reply(message.topic, message.ref, ok=True, response={}, join_ref=message.join_ref))
    response = {"reason": "unmatched topic"}
    return Send(reply(message.topic, message.ref, ok=False, response=response, join_ref=None))


def _refusal(message: Message, reason: str, *, disconnects: bool = False) -> Refuse:
    answer = reply(message.topic, message.ref, ok=False, response={"reason": reason}, join_ref=message.join_ref)
    return Refuse(reply=answer, disconnects=disconnects)
