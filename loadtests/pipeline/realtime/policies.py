"""What a private channel's policies allow, as values: the question, the answer, and the words of a refusal.

Knows the rules of Supabase Realtime's authorization, nothing of the database that answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from loadtests.pipeline.realtime.claims import Claims

UNREACHABLE: Final = "Realtime was unable to connect to the project database"


class Extension(StrEnum):
    """What a policy is about, as `realtime.messages.extension` has it."""

    BROADCAST = "broadcast"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class Replay:
    """What of the past is to be heard: the newest broadcasts of a topic."""

    since_ms: int
    """Unix time."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one caller wants to know about one topic."""

    topic: str
    """Without its prefix."""
    claims: Claims
    reads: tuple[Extension, ...] = ()
    writes: tuple[Extension, ...] = ()
    replay: Replay | None = None
    """Asked for only where broadcasts may be heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Which of what was asked is granted; and if there is no answer, whether that is the database's absence."""

    reads: frozenset[Extension] = frozenset()
    writes: frozenset[Extension] = frozenset()
    replayed: tuple[Mapping[str, Any], ...] = ()
    """The payloads of the broadcasts, oldest first."""
    failed: bool = False
    """A policy raised, or there is nothing that policies could stand on."""
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a channel has been told so far; None has not been asked yet."""

    hears_broadcasts: bool | None = None
    hears_presence: bool | None = None
    may_broadcast: bool | None = None
    may_be_present: bool | None = None

    @property
    def may_join(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self.hears_broadcasts or self.hears_presence)

    def told(self, question: Question, answer: Answer) -> "Policies":
        """Return the policies with what an answer adds; what was not asked stays as it was."""
        told = self
        if Extension.BROADCAST in question.reads:
            told = replace(told, hears_broadcasts=Extension.BROADCAST in answer.reads)
        if Extension.PRESENCE in question.reads:
            told = replace(told, hears_presence=Extension.PRESENCE in answer.reads)
        if Extension.BROADCAST in question.writes:
            told = replace(told, may_broadcast=Extension.BROADCAST in answer.writes)
        if Extension.PRESENCE in question.writes:
            told = replace(told, may_be_present=Extension.PRESENCE in answer.writes)
        return told

    def lost(self, earlier: "Policies") -> bool:
        """Whether something can no longer be heard that could be heard before."""
        return (earlier.hears_broadcasts is True and self.hears_broadcasts is False) or (
            earlier.hears_presence is True and self.hears_presence is False
        )


PUBLIC: Final = Policies(hears_broadcasts=True, hears_presence=True, may_broadcast=True, may_be_present=True)
"""A channel that is not private allows everything."""


def reads(*, presence: bool) -> tuple[Extension, ...]:
    """Return what is asked before a channel is joined: presence only if it is enabled by then."""
    return (Extension.BROADCAST, Extension.PRESENCE) if presence else (Extension.BROADCAST,)


def not_permitted(topic: str) -> str:
    """Return the refusal of a caller who may hear nothing on a topic."""
    return f"You do not have permissions to read from this Channel topic: {topic}"


def no_longer_permitted(topic: str) -> str:
    """Return the last words to a caller whose fresh token allows less."""
    return f"You no longer have permission to read from this Channel topic: {topic}"
