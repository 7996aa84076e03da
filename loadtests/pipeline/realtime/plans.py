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
    presence_messages_per_s: int | None
    presence_calls: int = 5
    """What a channel may say of itself within 30 s; the same everywhere."""
    payload_kb: int = 3000
    """The largest broadcast, and the most that a channel may say of itself."""


def _plan(connections: int, *, per_s: int, presence_per_s: int, payload_kb: int = 3000) -> Plan:
    return Plan(
        connections=connections,
        messages_per_s=per_s,
        joins_per_s=per_s,
        channels_per_connection=100,
        presence_messages_per_s=presence_per_s,
        payload_kb=payload_kb,
    )


PLANS: Final[Mapping[PlanName, Plan]] = {
    "free": _plan(200, per_s=100, presence_per_s=20, payload_kb=256),
    "pro": _plan(500, per_s=500, presence_per_s=50),
    "pro-no-cap": _plan(10_000, per_s=2500, presence_per_s=1000),
    "team": _plan(10_000, per_s=2500, presence_per_s=1000),
    # Documented as "and more": these are the least that the plan has.
    "enterprise": _plan(10_000, per_s=2500, presence_per_s=1000),
    "self-hosted": _plan(200, per_s=100, presence_per_s=1000),
    # Of a project; what one channel may do of its own accord is what it is everywhere.
    "unlimited": Plan(
        connections=None,
        messages_per_s=None,
        joins_per_s=None,
        channels_per_connection=None,
        presence_messages_per_s=None,
    ),
}
