"""What a channel says to the others on its topic, and whether it may: broadcasts, presence, their limits.

Pure, as `channels` is, whose session calls this: a channel and its message in, effects out. Rules, orders and texts
are those of Supabase Realtime's broadcast and presence handlers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from loadtests.pipeline.realtime.channel import Channel, as_object
from loadtests.pipeline.realtime.effects import Ask, Broadcast, Effect, ShowPresence, Track, Untrack
from loadtests.pipeline.realtime.elixir import external_size
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.realtime.policies import Answer, Extension, Question
from loadtests.wire.phoenix import Message, UserBroadcast

TOO_MANY_MESSAGES: Final = "Too many messages per second"
TOO_MANY_PRESENCES: Final = "Too many presence messages per second"
_TOO_MANY_CALLS: Final = "Client presence rate limit exceeded"
_TOO_LARGE: Final = "Track message size exceeded"


class ChannelEnds(Exception):  # noqa: N818 - an outcome that the client is told
    """The server closes a channel; the text is its last `system` message."""


class ChannelCrashes(Exception):  # noqa: N818 - an outcome that the client is told
    """The real server's channel process ends by an error; its client is told to join again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a channel says, and the limits that it shares with all others."""

    channel: Channel
    message: Message
    limits: Limits


def broadcast(said: Said, now: Moment) -> list[Effect]:
    """Pass a message on, if the channel's policies let it speak; the first time they are asked."""
    channel, message, limits = said.channel, said.message, said.limits
    if channel.policies.may_broadcast is None:
        # Where there is no answer, the real server writes it to its log, and asks again for the next message.
        return _ask(channel, writes=Extension.BROADCAST, then=partial(broadcast, said), otherwise=[])
    if not channel.policies.may_broadcast:
        return []  # in silence, even where an acknowledgement is wanted
    limits.sent(now.monotonic_ns)
    wishes = channel.wishes
    if limits.is_too_large(_size(message.payload)):
        refused = channel.reply(message.ref, ok=False, response="payload_size_exceeded")  # the one that is no object
        return [refused] if wishes.acknowledges_broadcasts else []
    passed_on = Broadcast(channel=channel.number, payload=message.payload, to_itself=wishes.hears_itself)
    return [passed_on, *([channel.reply(message.ref)] if wishes.acknowledges_broadcasts else [])]


def presence(said: Said, now: Moment) -> list[Effect]:
    """Note what a channel says of itself.

    Raises:
        ChannelEnds: too often, or too much.
        ChannelCrashes: an event that is no text.

    """
    channel, message = said.channel, said.message
    payload = as_object(message.payload)
    if "event" not in payload:
        return [channel.reply(message.ref)]
    event = payload["event"]
    if not isinstance(event, str):
        raise ChannelCrashes
    if not channel.calls.admits(now.monotonic_ns):
        raise ChannelEnds(_TOO_MANY_CALLS)
    match _ascii_lower(event):
        case "track":
            return _track_if_allowed(said, now)
        case "untrack":
            channel.tracked = None
            return [Untrack(channel.number), channel.reply(message.ref)]
        case _:
            return [channel.reply(message.ref, ok=False)]


def show_presence(channel: Channel, limits: Limits, now: Moment) -> list[Effect]:
    """Tell a channel who is present, if it is to know; raises ChannelEnds."""
    if not channel.is_present or not channel.policies.hears_presence:
        return []
    _count_presence(limits, now)
    return [ShowPresence(channel.number)]


def _track_if_allowed(said: Said, now: Moment) -> list[Effect]:
    """Track, if the channel's policies let it be present; the first time they are asked."""
    channel = said.channel
    refused: list[Effect] = [channel.reply(said.message.ref, ok=False)]
    if channel.policies.may_be_present is None:
        then = partial(_track_if_allowed, said)
        return _ask(channel, writes=Extension.PRESENCE, then=then, otherwise=refused)
    return _track(said, now) if channel.policies.may_be_present else refused


def _track(said: Said, now: Moment) -> list[Effect]:
    """Note somebody as present; the first time enables presence, and the channel is told who else is there."""
    channel, message, limits = said.channel, said.message, said.limits
    meta = message.payload.get("payload", {})
    if not isinstance(meta, dict):
        reason = "Presence track payload must be a map"
        return [channel.reply(message.ref, ok=False, response={"reason": reason})]
    if meta == channel.tracked:
        return [channel.reply(message.ref)]
    if limits.is_too_large(external_size(meta)):
        raise ChannelEnds(_TOO_LARGE)
    _count_presence(limits, now)
    was_present, channel.is_present, channel.tracked = channel.is_present, True, meta
    effects: list[Effect] = [
        Track(channel=channel.number, key=channel.presence_key, meta=meta),
        channel.reply(message.ref),
    ]
    return effects if was_present else [*effects, *show_presence(channel, limits, now)]


def _ask(
    channel: Channel, *, writes: Extension, then: Callable[[Moment], list[Effect]], otherwise: list[Effect]
) -> list[Effect]:
    """Ask the policies what they have not been asked yet, and go on from there."""
    unheard = writes is Extension.PRESENCE and channel.policies.hears_presence is None
    question = Question(
        topic=channel.name,
        claims=channel.claims,
        reads=(Extension.PRESENCE,) if unheard else (),
        writes=(writes,),
    )

    def go_on(answer: Answer, now: Moment) -> list[Effect]:
        if answer.failed or answer.unreachable:
            return otherwise
        channel.policies = channel.policies.told(question, answer)
        return [channel.enter(), *then(now)]

    return [Ask(channel=channel.number, question=question, then=go_on)]


def _count_presence(limits: Limits, now: Moment) -> None:
    if not limits.admits_presence(now.monotonic_ns):
        raise ChannelEnds(TOO_MANY_PRESENCES)


def _size(payload: object) -> int:
    """Return what the real server measures: for a binary push its parts, as a tuple."""
    if isinstance(payload, UserBroadcast):
        binaries = (payload.event.encode(), payload.payload, payload.metadata)
        encoding = "json" if payload.is_json else "binary"
        # The format's version, a tuple of four, an atom, and each binary with its length.
        return 1 + 2 + 2 + len(encoding) + sum(5 + len(one) for one in binaries)
    return external_size(payload)


def _ascii_lower(text: str) -> str:
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in text)
