"""What a device joins: the channel of one organization, as the design's clients name and filter it."""

from dataclasses import dataclass

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
