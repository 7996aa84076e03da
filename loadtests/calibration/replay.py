"""What the planted frame faults come to, frame by frame: several may have hit the same one.

Pure, from the target's own account: which event for whom, by which fault. In the target's order of kinds: what is
withheld is nothing else's victim, then a frame is degraded, then doubled, then held back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WITHHOLDING: Final = ("drop", "deaf", "discard")
FRAME_KINDS: Final = frozenset({*WITHHOLDING, "degraded", "duplicate", "delay"})
"""The kinds that can be replayed."""


@dataclass(slots=True)
class _Frame:
    """What happened to one event on its way to one subscriber."""

    withheld: str = ""
    degraded: bool = False
    doubles: int = 0
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be found."""

    missed: Mapping[str, int]
    """By the kind that withheld it."""
    duplicate: int
    late: int
    """Received once, after the deadline."""
    degraded: int
    """Signals, doubles included."""
    stacked: int
    """Frames that more than one fault has hit."""


def replay(truth: Sequence[Mapping[str, Any]], *, deadline_ms: float) -> Expected:
    """Return what the faults come to together."""
    frames: dict[tuple[str, str], _Frame] = {}
    hits: Counter[tuple[str, str]] = Counter()
    for fault in truth:
        kind = str(fault["kind"])
        if kind not in FRAME_KINDS:
            continue
        for detail in fault["details"]:
            key = (str(detail["event"]), str(detail["channel"]))
            hits[key] += 1
            _hit(frames.setdefault(key, _Frame()), kind, fault["parameters"])
    sent = [frame for frame in frames.values() if not frame.withheld]
    return Expected(
        missed=Counter(frame.withheld for frame in frames.values() if frame.withheld),
        duplicate=sum(frame.doubles > 0 for frame in sent),
        late=sum(frame.doubles == 0 and frame.delay_ms > deadline_ms for frame in sent),
        degraded=sum(1 + frame.doubles for frame in sent if frame.degraded),
        stacked=sum(count > 1 for count in hits.values()),
    )


def _hit(frame: _Frame, kind: str, parameters: Mapping[str, Any]) -> None:
    if kind in WITHHOLDING:
        frame.withheld = kind
    elif kind == "degraded":
        frame.degraded = True
    elif kind == "duplicate":
        frame.doubles += 1
    else:
        frame.delay_ms += float(parameters["ms"])
