"""A join's payload, read: what it asks for, with which token, and why it cannot be had.

Pure; what a channel then does is `channels`' business. An invalid payload mostly joins with what could be read of it,
as on the real server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtests.pipeline.realtime.bindings import asked_by_topic, asked_for
from loadtests.pipeline.realtime.channel import NO_REPLAY, Wishes, as_object
from loadtests.pipeline.realtime.claims import VerifiedToken
from loadtests.pipeline.realtime.policies import UNREACHABLE, Answer, Policies, Replay, not_permitted
from loadtests.wire.phoenix import TOPIC_PREFIX, Message

UNKNOWN_ERROR: Final = "Unknown Error on Channel"
PRIVATE_ONLY: Final = "PrivateOnly: This project only allows private channels"
_MOST_REPLAYED: Final = 25


class JoinRefused(Exception):  # noqa: N818 - an outcome that the client is told
    """A join that is answered with an error; the text is its `reason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """What a `phx_join` asks for."""

    message: Message
    token: str
    verified: VerifiedToken
    wishes: Wishes
    asked: list[dict[str, Any]]
    """The elements of `postgres_changes`, or the one that the topic means."""
    is_legacy: bool
    """Without `config`."""

    @property
    def name(self) -> str:
        """The topic without its prefix."""
        name: str = self.message.topic.removeprefix(TOPIC_PREFIX)
        return name

    @property
    def replay(self) -> Replay | None:
        """What of the past a private channel is to hear; None if nothing, or nothing that could be understood."""
        wanted = self.wishes.replay
        if not isinstance(wanted, dict) or not self._is_replay_valid():
            return None
        limit = wanted.get("limit") or _MOST_REPLAYED
        return Replay(since_ms=wanted.get("since") or 0, limit=max(1, min(limit, _MOST_REPLAYED)))

    def admit(self) -> None:
        """Raise JoinRefused for what no policy is asked about."""
        if not self.verified.opens_channels:
            raise JoinRefused(UNKNOWN_ERROR)
        if not self.wishes.is_private and self.wishes.replay is not NO_REPLAY:
            raise JoinRefused("UnableToReplayMessages: Replay is not allowed for public channels")

    def admit_private(self, policies: Policies, answer: Answer) -> None:
        """Raise JoinRefused for what the policies do not grant."""
        if answer.unreachable:
            raise JoinRefused(f"UnableToConnectToProject: {UNREACHABLE}")
        if not policies.may_join or (self.wishes.replay is not NO_REPLAY and not policies.hears_broadcasts):
            raise JoinRefused(f"Unauthorized: {not_permitted(self.name)}")
        if isinstance(self.wishes.replay, dict) and not self._is_replay_valid():
            raise JoinRefused("UnableToReplayMessages: Replay params are not valid")

    def _is_replay_valid(self) -> bool:
        wanted = as_object(self.wishes.replay)
        return all(isinstance(wanted.get(key) or 0, int) for key in ("since", "limit"))


def token_of(message: Message, apikey: str) -> str:
    """Return a join's token: `user_token` (legacy) before `access_token` before the socket's apikey.

    Raises:
        JoinRefused: it is no join of a channel at all.

    """
    if message.topic == TOPIC_PREFIX:
        raise JoinRefused("TopicNameRequired: You must provide a topic name")
    payload = message.payload
    if not isinstance(payload, dict):
        raise JoinRefused(UNKNOWN_ERROR)
    given = payload.get("access_token") or payload.get("user_token")
    if isinstance(given, str) and given.startswith("sb_"):
        return apikey
    for key in ("user_token", "access_token"):
        token = payload.get(key)
        if isinstance(token, str):
            return token
    return apikey


def is_private(message: Message) -> bool:
    """Whether a join asks for a private channel, whatever else it holds."""
    return Wishes.read(as_object(as_object(message.payload).get("config"))).is_private


def read_join(message: Message, token: str, verified: VerifiedToken) -> Join:
    """Return what a join with a good token asks for, or raise JoinRefused."""
    payload: Mapping[str, Any] = message.payload
    wishes, asked = _wishes(payload, message.topic.removeprefix(TOPIC_PREFIX))
    return Join(
        message=message,
        token=token,
        verified=verified,
        wishes=wishes,
        asked=asked,
        is_legacy="config" not in payload,
    )


def _wishes(payload: Mapping[str, Any], name: str) -> tuple[Wishes, list[dict[str, Any]]]:
    """Return a join's wishes and bindings; without `config` the topic itself says what is wanted."""
    if "config" not in payload:
        return Wishes.read({}), list(asked_by_topic(name))
    config = payload["config"]
    if config is not None and not isinstance(config, dict):
        raise JoinRefused(UNKNOWN_ERROR)
    asked = asked_for(as_object(config))
    if not all(isinstance(one, dict) for one in asked):
        raise JoinRefused(UNKNOWN_ERROR)
    return Wishes.read(as_object(config)), asked
