"""How a device gathers signals into refreshes, as a value.

The design's policy is a debounce that restarts at each event and coalesces by entity. Knows no device and no time.
"""

from dataclasses import dataclass
from enum import IntEnum


class Coalescing(IntEnum):
    """What counts as one refresh at the end of a window."""

    ENTITY = 1
    """One refresh for each distinct `entityType:entityId`."""
    REQUEST_KEY = 2
    """One refresh for each distinct request key."""


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """A trailing debounce: `window_ns` of quiet after the last event, then one refresh for each coalesced thing."""

    window_ns: int
    coalescing: Coalescing
