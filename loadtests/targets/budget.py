"""Time that several steps share: each is given what it wants, or what is left.

It reads the clock that it is handed, and knows nothing of what is waited for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LEAST_S: Final = 0.1
"""What a step is given when nothing is left, so that it can fail in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """So many seconds from now on. Steps that keep what they are given end by then, but for LEAST_S each."""

    total_s: float
    clock: Callable[[], float]
    """Seconds that never go back."""
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_began_s", self.clock())

    def left_s(self, most_s: float) -> float:
        """Return how long a step may take that wants no more than `most_s`."""
        spent_s = self.clock() - self._began_s
        return min(most_s, max(self.total_s - spent_s, LEAST_S))

    def until_s(self, most_s: float) -> float:
        """Return when such a step has to be over, by the clock."""
        return self.clock() + self.left_s(most_s)
