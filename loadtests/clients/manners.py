"""How a device behaves on the wire: heartbeats, patience, when it takes a fresh token, how it connects again.

Values that a connection acts by; it knows nothing of any connection.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from loadtests.clients.reconnecting import WELL_BEHAVED, Reconnecting

_SECOND_NS: Final = 1_000_000_000
_NEVER: Final = 0
"""No timer: a stamp of CLOCK_MONOTONIC is never 0."""


class Renewal(IntEnum):
    """When a device takes a fresh token, seen from the expiry of the old one."""

    BEFORE = 1
    LATE = 2
    NEVER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How devices behave on the wire."""

    live_within_ns: int
    """A device that is not live by then starts over."""
    reconnecting: Reconnecting = WELL_BEHAVED
    heartbeat_interval_ns: int = 25 * _SECOND_NS
    heartbeat_timeout_ns: int | None = None
    """None: what its way of reconnecting has."""
    token_lifetime_ns: int = 7 * 24 * 3600 * _SECOND_NS
    renewal: Renewal = Renewal.BEFORE
    renewal_margin_ns: int = 60 * _SECOND_NS
    is_told: bool = False
    """Whether somebody else renews the sessions and tells of fresh tokens; `token_lifetime_ns` means nothing then."""

    @property
    def patience_ns(self) -> int:
        """How long a heartbeat may stay without an answer."""
        own = self.heartbeat_timeout_ns
        return self.reconnecting.heartbeat_timeout_ns if own is None else own

    def renews_at_ns(self, expires_ns: int) -> int:
        """Return when the token that expires then is replaced; 0: never."""
        if self.is_told or self.renewal is Renewal.NEVER:
            return _NEVER
        margin_ns = self.renewal_margin_ns
        return expires_ns - margin_ns if self.renewal is Renewal.BEFORE else expires_ns + margin_ns
