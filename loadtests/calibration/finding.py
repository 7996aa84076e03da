"""One line of the certificate: what was planted, what was found, and what comes of comparing them.

Knows no kind of fault.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loadtests.analysis.metric_keys import find_metric

LATENCY_BOUND_MS: Final = 100.0
"""How far a found latency may lie from the planted one: what scheduling on a shared machine adds."""


class Comparison(StrEnum):
    """What came of one."""

    FOUND = "found"
    WRONG = "wrong"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the certificate."""

    case: str
    seed: int = 0
    """From which those of the scenario and of its faults were made."""
    fault: str
    question: str
    """What was compared, in a few words."""
    planted: str
    found: str
    verdict: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a run of a case left behind."""

    case: str
    seed: int = 0
    truth: Sequence[Mapping[str, Any]]
    """The target's account of each fault: kind, parameters, planted, details."""
    metrics: Mapping[str, Any]
    trouble: Sequence[str] = ()

    def number(self, path: str) -> float | None:
        """Return one number of the metrics, None when it is not told; what a count has no key for is 0."""
        try:
            value = find_metric(path, self.metrics)
        except KeyError:
            return 0.0
        return float(value) if isinstance(value, int | float) else None

    def counts(self, path: str) -> Mapping[str, int]:
        """Return an object of counts; empty when it is not told."""
        try:
            return dict(find_metric(path, self.metrics))
        except KeyError:
            return {}

    def total(self, paths: Iterable[str]) -> float | None:
        """Return the sum of several numbers, None when one of them is not told."""
        values = [self.number(path) for path in paths]
        return None if None in values else sum(value for value in values if value is not None)

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the account of each fault of one kind."""
        return [fault for fault in self.truth if fault["kind"] == kind]

    # ---- what comes of comparing

    def finding(self, fault: str, question: str, *, planted: str, told: str, verdict: Comparison) -> Finding:
        """Return a line."""
        return Finding(
            case=self.case,
            seed=self.seed,
            fault=fault,
            question=question,
            planted=planted,
            found=told,
            verdict=verdict,
        )

    def exact(self, fault: str, question: str, *, planted: int, told: float | None) -> Finding:
        """Return a line about a count that has to be equal; where nothing was planted, nothing is proven."""
        verdict = Comparison.CANNOT_TELL if told is None or not planted else Comparison.FOUND
        if verdict is Comparison.FOUND and told != planted:
            verdict = Comparison.WRONG
        return self.finding(fault, question, planted=str(planted), told=text(told), verdict=verdict)

    def near(self, fault: str, question: str, *, planted_ms: float, told_ms: float | None) -> Finding:
        """Return a line about a latency that has to be near."""
        planted = f"{planted_ms:g} ms, within {LATENCY_BOUND_MS:g} ms"
        if told_ms is None:
            return self.finding(fault, question, planted=planted, told=text(None), verdict=Comparison.CANNOT_TELL)
        verdict = Comparison.FOUND if abs(told_ms - planted_ms) <= LATENCY_BOUND_MS else Comparison.WRONG
        return self.finding(fault, question, planted=planted, told=f"{told_ms:.0f} ms", verdict=verdict)


def text(value: float | None) -> str:
    """Return a number in words."""
    return "not told" if value is None else f"{value:g}"


def told_counts(counts: Mapping[str, int]) -> str:
    """Return counts by name in one line."""
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "nothing"
