"""What a device joins, how far it has come with that, and how it behaves on the wire.

Values only: the subscriber acts on them.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from loadtests.clients.backoff import Backoff
from loadtests.wire.phoenix import TOPIC_PREFIX, Binding


@dataclass(frozen=True, slots=True)
class Channel:
    """What the members of one organization join; all of them share it, so that their frames are the same bytes."""

    topic: str
    binding: Binding

    @classmethod
    def of_organization(cls, organization_id: str) -> "Channel":
        """The channel that the design's clients join."""
        return cls(
            topic=f"{TOPIC_PREFIX}org-{organization_id}-events",
            binding=Binding(
                event="INSERT",
                schema="public",
                table="realtime_events",
                filter=f"organization_id=eq.{organization_id}",
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How devices behave on the wire."""

    live_within_ns: int
    """A device that is not live by then starts over."""
    heartbeat_interval_ns: int = 25_000_000_000
    heartbeat_timeout_ns: int = 10_000_000_000
    backoff: Backoff = field(default_factory=lambda: Backoff(first_ns=1_000_000_000, cap_ns=30_000_000_000))


class Link(IntEnum):
    """How far a device's connection has come."""

    DOWN = 0
    CONNECTING = 1
    JOINING = 2
    LIVE = 3
    ENDED = 4
