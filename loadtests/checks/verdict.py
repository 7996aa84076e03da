"""The verdict: pass, fail, or unknown ("the measurement was not good enough to say"), with its reasons.

A pure function of the metrics, the scenario and what went wrong around the run. It reads no history, so a verdict
can be repeated from `metrics.json` alone, with other gates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from loadtests.analysis.metric_keys import find_metric
from loadtests.checks.gates import Gate, GateResult, Outcome, judge_gate, parse_gates
from loadtests.scenario.model import Scenario

VERDICT_SCHEMA: Final = "loadtests.verdict/1"
EXIT_CODES: Final = {Outcome.PASS: 0, Outcome.FAIL: 3, Outcome.UNKNOWN: 4}

# What was received was received, however bad the rest of the measurement: a surplus of these is proven.
_PROVEN_BY_RECEIPT: Final = frozenset(
    f"delivery.{name}" for name in ("leaked", "leaked_answers", "duplicate", "out_of_order", "degraded")
)
_SAID_BY_CONTENT: Final = frozenset(f"delivery.{name}" for name in ("leaked", "leaked_answers", "degraded"))
"""Of these, what a frame or an answer says itself: it cannot come of counting wrongly."""
_APART_FROM_DEVICES: Final = ("mutations.", "notifications.", "target.")
"""By mutators, database and target: what devices received makes no difference."""
_PERHAPS_FROM_DEVICES: Final = frozenset({"mutations.ambiguous", "mutations.events_without_acked"})
"""But for these, where nobody may read the database: then events are known by their receipt alone."""
_LEAKS_NAMED: Final = 3
# Differences of stamps by two clocks.
_ACROSS_CLOCKS: Final = ("push.signal_ms.", "push.stages.emission_delay_ms.", "push.stages.signal_latency_ms.")


_AGREEMENT: Final = (
    "delivery is told by agreement of the subscribers, since nobody may read the database: an event that none of them "
    "received is not known"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a run."""

    value: Outcome
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]

    @property
    def exit_code(self) -> int:
        """0 pass, 3 fail, 4 unknown: never 1 or 2, so that a crash does not look like a violated gate."""
        return EXIT_CODES[self.value]

    def to_json(self) -> dict[str, Any]:
        """Return the document `verdict.json`."""
        return {
            "schema": VERDICT_SCHEMA,
            "value": str(self.value),
            "reasons": list(self.reasons),
            "gates": [gate.to_json() for gate in self.gates],
        }


def judge(
    metrics: Mapping[str, Any],
    scenario: Scenario,
    extra_gates: Sequence[str] = (),
    trouble: Sequence[str] = (),
) -> Verdict:
    """Judge a run; `trouble` says what went wrong outside what the metrics know (a driver died, a full ledger).

    Raises:
        GateError: a gate cannot be read.

    """
    parsed = parse_gates(scenario, extra_gates)
    gates = tuple(_within_clocks(gate, judge_gate(gate, metrics), metrics) for gate in parsed)
    proven = _leaks(metrics) + [
        _violation(result) for gate, result in zip(parsed, gates, strict=True) if _is_proven(gate, result, metrics)
    ]
    if proven:
        return Verdict(value=Outcome.FAIL, reasons=tuple(proven), gates=gates)
    unfit = [*trouble, *find_metric("health.reasons", metrics)]
    if unfit and set(unfit) <= set(metrics.get("control", {}).get("reasons", ())):
        apart = [_violation(result) for gate, result in zip(parsed, gates, strict=True) if _is_apart(gate, result)]
        if apart:
            return Verdict(value=Outcome.FAIL, reasons=tuple(apart), gates=gates)
    if unfit:
        return Verdict(value=Outcome.UNKNOWN, reasons=tuple(unfit), gates=gates)
    verdict = _by_gates(gates)
    return replace(verdict, reasons=(*verdict.reasons, *_by_agreement(metrics)))


def _by_agreement(metrics: Mapping[str, Any]) -> list[str]:
    """Say what a pass rests on where nobody could read the database."""
    if metrics.get("truth") != "agreement":
        return []
    return [_AGREEMENT]


def _by_gates(gates: tuple[GateResult, ...]) -> Verdict:
    failed = [_violation(gate) for gate in gates if gate.outcome is Outcome.FAIL]
    if failed:
        return Verdict(value=Outcome.FAIL, reasons=tuple(failed), gates=gates)
    unknown = [f"{gate.text}: {gate.reason}" for gate in gates if gate.outcome is Outcome.UNKNOWN]
    if unknown:
        return Verdict(value=Outcome.UNKNOWN, reasons=tuple(unknown), gates=gates)
    reasons = {0: "measured; the scenario sets no gates", 1: "its one gate holds"}
    reason = reasons.get(len(gates), f"all {len(gates)} gates hold")
    return Verdict(value=Outcome.PASS, reasons=(reason,), gates=gates)


def _leaks(metrics: Mapping[str, Any]) -> list[str]:
    reasons = []
    for name, what in (("leaked", "signal"), ("leaked_answers", "answer")):
        count = find_metric(f"delivery.{name}", metrics)
        if count:
            reasons.append(f"{count:,} {what}{'s' if count > 1 else ''} crossed organizations: isolation is broken")
    return reasons + [_leak(example) for example in find_metric("delivery.leaks.examples", metrics)[:_LEAKS_NAMED]]


def _leak(example: Mapping[str, Any]) -> str:
    """Return one leak by name."""
    what = f"job {example['job']}, last told of by event {example['event']}," if "job" in example else example["event"]
    return (
        f"{what} of organization {example['of_organization']} reached device {example['subscriber']}, which was in "
        f"organization {example['in_organization']}, by {example['path']} at {example['at_s']:.3f} s"
    )


def _is_proven(gate: Gate, result: GateResult, metrics: Mapping[str, Any]) -> bool:
    """Return whether a gate is violated by what was received, however bad the rest was.

    A second receipt proves nothing where an official client beside did not have the one or the other.
    """
    if gate.path not in _SAID_BY_CONTENT and metrics.get("control", {}).get("missing"):
        return False
    is_surplus = gate.comparison in {"<", "<=", "=="} and result.measured is not None and result.measured > gate.limit
    return result.outcome is Outcome.FAIL and gate.path in _PROVEN_BY_RECEIPT and is_surplus


def _is_apart(gate: Gate, result: GateResult) -> bool:
    """Return whether a gate is violated whatever devices received, so that no control group can put it in doubt."""
    is_apart = gate.path.startswith(_APART_FROM_DEVICES) and gate.path not in _PERHAPS_FROM_DEVICES
    return result.outcome is Outcome.FAIL and is_apart


def _violation(result: GateResult) -> str:
    return f"{result.text}: {result.reason}"


def _within_clocks(gate: Gate, result: GateResult, metrics: Mapping[str, Any]) -> GateResult:
    """Return the result, or unknown when limit and measurement are nearer than the clocks can tell."""
    bound_ms = find_metric("health.clock_bound_ms", metrics)
    if result.measured is None or bound_ms is None or not gate.path.startswith(_ACROSS_CLOCKS):
        return result
    if gate.path.endswith((".n", ".pairs", ".never", ".negative")) or abs(result.measured - gate.limit) > bound_ms:
        return result
    reason = f"{result.reason}; limit and measurement are nearer than the clocks' bound of {bound_ms:.3g} ms"
    return GateResult(text=result.text, measured=result.measured, outcome=Outcome.UNKNOWN, reason=reason)
