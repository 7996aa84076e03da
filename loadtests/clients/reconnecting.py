"""How a device comes back after its connection or channel ended: the official clients' ways, and a better one.

Values and arithmetic; the chance is passed in. The official clients have no jitter and therefore come back in
lock-step. Sources: realtime-js (`reconnectAfterMs`, `rejoinAfterMs`) and the Python client `realtime` 2.34.
"""

from dataclasses import dataclass
from typing import Final

_SECOND_NS: Final = 1_000_000_000


def _seconds(*delays: float) -> tuple[int, ...]:
    return tuple(round(delay * _SECOND_NS) for delay in delays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnecting:
    """When a device tries again, and whether it does."""

    connect_ns: tuple[int, ...]
    """Delay before each attempt to open a socket; the last one repeats."""
    join_ns: tuple[int, ...]
    """Delay before each attempt to join again after a join was refused or the channel crashed."""
    limited_join_ns: int | None = None
    """The delay instead of these when the refusal was a rate limit."""
    attempts: int | None = None
    """After so many failed attempts in a row it stays away; None: never."""
    jitter: float = 0.0
    """The share of each delay that is left to chance."""
    rejoins_closed: bool = False
    """Whether it joins again after the server closed its channel in the orderly way (`phx_close`)."""
    renews: bool = False
    """Whether it takes a fresh token for each attempt, instead of the one it has."""
    counts_from_open: bool = True
    """Whether an open socket begins the count of attempts anew, whatever its channel comes to; else being live does."""
    heartbeat_timeout_ns: int = 25 * _SECOND_NS

    def is_over(self, attempt: int) -> bool:
        """Return whether the attempt with this number (from 0) is one too many."""
        return self.attempts is not None and attempt >= self.attempts

    def connect_delay_ns(self, attempt: int, chance: float) -> int:
        """Return the delay before the attempt with this number (from 0); `chance` is uniform in [0, 1)."""
        return self._jittered(self.connect_ns[min(attempt, len(self.connect_ns) - 1)], chance)

    def join_delay_ns(self, attempt: int, chance: float, *, is_limited: bool = False) -> int:
        """Return the delay before the next join on a socket that stands."""
        if is_limited and self.limited_join_ns is not None:
            return self._jittered(self.limited_join_ns, chance)
        return self._jittered(self.join_ns[min(attempt, len(self.join_ns) - 1)], chance)

    def _jittered(self, delay_ns: int, chance: float) -> int:
        kept = 1 - self.jitter
        return int(delay_ns * kept) + int(delay_ns * self.jitter * chance)


WELL_BEHAVED: Final = Reconnecting(
    connect_ns=_seconds(1, 2, 4, 8, 16, 30),
    join_ns=_seconds(1, 2, 4, 8, 16, 30),
    jitter=0.5,
    rejoins_closed=True,
    renews=True,
    counts_from_open=False,
    heartbeat_timeout_ns=10 * _SECOND_NS,
)
"""Doubling up to half a minute, half of it by chance, with a fresh token; whatever ended is begun again."""

REALTIME_JS: Final = Reconnecting(connect_ns=_seconds(1, 2, 5, 10), join_ns=_seconds(1, 2, 5, 10))
"""For ever and in lock-step. A channel that the server closed is gone: nothing joins it again."""

PYTHON: Final = Reconnecting(
    connect_ns=_seconds(0, 1, 2, 4, 8),
    join_ns=_seconds(1, 2, 5, 10),
    limited_join_ns=30 * _SECOND_NS,
    attempts=5,
    heartbeat_timeout_ns=40 * _SECOND_NS,
)
"""Five attempts, then it stays dead even if the server returns. It ignores replies to its heartbeats; a dead peer is
found by the WebSocket library's own pings, after 20 s and 20 s more."""

BY_NAME: Final = {"well-behaved": WELL_BEHAVED, "realtime-js": REALTIME_JS, "python": PYTHON}
"""As scenarios call them."""
