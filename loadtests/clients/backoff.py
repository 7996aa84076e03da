"""How long a device waits before it connects or joins again: doubling, capped, jittered.

Pure: the chance is passed in. The official clients have no jitter and therefore come back in lock-step.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `first_ns` up to `cap_ns`, of which at least half is waited."""

    first_ns: int
    cap_ns: int

    def delay_ns(self, attempt: int, chance: float) -> int:
        """Return the delay before the attempt with this number (from 0); `chance` is uniform in [0, 1)."""
        # Beyond 62 doublings the shift would only make a long integer that the cap throws away.
        full_ns = min(self.cap_ns, self.first_ns << min(attempt, 62))
        return full_ns // 2 + int(full_ns / 2 * chance)
