"""What was planted against what was found: pure comparison of the target's own account with `metrics.json`.

Nothing here knows how to find a fault; a kind without a number of its own is told as "cannot tell".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loadtests.analysis.metric_keys import find_metric
from loadtests.analysis.why import Why

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


@dataclass(frozen=True, slots=True)
class Count:
    """A kind whose every single fault shows in a number of its own."""

    paths: tuple[str, ...]
    """The numbers whose sum is to equal what was planted."""
    question: str
    disturbs: tuple[str, ...] = ()
    """Other numbers that it moves by its nature."""


_MISSED: Final = ("delivery.missed_live", "delivery.missed_healed", "delivery.missed_unhealed")
_MISSED_QUESTION: Final = "events not received"
_CONFUSION: Final = ("delivery.late", "delivery.out_of_order", "push.stale_answers")
_OUTAGE: Final = (*_MISSED, *_CONFUSION, "mutations.failed", "mutations.unknown", "push.failed_requests")

_COUNTS: Final[dict[str, Count]] = {
    "drop": Count(_MISSED, _MISSED_QUESTION),
    "deaf": Count(_MISSED, _MISSED_QUESTION),
    "discard": Count(_MISSED, _MISSED_QUESTION),
    "duplicate": Count(("delivery.duplicate",), "events received twice"),
    "delay": Count(("delivery.late",), "events received after the deadline", ("delivery.out_of_order",)),
    "reorder": Count(("delivery.out_of_order",), "signals out of order", ("delivery.late",)),
    "leak": Count(("delivery.leaked",), "signals of another organization"),
    "phantom": Count(("delivery.phantom",), "signals without an event"),
    "degraded": Count(("delivery.degraded",), "signals with errors"),
    "emission_fails": Count(("mutations.without_event",), "mutations without an event"),
    "stale_reads": Count(("push.stale_answers",), "stale answers"),
}

_ALARMS: Final = (
    *_MISSED,
    "delivery.duplicate",
    "delivery.late",
    "delivery.leaked",
    "delivery.leaked_answers",
    "delivery.phantom",
    "delivery.out_of_order",
    "delivery.degraded",
    "mutations.without_event",
    "mutations.failed",
    "mutations.unknown",
    "push.failed_requests",
    "push.stale_answers",
    "connections.lost",
    "connections.refused",
)
"""Numbers that stay 0 unless somebody plants what they count."""

_DISTURBS: Final[dict[str, tuple[str, ...]]] = {
    "close": ("connections.lost", *_MISSED),
    "refuse_connects": ("connections.refused", *_MISSED),
    "stalled": _CONFUSION,
    "slot_lost": (*_MISSED, *_CONFUSION, "connections.refused"),
    "kill": (*_OUTAGE, "connections.lost", "connections.refused", "mutations.without_event"),
    "lock_events": (*_CONFUSION, "mutations.failed", "mutations.unknown"),
    "restart_postgres": (*_OUTAGE, "connections.lost", "connections.refused", "mutations.without_event"),
}
"""What else a kind without a count of its own moves by its nature."""

_CAUSES: Final = {
    "drop": Why.LOST_FRAME,
    "deaf": Why.DEAF_CHANNEL,
    "discard": Why.RATE_LIMITED,
    "slot_lost": Why.SLOT_LOST,
    "restart_postgres": Why.DATABASE_RESTARTED,
    "close": Why.SOCKET_DOWN,
    "refuse_connects": Why.SOCKET_DOWN,
}
"""The cause that analysis is to give to the misses of each kind."""


def compare(found: Found, calm: Found | None) -> tuple[Finding, ...]:
    """Return the comparisons of one case; latencies are told against the `calm` one."""
    if found.trouble:
        text = "; ".join(found.trouble)
        kinds = ", ".join(sorted({str(fault["kind"]) for fault in found.truth})) or "nothing"
        return (
            _finding(
                found, kinds, "the run itself", planted="a run to its end", told=text, verdict=Comparison.CANNOT_TELL
            ),
        )
    findings = (
        *_counts(found),
        *_connections(found),
        *_refused_requests(found),
        *_latencies(found, calm),
        *_outages(found),
        *_causes(found),
    )
    return (*findings, *_untold(found, findings), _nothing_else(found))


def _counts(found: Found) -> Iterable[Finding]:
    """Compare by number: kinds that show in the same numbers are added up."""
    by_paths: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for fault in found.truth:
        count = _COUNTS.get(str(fault["kind"]))
        if count is not None:
            by_paths.setdefault(count.paths, []).append(fault)
    for paths, faults in by_paths.items():
        kinds = " + ".join(sorted({str(fault["kind"]) for fault in faults}))
        question = _COUNTS[str(faults[0]["kind"])].question
        yield _exact(
            found, kinds, question, planted=sum(int(fault["planted"]) for fault in faults), told=_sum(found, paths)
        )


def _connections(found: Found) -> Iterable[Finding]:
    for fault in _of(found, "close"):
        code = int(fault["parameters"]["code"])
        # A connection that breaks without a close frame has no code.
        told = _sum(found, (f"connections.lost_by_code.{code}",) if code != _BROKEN else _NO_CODE)
        yield _exact(found, "close", f"connections lost with code {code}", planted=int(fault["planted"]), told=told)
    for fault in _of(found, "refuse_connects"):
        told = found.number("connections.refused_by_status.429")
        yield _exact(found, "refuse_connects", "connects refused with 429", planted=int(fault["planted"]), told=told)


_BROKEN: Final = 1006
_NO_CODE: Final = ("connections.lost_by_code.1006", "connections.lost_by_code.0")


def _refused_requests(found: Found) -> Iterable[Finding]:
    for fault in _of(found, "errors"):
        route = str(fault["parameters"]["route"])
        paths = {"write": ("mutations.failed",), "read": ("push.failed_requests",)}.get(
            route, ("mutations.failed", "push.failed_requests")
        )
        yield _exact(
            found, "errors", f"refused requests ({route})", planted=int(fault["planted"]), told=_sum(found, paths)
        )


def _latencies(found: Found, calm: Found | None) -> Iterable[Finding]:
    for fault in found.truth:
        kind, parameters = str(fault["kind"]), fault["parameters"]
        match kind:
            case "delay":
                offset = _difference(found.number("push.signal_ms.max"), found.number("push.signal_ms.p50"))
                yield _near(
                    found, kind, "latest signal beyond the median", planted_ms=float(parameters["ms"]), told_ms=offset
                )
            case "stalled":
                offset = found.number("push.signal_ms.max")
                yield _near(
                    found, kind, "latest signal", planted_ms=float(parameters["duration_s"]) * 1000, told_ms=offset
                )
            case "lock_events":
                offset = found.number("mutations.ack_ms.max")
                yield _near(
                    found,
                    kind,
                    "latest acknowledgement",
                    planted_ms=float(parameters["duration_s"]) * 1000,
                    told_ms=offset,
                )
            case "slow_accept":
                offset = found.number("connections.open_ms.max")
                yield _near(found, kind, "slowest handshake", planted_ms=float(parameters["ms"]), told_ms=offset)
            case "latency":
                for route, path in _LATENCY_OF.items():
                    if parameters["route"] in {route, "all"}:
                        offset = _difference(found.number(path), None if calm is None else calm.number(path))
                        question = f"median of {route}s beyond the calm run's"
                        yield _near(found, kind, question, planted_ms=float(parameters["ms"]), told_ms=offset)


_LATENCY_OF: Final = {"write": "mutations.ack_ms.p50", "read": "push.stages.refresh_latency_ms.p50"}


def _outages(found: Found) -> Iterable[Finding]:
    """Compare what a process that was killed takes with it: all connections, or the requests under way."""
    for fault in _of(found, "kill"):
        if fault["parameters"]["part"] == "realtime":
            live = found.number("population.live_peak")
            yield _exact(
                found, "kill", "connections lost", planted=int(live or 0), told=found.number("connections.lost")
            )
        else:
            refused = _sum(found, ("mutations.failed", "mutations.unknown", "push.failed_requests"))
            verdict = Comparison.FOUND if refused else Comparison.WRONG
            yield _finding(found, "kill", "requests that failed", planted="some", told=_text(refused), verdict=verdict)


def _causes(found: Found) -> Iterable[Finding]:
    """Compare the causes of what was missed."""
    missed = _sum(found, _MISSED)
    if not missed:
        return
    kinds = sorted({str(fault["kind"]) for fault in found.truth if int(fault["planted"])} & set(_CAUSES))
    kinds += ["kill"] if any(fault["parameters"]["part"] == "realtime" for fault in _of(found, "kill")) else []
    causes = find_metric("delivery.causes", found.metrics)
    told = ", ".join(f"{cause}: {count}" for cause, count in causes.items())
    for kind in kinds:
        cause = _CAUSES.get(kind, Why.SOCKET_DOWN).label
        named, untold = int(causes.get(cause, 0)), int(causes.get(Why.UNEXPLAINED.label, 0))
        verdict = Comparison.CANNOT_TELL if untold and named + untold == missed else Comparison.WRONG
        verdict = Comparison.FOUND if named == missed else verdict
        planted = f"{cause}: {_text(missed)}"
        yield _finding(found, kind, "cause of the loss", planted=planted, told=told, verdict=verdict)


def _untold(found: Found, findings: Sequence[Finding]) -> Iterable[Finding]:
    """Name the kinds that were planted and that nothing compared speaks of."""
    told = {kind for finding in findings for kind in finding.fault.split(" + ")}
    for kind in sorted({str(fault["kind"]) for fault in found.truth} - told):
        yield _finding(found, kind, "what it did", planted="1", told="not told", verdict=Comparison.CANNOT_TELL)


def _nothing_else(found: Found) -> Finding:
    """Look for false alarms: every number that nobody planted has to be 0."""
    expected: set[str] = set()
    for fault in found.truth:
        kind = str(fault["kind"])
        count = _COUNTS.get(kind)
        expected.update((*count.paths, *count.disturbs) if count else _DISTURBS.get(kind, ()))
        if kind == "errors":
            expected.update(("mutations.failed", "push.failed_requests"))
    told = {path: found.number(path) for path in _ALARMS if path not in expected}
    alarms = {path: value for path, value in told.items() if value != 0}
    text = ", ".join(f"{path} = {_text(value)}" for path, value in alarms.items()) or "0"
    return _finding(
        found,
        "nothing else",
        "false alarms",
        planted="0",
        told=text,
        verdict=Comparison.WRONG if alarms else Comparison.FOUND,
    )


def _of(found: Found, kind: str) -> list[Mapping[str, Any]]:
    return [fault for fault in found.truth if fault["kind"] == kind]


def _sum(found: Found, paths: Iterable[str]) -> float | None:
    values = [found.number(path) for path in paths]
    return None if None in values else sum(value for value in values if value is not None)


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _exact(found: Found, fault: str, question: str, *, planted: int, told: float | None) -> Finding:
    verdict = Comparison.CANNOT_TELL if told is None or not planted else Comparison.FOUND
    if verdict is Comparison.FOUND and told != planted:
        verdict = Comparison.WRONG
    return _finding(found, fault, question, planted=str(planted), told=_text(told), verdict=verdict)


def _near(found: Found, fault: str, question: str, *, planted_ms: float, told_ms: float | None) -> Finding:
    planted = f"{planted_ms:g} ms, within {LATENCY_BOUND_MS:g} ms"
    if told_ms is None:
        return _finding(found, fault, question, planted=planted, told=_text(None), verdict=Comparison.CANNOT_TELL)
    verdict = Comparison.FOUND if abs(told_ms - planted_ms) <= LATENCY_BOUND_MS else Comparison.WRONG
    return _finding(found, fault, question, planted=planted, told=f"{told_ms:.0f} ms", verdict=verdict)


def _finding(found: Found, fault: str, question: str, *, planted: str, told: str, verdict: Comparison) -> Finding:
    return Finding(case=found.case, fault=fault, question=question, planted=planted, found=told, verdict=verdict)


def _text(value: float | None) -> str:
    return "not told" if value is None else f"{value:g}"
