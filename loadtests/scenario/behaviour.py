"""How the embedded pipeline behaves where today's code, the design and an operator's choice differ.

Keys of `[target]`; their defaults are today's pipeline as it is embedded. Only words and bounds: what a behaviour
does is the pipeline's business.
"""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from loadtests.scenario.devices import Table

COALESCED_WITHIN_S: Final = 60.0
"""What is coalesced is announced when the next minute begins."""


class Behaviour(Table):
    """What the embedded pipeline can be told to do otherwise."""

    as_built: bool = False
    """Do as today's code does where it differs from the design: tell of a new job before its risk is scored, wait for
    an event however long it takes, emit only five types of events, notify nobody."""
    event_limit: Literal["label", "coalesce"] = "label"
    """What happens to an organization's events beyond `events_per_minute`: `label`, as coded today, stores all of them
    with a `dedupe_key`; `coalesce`, as designed, lets one of each key and minute pass, the last one included."""
    events_per_minute: int = Field(default=100, ge=1, le=1_000_000)
    upstream_latency_ms: float = Field(default=0, ge=0, le=10_000)
    """Latency of each call that the original backend makes to other services while it answers a request: 8 for a list,
    13 for a create, and, as built, three more for a new job's risk after its event."""
    retention_s: float = Field(default=24 * 3600, ge=30, le=30 * 24 * 3600)
    """Events older than this are removed. Not below half a minute: the truth about events is read every five seconds,
    and what is removed before was never there."""
    retention_every_s: float = Field(default=3600, ge=0, le=30 * 24 * 3600)
    """How often old events are removed; 0 is never."""
    push_notifications: bool = False
    """Notify devices whose app is closed of the few things that are important: a sender, and a push service that
    accepts everything. Each iOS subscriber has a device registered."""

    @property
    def announced_within_s(self) -> float:
        """How long an event may be held back on purpose."""
        return COALESCED_WITHIN_S if self.event_limit == "coalesce" else 0.0

    @model_validator(mode="after")
    def _as_built_is_todays_code(self) -> Self:
        if self.as_built and self.event_limit == "coalesce":
            raise ValueError('today\'s code only labels: with as_built leave out event_limit = "coalesce"')
        if self.as_built and self.push_notifications:
            raise ValueError("today's code notifies nobody: with as_built leave out push_notifications")
        return self
