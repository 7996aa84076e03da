"""The table `[limits]` of a target file: the most that a run may do to this target, and when it stops by itself.

Only words, defaults and bounds; what they come to is the business of `checks.guard` and `checks.abort`.
"""

from typing import Annotated, Final

from pydantic import Field

from loadtests.checks.guard import Caps
from loadtests.scenario.abort import Abort
from loadtests.scenario.devices import Table

Positive = Annotated[float, Field(gt=0)]

CAREFUL: Final = Abort(error_share=0.2, latency_ms=10_000.0, slot_lag_mb=1000.0)
"""What ends a load on somebody's target unless its owner says otherwise."""


class Limits(Table):
    """What the owner of a target allows. The defaults suit a first look at somebody's project, not a load test."""

    connections: int = Field(default=200, ge=1)
    """WebSockets at once; a month's bill keeps the peak."""
    mutations: int = Field(default=10_000, ge=1)
    """In one run, warm-up included."""
    mutations_per_s: Positive = 50.0
    duration_s: Positive = 3600.0
    """Of the load, drain excluded."""
    abort: Abort = CAREFUL

    @property
    def caps(self) -> Caps:
        """What is refused before the start."""
        return Caps(
            connections=self.connections,
            mutations=self.mutations,
            mutations_per_s=self.mutations_per_s,
            duration_s=self.duration_s,
        )
