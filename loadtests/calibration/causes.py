"""What the harness says losses and delays were caused by, against what was planted.

The causes were found without looking at planted faults; only here do the two meet. "I do not know" is no wrong answer,
but no proof either.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from loadtests.analysis.why import Why
from loadtests.calibration.finding import Comparison, Finding, Found, told_counts
from loadtests.calibration.replay import Expected

QUESTION: Final = "cause of the loss"
MISSED: Final = ("delivery.missed_live", "delivery.missed_healed", "delivery.missed_unhealed")

_CAUSES: Final = {
    "drop": Why.LOST_FRAME,
    "deaf": Why.DEAF_CHANNEL,
    "discard": Why.RATE_LIMITED,
    "slot_lost": Why.SLOT_LOST,
    "restart_postgres": Why.DATABASE_RESTARTED,
    "close": Why.SOCKET_DOWN,
    "refuse_connects": Why.SOCKET_DOWN,
    "kill": Why.SOCKET_DOWN,
}
"""The cause that analysis is to give to the misses of each kind."""
_OPEN: Final = frozenset({"slot_lost", "restart_postgres", "close", "refuse_connects"})
_VAGUE: Final = frozenset({Why.UNEXPLAINED.label, Why.SILENT_FEED.label, Why.SILENT_CHANNEL.label})
"""Patterns and admissions, not causes."""


def loss_causes(found: Found, expected: Expected) -> Iterable[Finding]:
    """Compare the causes of misses: exactly, where the account names each loss; together, where it cannot."""
    causes = found.counts("delivery.causes")
    told = told_counts(causes)
    planted = Counter[str]()
    for kind, count in expected.missed.items():
        planted[_CAUSES[kind].label] += count
    for label, count in sorted(planted.items()):
        kinds = " + ".join(sorted(kind for kind in expected.missed if _CAUSES[kind].label == label))
        verdict = _verdict(causes, missing=count - causes.get(label, 0))
        yield found.finding(kinds, QUESTION, planted=f"{label}: {count}", told=told, verdict=verdict)
    missed = found.total(MISSED)
    if missed is not None:
        yield from _open_causes(found, causes, rest=int(missed) - planted.total())


def loses_without_account(found: Found) -> set[str]:
    """Return the kinds that were planted and whose losses the account does not name one by one."""
    return {
        str(fault["kind"])
        for fault in found.truth
        if int(fault["planted"]) and (fault["kind"] in _OPEN or fault["parameters"].get("part") == "realtime")
    }


def _open_causes(found: Found, causes: Mapping[str, int], *, rest: int) -> Iterable[Finding]:
    """Compare what the account cannot name one by one: all the rest has to have one of these causes."""
    by_label: dict[str, set[str]] = {}
    for kind in loses_without_account(found):
        by_label.setdefault(_CAUSES[kind].label, set()).add(kind)
    missing = rest - sum(causes.get(label, 0) for label in by_label)
    for label, kinds in sorted(by_label.items()):
        if not causes.get(label, 0) and not missing:
            continue  # each of them shows in a number of its own, and need not have lost anything
        others = "".join(f" + {other}" for other in sorted(by_label) if other != label)
        yield found.finding(
            " + ".join(sorted(kinds)),
            QUESTION,
            planted=f"{label}{others}: {rest}",
            told=told_counts(causes),
            verdict=_verdict(causes, missing=missing),
        )


def _verdict(causes: Mapping[str, int], *, missing: int) -> Comparison:
    if missing == 0:
        return Comparison.FOUND
    vague = sum(count for label, count in causes.items() if label in _VAGUE)
    return Comparison.CANNOT_TELL if 0 < missing <= vague else Comparison.WRONG


def delay_causes(found: Found, expected: Expected) -> Iterable[Finding]:
    """Compare what late deliveries and slow stages are put down to."""
    late = found.counts("delivery.late_causes")
    if found.of("delay"):
        label = Why.LATE_FRAME.label
        verdict = (
            _verdict(late, missing=expected.late - late.get(label, 0)) if expected.late else Comparison.CANNOT_TELL
        )
        yield found.finding(
            "delay", "cause of lateness", planted=f"{label}: {expected.late}", told=told_counts(late), verdict=verdict
        )
    for kind, why in (("stalled", Why.STALLED_FEED), ("lock_events", Why.API)):
        for fault in found.of(kind):
            yield found.near(
                kind,
                f"longest stage put down to '{why.label}'",
                planted_ms=float(fault["parameters"]["duration_s"]) * 1000,
                told_ms=found.number(f"push.delays.{why.label}.max"),
            )
    if found.of("latency"):
        pairs = {cause: int(told["pairs"]) for cause, told in found.counts("push.delays").items()}  # type: ignore[index]
        most = max(pairs, key=lambda cause: pairs[cause], default="nothing")
        verdict = Comparison.FOUND if most == Why.API.label else Comparison.WRONG
        yield found.finding(
            "latency", "most slow stages put down to", planted=Why.API.label, told=told_counts(pairs), verdict=verdict
        )
