"""The faults that can be asked for, and their parameters: the control endpoint's vocabulary.

Pure values. A kind or a parameter that is not here is refused, with the reason.
"""

from typing import Any, Final, Literal

import msgspec

Route = Literal["read", "write", "all"]
CloseCode = Literal[1000, 1001, 1006, 1012]
KilledPart = Literal["realtime", "api"]


class FaultRefused(ValueError):  # noqa: N818 - an outcome, answered with 400
    """A fault that does not exist, or with parameters that it does not take. The text says which."""


class _Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    seed: int = 1
    """Which of the possible victims are chosen follows from this alone."""


class _Timed(_Fault, frozen=True, kw_only=True):
    duration_s: float
    """How long it lasts, unless it is ended sooner."""

    def __post_init__(self) -> None:
        _require(self.duration_s > 0, "duration_s must be positive")


class _Chosen(_Fault, frozen=True, kw_only=True):
    share: float | None = None
    """The share of the possible victims that are chosen; with `count` alone one in five, so that they lie apart."""
    count: int | None = None
    """The fault ends after so many."""
    duration_s: float | None = None
    """The fault ends after so long."""

    def __post_init__(self) -> None:
        _require(self.share is not None or self.count is not None, "share or count must be given")
        _require(self.share is None or 0 < self.share <= 1, "share must be above 0 and at most 1")
        _require(self.count is None or self.count >= 1, "count must be at least 1")
        _require(self.duration_s is None or self.duration_s > 0, "duration_s must be positive")


class Drop(_Chosen, frozen=True, kw_only=True, tag="drop"):
    """Frames that are never sent."""


class Duplicate(_Chosen, frozen=True, kw_only=True, tag="duplicate"):
    """Frames that are sent twice."""


class Delay(_Chosen, frozen=True, kw_only=True, tag="delay"):
    """Frames that are sent later, and may be overtaken."""

    ms: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.ms > 0, "ms must be positive")


class Reorder(_Chosen, frozen=True, kw_only=True, tag="reorder"):
    """Frames that are sent after the next one of the same job to the same subscriber."""

    patience_ms: float = 2000
    """A frame that nothing has overtaken for so long is sent after all, and does not count."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.patience_ms > 0, "patience_ms must be positive")


class Leak(_Chosen, frozen=True, kw_only=True, tag="leak"):
    """Frames that are sent to a subscriber of another organization too."""


class Phantom(_Chosen, frozen=True, kw_only=True, tag="phantom"):
    """Frames after which one follows whose event the database does not have."""


class Degraded(_Chosen, frozen=True, kw_only=True, tag="degraded"):
    """Frames that show an error in place of what they should: too large (413), or not allowed (401)."""

    error: Literal[401, 413] = 413


class Deaf(_Timed, frozen=True, kw_only=True, tag="deaf"):
    """Channels that stay joined and hear no change."""

    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(0 < self.share <= 1, "share must be above 0 and at most 1")


class Discard(_Timed, frozen=True, kw_only=True, tag="discard"):
    """Every change is discarded, and nobody told."""


class SlotLost(_Fault, frozen=True, kw_only=True, tag="slot_lost"):
    """The feed's connection to the database ends, and its slot with it."""


class Stalled(_Timed, frozen=True, kw_only=True, tag="stalled"):
    """The feed stops, then continues with what has collected."""


class Close(_Fault, frozen=True, kw_only=True, tag="close"):
    """Open sockets are closed with this code; 1006 is a connection that just ends."""

    code: CloseCode
    share: float = 1.0

    def __post_init__(self) -> None:
        _require(0 < self.share <= 1, "share must be above 0 and at most 1")


class RefuseConnects(_Timed, frozen=True, kw_only=True, tag="refuse_connects"):
    """Handshakes are answered with HTTP 429."""


class SlowAccept(_Timed, frozen=True, kw_only=True, tag="slow_accept"):
    """Handshakes are answered late."""

    ms: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.ms > 0, "ms must be positive")


class EmissionFails(_Chosen, frozen=True, kw_only=True, tag="emission_fails"):
    """Mutations whose event is never stored."""


class Latency(_Chosen, frozen=True, kw_only=True, tag="latency"):
    """Requests that are handled later."""

    ms: float
    route: Route = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.ms > 0, "ms must be positive")


class Errors(_Chosen, frozen=True, kw_only=True, tag="errors"):
    """Requests that are answered with an error and do nothing."""

    status: int = 503
    route: Route = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(400 <= self.status <= 599, "status must be from 400 to 599")


class StaleReads(_Fault, frozen=True, kw_only=True, tag="stale_reads"):
    """Lists of jobs as they were a while ago; only answers that differ from the present count."""

    ms: float
    count: int | None = None
    duration_s: float | None = None

    def __post_init__(self) -> None:
        _require(0 < self.ms <= 30_000, "ms must be above 0 and at most 30000")
        _require(self.count is not None or self.duration_s is not None, "count or duration_s must be given")
        _require(self.count is None or self.count >= 1, "count must be at least 1")
        _require(self.duration_s is None or self.duration_s > 0, "duration_s must be positive")


class Kill(_Fault, frozen=True, kw_only=True, tag="kill"):
    """A process is killed and started again on its port."""

    part: KilledPart


class RestartPostgres(_Fault, frozen=True, kw_only=True, tag="restart_postgres"):
    """PostgreSQL is shut down, disconnecting everybody, and started again on its port."""


class LockEvents(_Timed, frozen=True, kw_only=True, tag="lock_events"):
    """The events table is locked against reading and writing."""


FrameFault = Drop | Duplicate | Delay | Reorder | Leak | Phantom | Degraded | Deaf | Discard
RealtimeFault = FrameFault | Stalled | Close | RefuseConnects | SlowAccept
ApiFault = EmissionFails | Latency | Errors | StaleReads
SupervisorFault = SlotLost | Kill | RestartPostgres | LockEvents
Fault = RealtimeFault | ApiFault | SupervisorFault

REALTIME_FAULTS: Final = (
    Drop, Duplicate, Delay, Reorder, Leak, Phantom, Degraded, Deaf, Discard, Stalled, Close, RefuseConnects, SlowAccept,
)  # fmt: skip
API_FAULTS: Final = (EmissionFails, Latency, Errors, StaleReads)


def read_fault(request: object) -> Fault:
    """Return the fault that a request's JSON object asks for.

    Raises:
        FaultRefused: there is no such kind, or it does not take these parameters.

    """
    try:
        fault: Fault = msgspec.convert(request, Fault)
    except msgspec.ValidationError as error:
        raise FaultRefused(str(error)) from None
    return fault


def kind_of(fault: Fault) -> str:
    """Return the name under which a fault is asked for."""
    return str(fault.__struct_config__.tag)


def parameters_of(fault: Fault) -> dict[str, Any]:
    """Return all parameters, those left out with their defaults."""
    parameters: dict[str, Any] = msgspec.to_builtins(fault)
    del parameters["kind"]
    return parameters


def _require(holds: bool, rule: str) -> None:  # noqa: FBT001 - a condition, read as one
    if not holds:
        raise ValueError(rule)
