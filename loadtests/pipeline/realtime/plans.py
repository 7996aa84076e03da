"""What each plan allows: the limits that Supabase documents for its hosted plans, and a server's own defaults.

Values only (documentation: Realtime, Limits). `None` is no limit. Knows nothing of how a limit is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.pipeline.settings import PlanName


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The limits of one project."""

    connections: int | None
    """Sockets with a channel, at the same time."""
    messages_per_s: int | None
    """Changes times their receivers."""
    joins_per_s: int | None
    channels_per_connection: int | None


PLANS: Final[Mapping[PlanName, Plan]] = {
    "free": Plan(connections=200, messages_per_s=100, joins_per_s=100, channels_per_connection=100),
    "pro": Plan(connections=500, messages_per_s=500, joins_per_s=500, channels_per_connection=100),
    "pro-no-cap": Plan(connections=10_000, messages_per_s=2500, joins_per_s=2500, channels_per_connection=100),
    "team": Plan(connections=10_000, messages_per_s=2500, joins_per_s=2500, channels_per_connection=100),
    # Documented as "and more": these are the least that the plan has.
    "enterprise": Plan(connections=10_000, messages_per_s=2500, joins_per_s=2500, channels_per_connection=100),
    "self-hosted": Plan(connections=200, messages_per_s=100, joins_per_s=100, channels_per_connection=100),
    "unlimited": Plan(connections=None, messages_per_s=None, joins_per_s=None, channels_per_connection=None),
}
