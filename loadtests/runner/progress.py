"""How far a run is, as one value: what the terminal shows a few times a second."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Step(Enum):
    """The steps of a run, in their order; the value is what a person reads."""

    STARTING = "preparing the target"
    CONNECTING = "connecting devices"
    LOAD = "load"
    DRAIN = "draining"
    TRUTH = "reading the truth from the database"
    ANALYSIS = "analysing"


@dataclass(slots=True)
class Progress:
    """Cumulative counts, and the rates of the last seconds."""

    step: Step = Step.STARTING
    phase: str = ""
    elapsed_s: float = 0.0
    total_s: float = 0.0
    """Load and drain together."""
    subscribers: int = 0
    live: int = 0
    due: int = 0
    acked: int = 0
    failed: int = 0
    waiting: int = 0
    latency_ns: int = 0
    """Sum over the mutations that came to an end."""
    signals: int = 0
    refreshes: int = 0
    polls: int = 0
    errors: int = 0
    """Re-fetches that failed."""
    under_way: int = 0
    """Re-fetches without an answer yet."""
    mutations_per_s: float = 0.0
    signals_per_s: float = 0.0
    visibility_ms_p95: float | None = None
    """Of the mutations of the last half minute, at a sample of devices."""
    notes: list[str] = field(default_factory=list)
    """Things worth a line of their own, once each."""


class Screen(Protocol):
    """Where progress goes. The command line has one for terminals and one for files."""

    def show(self, progress: Progress) -> None:
        """Show how far it is; called about ten times a second, cheap to ignore."""
