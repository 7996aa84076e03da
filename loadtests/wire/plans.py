"""What each Supabase plan allows and costs: documented limits and prices of hosted plans, and a server's own defaults.

Values and plain arithmetic only (documentation: Realtime, Limits; Platform, Manage your usage). `None` is no limit.
Shared by the embedded Realtime, which keeps the limits, and the harness, which says beforehand which ones a load
will hit. Knows nothing of how a limit is measured: that is `rate_meter`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PlanName = Literal["free", "pro", "pro-no-cap", "team", "enterprise", "self-hosted", "unlimited"]

PRICES_AS_OF: Final = "August 2026"
"""The state of the documentation from which limits and prices are taken."""
MESSAGES_PER_PACKAGE: Final = 1_000_000
CONNECTIONS_PER_PACKAGE: Final = 1_000
_MESSAGES_PACKAGE_CENTS: Final = 250
_CONNECTIONS_PACKAGE_CENTS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What Realtime costs in one billing cycle beside the plan's own fee."""

    messages_included: int
    connections_included: int
    """Of the cycle's peak, summed over projects."""
    charges_beyond: bool = True
    """Whether what is beyond is sold; without it (free plan, spend cap) the project is held to its quota."""

    def cents(self, messages: int, peak_connections: int) -> int:
        """Return the charge of a cycle that had nothing else, in US cents: whole packages beyond what is included."""
        if not self.charges_beyond:
            return 0
        return _MESSAGES_PACKAGE_CENTS * _packages(
            messages - self.messages_included, MESSAGES_PER_PACKAGE
        ) + _CONNECTIONS_PACKAGE_CENTS * _packages(
            peak_connections - self.connections_included, CONNECTIONS_PER_PACKAGE
        )

    def exceeds(self, messages: int, peak_connections: int) -> bool:
        """Return whether that is more than what is included."""
        return messages > self.messages_included or peak_connections > self.connections_included


def _packages(amount: int, size: int) -> int:
    return -(-max(0, amount) // size)


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
    change_kb: int = 1024
    """The largest database change; a larger one arrives without its large values."""
    price: Price | None = None
    """None: by contract, or nobody's but your own."""


def _plan(
    connections: int, *, per_s: int, presence_per_s: int, payload_kb: int = 3000, price: Price | None = None
) -> Plan:
    return Plan(
        connections=connections,
        messages_per_s=per_s,
        joins_per_s=per_s,
        channels_per_connection=100,
        presence_messages_per_s=presence_per_s,
        payload_kb=payload_kb,
        price=price,
    )


def _paid(*, charges_beyond: bool = True) -> Price:
    return Price(messages_included=5_000_000, connections_included=500, charges_beyond=charges_beyond)


PLANS: Final[Mapping[PlanName, Plan]] = {
    "free": _plan(
        200,
        per_s=100,
        presence_per_s=20,
        payload_kb=256,
        price=Price(messages_included=2_000_000, connections_included=200, charges_beyond=False),
    ),
    "pro": _plan(500, per_s=500, presence_per_s=50, price=_paid(charges_beyond=False)),
    "pro-no-cap": _plan(10_000, per_s=2500, presence_per_s=1000, price=_paid()),
    "team": _plan(10_000, per_s=2500, presence_per_s=1000, price=_paid()),
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
HOSTED: Final[tuple[PlanName, ...]] = ("free", "pro", "pro-no-cap", "team", "enterprise")
