"""What a socket's protocol wants done: the only words between the state machine and the machinery around it.

Values only; who does it, and how, is `connection`'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.pipeline.realtime.bindings import Binding
from loadtests.pipeline.realtime.claims import Claims
from loadtests.wire.phoenix import Message


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer a join with this refusal, after the server's deliberate delay; until then the whole socket waits."""

    reply: Message
    disconnects: bool = False
    """Whether the socket is closed after the answer."""

    @property
    def code(self) -> str:
        """The refusal's code, which stands before its text; one text comes without."""
        code, colon, _ = str(self.reply.payload["response"]["reason"]).partition(":")
        return code if colon else "UnknownErrorOnChannel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Put these bindings in force for a channel, replacing what it had; then call `subscribed` or `refused`."""

    channel: int
    topic: str
    bindings: tuple[Binding, ...]
    claims: Claims
    is_legacy: bool = False
    """Joined without `config`."""


@dataclass(frozen=True, slots=True)
class Enter:
    """From now on the channel hears what is broadcast on its topic."""

    channel: int
    topic: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing more for this channel: no changes, no broadcasts, and it is no longer present."""

    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Pass a client's message on to the channels of its topic."""

    channel: int
    payload: object
    to_itself: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Note somebody as present on the channel's topic, in place of what the channel said before."""

    channel: int
    key: str
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Untrack:
    """The channel's somebody is no longer present."""

    channel: int


@dataclass(frozen=True, slots=True)
class ShowPresence:
    """Find out who is present on the channel's topic and call `presence`."""

    channel: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the socket with this code."""

    code: int


Effect = Send | Refuse | Subscribe | Enter | Leave | Broadcast | Track | Untrack | ShowPresence | Disconnect
