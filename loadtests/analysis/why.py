"""The causes of misses and delays: their names, as `metrics.json` and reports tell them.

Words only; which of them applies is decided by those who look at the evidence.
"""

from enum import IntEnum
from typing import Final


class Why(IntEnum):
    """What a miss or a delay is put down to."""

    UNEXPLAINED = 0
    """No evidence, or evidence of two things at once."""

    # --- what the device's own record says ------------------------------------------------------------------
    SUBSCRIBE_GAP = 1
    """Not live yet: between login, or a new join, and `system: Subscribed to PostgreSQL`."""
    SOCKET_DOWN = 2
    """The connection was lost, or could not be had."""
    TOKEN_EXPIRED = 3
    LOGGED_OUT = 4
    """It left before the deadline, and nobody else had been told by then."""
    SLOW_CONSUMER = 5
    """Our own process did not read in time."""
    BACKGROUND = 6
    """It had unsubscribed, because nobody looked."""
    GAVE_UP = 7
    """Its way of reconnecting has an end, and had come to it."""

    # --- what others heard ----------------------------------------------------------------------------------
    LOST_FRAME = 10
    """Others received it, and so did the device what came before and after."""
    SILENT_CHANNEL = 11
    """Others received it, and the device nothing for a while; nothing proves that its socket still lived."""
    DEAF_CHANNEL = 12
    """The same, and the socket lived all the while: something came over it afterwards, or it outlived its heartbeat."""
    SILENT_FEED = 13
    """Nobody received it; nothing else tells why."""

    # --- what the target's metrics say of a silent feed -----------------------------------------------------
    RATE_LIMITED = 20
    """Changes were discarded because the project was over its messages limit."""
    SLOT_LOST = 21
    """The feed lost its replication slot, and with it what was committed until it had a new one."""
    DATABASE_RESTARTED = 22
    """The database was restarted, and every slot was lost with it."""
    ROW_LEVEL_SECURITY = 23
    """Row-level security hid the row from the subscriber."""

    # --- delays ---------------------------------------------------------------------------------------------
    LATE_FRAME = 30
    """Others received it much sooner."""
    IDLE_POLL = 31
    """The feed polls, found nothing, and slept."""
    BACKLOG = 32
    """What was committed before it had not been delivered yet."""
    STALLED_FEED = 33
    """Nobody received anything for a while, then everybody everything at once."""
    COLD_START = 34
    """Nobody at all was live when it was committed."""
    BIG_TRANSACTION = 35
    """It was committed together with many others."""
    API = 36
    """The jobs API was slow."""
    BUSY_MUTATORS = 37
    """The mutation waited for its job, or for a free user."""
    OUR_DISPATCHER = 38
    """We sent the mutation late."""
    OUR_CLIENT = 39
    """The device's own re-fetches stood in line."""

    @property
    def label(self) -> str:
        """The name that people read."""
        return _HYPHENATED.get(self.name, self.name.lower().replace("_", " "))


_HYPHENATED: Final = {
    "RATE_LIMITED": "rate-limited",
    "ROW_LEVEL_SECURITY": "row-level security",
    "API": "api",
}
