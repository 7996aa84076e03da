"""Faults that a scenario plants: their kinds, the parameters of each, and what is refused.

Only the words and their bounds. What a fault does is the target's business; that a run found it is the calibration's.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FaultKind = Literal[
    "drop",
    "duplicate",
    "delay",
    "reorder",
    "leak",
    "phantom",
    "degraded",
    "deaf",
    "discard",
    "slot_lost",
    "stalled",
    "close",
    "refuse_connects",
    "slow_accept",
    "emission_fails",
    "latency",
    "errors",
    "stale_reads",
    "kill",
    "restart_postgres",
    "lock_events",
]


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of one kind of fault."""

    needs: frozenset[str] = frozenset()
    """All of these."""
    needs_any_of: frozenset[str] = frozenset()
    """At least one of these."""
    may_have: frozenset[str] = frozenset()

    @property
    def allowed(self) -> frozenset[str]:
        """Every parameter that the kind knows."""
        return self.needs | self.needs_any_of | self.may_have


def _chosen(*needs: str, may_have: tuple[str, ...] = ()) -> Shape:
    """Return the shape of a fault that hits some of what comes by: a share of it, or so many."""
    return Shape(frozenset(needs), frozenset({"share", "count"}), frozenset({"duration_s", *may_have}))


def _plain(*needs: str, any_of: tuple[str, ...] = (), may_have: tuple[str, ...] = ()) -> Shape:
    return Shape(frozenset(needs), frozenset(any_of), frozenset(may_have))


SHAPES: Final[dict[str, Shape]] = {
    "drop": _chosen(),
    "duplicate": _chosen(),
    "delay": _chosen("ms"),
    "reorder": _chosen(may_have=("patience_ms",)),
    "leak": _chosen(),
    "phantom": _chosen(),
    "degraded": _chosen(may_have=("error",)),
    "deaf": _plain("duration_s", may_have=("share",)),
    "discard": _plain("duration_s"),
    "slot_lost": _plain(),
    "stalled": _plain("duration_s"),
    "close": _plain("code", may_have=("share",)),
    "refuse_connects": _plain("duration_s"),
    "slow_accept": _plain("ms", "duration_s"),
    "emission_fails": _chosen(),
    "latency": _chosen("ms", may_have=("route",)),
    "errors": _chosen(may_have=("route", "status")),
    "stale_reads": _plain("ms", any_of=("count", "duration_s")),
    "kill": _plain("part"),
    "restart_postgres": _plain(),
    "lock_events": _plain("duration_s"),
}

HIT_SOME_RECEIVERS: Final = frozenset(
    {"drop", "duplicate", "delay", "reorder", "leak", "phantom", "degraded", "deaf", "close"}
)
"""Two who sit side by side may be told different things while one of these is planted."""
_NO_PARAMETERS: Final = frozenset({"at_s", "kind", "seed"})


class Fault(BaseModel):
    """One fault, planted at its time; only targets with a control endpoint can commit it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    at_s: float = Field(ge=0)
    """When, counted from the start of the load, warm-up included."""
    kind: FaultKind
    seed: int = Field(default=1, ge=0)
    """Decides which frames, channels or requests are hit."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    ms: Annotated[float, Field(gt=0, le=600_000)] | None = None
    patience_ms: Annotated[float, Field(gt=0, le=600_000)] | None = None
    duration_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    error: Literal[401, 413] | None = None
    """What a degraded frame shows in place of its record."""
    code: Literal[1000, 1001, 1006, 1012] | None = None
    """Close code; 1006 is a connection that breaks without one."""
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    route: Literal["read", "write", "all"] | None = None
    part: Literal["realtime", "api"] | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of its kind that are set."""
        return self.model_dump(exclude=set(_NO_PARAMETERS), exclude_none=True)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        shape, given = SHAPES[self.kind], set(self.parameters)
        if unknown := sorted(given - shape.allowed):
            allowed = ", ".join(sorted(shape.allowed)) or "none"
            raise ValueError(f"a fault of kind '{self.kind}' has no {' or '.join(unknown)}; its parameters: {allowed}")
        if missing := sorted(shape.needs - given):
            raise ValueError(f"a fault of kind '{self.kind}' needs {' and '.join(missing)}")
        if shape.needs_any_of and not given & shape.needs_any_of:
            raise ValueError(f"a fault of kind '{self.kind}' needs {' or '.join(sorted(shape.needs_any_of))}")
        return self
