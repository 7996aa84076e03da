"""What a target is to whoever runs a load: it becomes ready, takes in the run's people, can be in trouble, and stops.

The runner knows this and no kind of target. What a target cannot tell or do is empty in its `Endpoint`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from loadtests.scenario.population import Population
from loadtests.wire.endpoint import Endpoint


class TargetError(RuntimeError):
    """The target could not be started or reached, refused the run's people, or has died. The text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A target that is up."""

    endpoint: Endpoint
    pids: Mapping[str, int] = field(default_factory=dict)
    """Process id of each of its parts on this machine, by its name; empty for a target elsewhere."""
    directory: Path | None = None
    """A temporary directory of its own on this machine, removed when it stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What became of one attempt to renew somebody's session."""

    user_id: str
    at_ns: int
    """CLOCK_MONOTONIC."""
    left_s: int
    """For how long the old token was still good; negative: it was not."""
    token: str = field(default="", repr=False)
    """The fresh access token; empty: there is none."""
    status: int
    """Of the answer; 0: there was none."""
    why: str = ""
    """Why there is no fresh token."""
    is_over: bool = False
    """Whether nothing more is tried: the session is over."""


class Target(Protocol):
    """A pipeline under test."""

    def wait_ready(self) -> Running:
        """Return the running target.

        Raises:
            TargetError: it could not be started or reached; the text says why and what helps.

        """

    def admit(self, population: Population) -> Endpoint:
        """Take in the run's organizations, people and jobs; return the endpoint with what signs these people in.

        Raises:
            TargetError: it refused them.

        """

    def trouble(self) -> str | None:
        """Say what is wrong with the running target, or None while it is well."""

    def renewals(self) -> Sequence[Renewal]:
        """Return what has become of renewals of the run's sessions since the last call; nothing where tokens last."""

    def stop(self) -> None:
        """Stop what was started, remove what was made.

        Raises:
            TargetError: something of the run is left in the target; the text says what, and how to remove it.

        """


OpenTarget = Callable[[Path], Target]
"""Begins to start or to reach a target, which logs to the file."""
