"""Why things end in the life of a simulated device: its connection, its lifetime, a refresh that was never requested.

The words of a device's own record; the ledger keeps them as they are. Knows nothing of how any of it comes about.
"""

from enum import IntEnum


class DownCause(IntEnum):
    """Why a device stopped being live."""

    CLOSED = 1
    CHANNEL_CLOSED = 2
    TOKEN_EXPIRED = 3
    HEARTBEAT_LOST = 4
    LOGGED_OUT = 5
    CONNECT_FAILED = 6
    GAVE_UP = 7
    """Its way of reconnecting has an end, and came to it."""
    BACKGROUND = 8
    """It left by itself because nobody looks."""
    KILLED = 9
    SWITCHED = 10
    """It left for another organization."""
    NOT_LIVE_IN_TIME = 11
    """The channel was joined and no change could flow before the deadline."""


class Leaving(IntEnum):
    """Why a device's lifetime in an organization ended."""

    LOGGED_OUT = 0
    KILLED = 1
    """Without a word: its socket broke off."""
    SWITCHED = 2
    UNAUTHORIZED = 3
    """Logged out by itself: the API did not take its token any more."""


class NotFetched(IntEnum):
    """Why a refresh that was asked for was not requested."""

    DEDUPED = 1
    """The same key was fetched a moment ago."""
    IN_FLIGHT = 2
    """The same key was being fetched, and its answer serves."""
    BACKGROUND = 3
    ENDED = 4
    """The device's lifetime ended."""
    NOTHING_MISSED = 5
    """A catch-up that the device thought it did not need."""
    HELD_OFF = 6
    """A poll that would have come sooner than the API had asked for."""
