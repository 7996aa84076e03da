"""How a device gathers signals into refreshes, as a value: when a window ends, and what counts as one refresh.

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
    NONE = 3
    """One refresh for each key of each signal."""


class Edge(IntEnum):
    """When what was gathered becomes refreshes."""

    TRAILING = 1
    """After `window_ns` of quiet: each event restarts the window. The design's."""
    LEADING = 2
    """At once; what comes inside the window after that is dropped."""
    LEADING_AND_TRAILING = 3
    """At once, and what comes inside the window after that when it ends."""
    FIXED_WINDOW = 4
    """`window_ns` after the first event, whatever comes in between."""
    NONE = 5
    """At once, each event by itself."""
    FLUSH_ON_CANCEL = 6
    """TRAILING as the iOS app codes it: restarting its timer cancels a sleep, which ends at once and flushes."""


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """When signals become refreshes, and how many."""

    window_ns: int
    coalescing: Coalescing
    edge: Edge = Edge.TRAILING
    max_wait_ns: int | None = None
    """No signal waits longer, however restless the stream; jitter comes on top."""
    jitter_ns: int = 0
    """Each flush comes up to so much later, at random."""
