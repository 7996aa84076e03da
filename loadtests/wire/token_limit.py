"""How often a project's accounts hand out tokens to one address, and a pace that stays below that. Pure.

GoTrue counts passwords and refresh tokens in one bucket for each address: 30 requests at once, refilled at 150 in five
minutes unless the project says otherwise. Sources: supabase/auth, `internal/api/token.go` and `options.go` (`Token`);
Supabase's documentation, *Auth, Rate limits*.
"""

from dataclasses import dataclass
from typing import Final, Self

BURST: Final = 30
PER_5_MINUTES: Final = 150
_FIVE_MINUTES_S: Final = 300.0
_USED_SHARE: Final = 0.8
"""What is left over is for whoever else asks from this address, and for what has to be asked again."""


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """The limit of a project."""

    per_5_minutes: float = PER_5_MINUTES

    @property
    def gap_s(self) -> float:
        """How far requests for tokens are kept apart when there are many of them."""
        return _FIVE_MINUTES_S / self.per_5_minutes / _USED_SHARE

    @classmethod
    def of_gap(cls, gap_s: float) -> Self:
        """Return the least limit that allows this gap."""
        return cls(_FIVE_MINUTES_S / gap_s / _USED_SHARE)

    def start_s(self, place: int) -> float:
        """Return when the request at `place` (from 0) of many that are wanted at once may go, in seconds."""
        return max(0, place + 1 - BURST) * self.gap_s
