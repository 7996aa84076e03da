"""What was planted against what was found: pure comparison of the target's own account with `metrics.json`.

Nothing here knows how to find a fault; a kind without a number of its own is told as "cannot tell".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtests.calibration.causes import MISSED, delay_causes, loses_without_account, loss_causes
from loadtests.calibration.finding import Comparison, Finding, Found, text
from loadtests.calibration.replay import FRAME_KINDS, Expected, replay


@dataclass(frozen=True, slots=True)
class Count:
    """A kind whose every single fault shows in a number of its own."""

    paths: tuple[str, ...]
    """The numbers whose sum is to equal what was planted."""
    question: str
    disturbs: tuple[str, ...] = ()
    """Other numbers that it moves by its nature."""


_MISSED_QUESTION: Final = "events not received"
_CONFUSION: Final = ("delivery.late", "delivery.out_of_order", "push.stale_answers")
_OUTAGE: Final = (*MISSED, *_CONFUSION, "mutations.failed", "mutations.unknown", "push.failed_requests")

_COUNTS: Final[dict[str, Count]] = {
    "drop": Count(MISSED, _MISSED_QUESTION),
    "deaf": Count(MISSED, _MISSED_QUESTION),
    "discard": Count(MISSED, _MISSED_QUESTION, ("target.discarded",)),
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
    *MISSED,
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
    "target.discarded",
    "target.hidden",
    "target.slots_lost",
    "target.database_restarts",
)
"""Numbers that stay 0 unless somebody plants what they count."""

_DISTURBS: Final[dict[str, tuple[str, ...]]] = {
    "close": ("connections.lost", *MISSED),
    "refuse_connects": ("connections.refused", *MISSED),
    "stalled": _CONFUSION,
    "slot_lost": (*MISSED, *_CONFUSION, "connections.refused", "target.slots_lost"),
    "kill": (*_OUTAGE, "connections.lost", "connections.refused", "mutations.without_event", "target.slots_lost"),
    "lock_events": (*_CONFUSION, "mutations.failed", "mutations.unknown"),
    "restart_postgres": (
        *(*_OUTAGE, "connections.lost", "connections.refused", "mutations.without_event"),
        *("target.slots_lost", "target.database_restarts"),
    ),
}
"""What else a kind without a count of its own moves by its nature."""


def compare(found: Found, calm: Found | None, *, deadline_ms: float) -> tuple[Finding, ...]:
    """Return the comparisons of one case; latencies are told against the `calm` one."""
    if found.trouble:
        kinds = ", ".join(sorted({str(fault["kind"]) for fault in found.truth})) or "nothing"
        return (
            found.finding(
                kinds,
                "the run itself",
                planted="a run to its end",
                told="; ".join(found.trouble),
                verdict=Comparison.CANNOT_TELL,
            ),
        )
    expected = replay(found.truth, deadline_ms=deadline_ms)
    findings = (
        *_counts(found, expected),
        *_told_by_target(found),
        *_connections(found),
        *_refused_requests(found),
        *_latencies(found, calm),
        *_outages(found),
        *loss_causes(found, expected),
        *delay_causes(found, expected),
    )
    return (*findings, *_untold(found, findings), _nothing_else(found))


def _counts(found: Found, expected: Expected) -> Iterable[Finding]:
    """Compare by number: kinds that show in the same numbers are added up."""
    by_paths: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for fault in found.truth:
        count = _COUNTS.get(str(fault["kind"]))
        if count is not None:
            by_paths.setdefault(count.paths, []).append(fault)
    replayed = {
        MISSED: sum(expected.missed.values()),
        ("delivery.duplicate",): expected.duplicate,
        ("delivery.late",): expected.late,
        ("delivery.degraded",): expected.degraded,
    }
    for paths, faults in by_paths.items():
        if paths == MISSED and loses_without_account(found):
            continue  # only all of it together can be counted, by its causes
        kinds = " + ".join(sorted({str(fault["kind"]) for fault in faults}))
        question = _COUNTS[str(faults[0]["kind"])].question
        each = [int(fault["planted"]) for fault in faults]
        planted = replayed.get(paths, sum(each))
        if set(kinds.split(" + ")) & FRAME_KINDS and expected.stacked:
            question += f" ({expected.stacked} frames were hit by several faults)"
        # One that hit nobody proves nothing, however many others did.
        yield found.exact(kinds, question, planted=planted if all(each) else 0, told=found.total(paths))


def _told_by_target(found: Found) -> Iterable[Finding]:
    """Compare what the target's metrics and its database tell, whether or not anything was lost."""
    if discards := found.of("discard"):
        rows = {detail["event"] for fault in discards for detail in fault["details"]}
        yield found.exact("discard", "rows discarded", planted=len(rows), told=found.number("target.discarded"))
    if restarts := found.of("restart_postgres"):
        told = found.number("target.database_restarts")
        yield found.exact("restart_postgres", "restarts of the database", planted=len(restarts), told=told)
    elif losses := [fault for fault in found.of("slot_lost") if int(fault["planted"])]:
        yield found.exact("slot_lost", "slots lost", planted=len(losses), told=found.number("target.slots_lost"))


def _connections(found: Found) -> Iterable[Finding]:
    for fault in found.of("close"):
        code = int(fault["parameters"]["code"])
        # A connection that breaks without a close frame has no code.
        told = found.total((f"connections.lost_by_code.{code}",) if code != _BROKEN else _NO_CODE)
        yield found.exact("close", f"connections lost with code {code}", planted=int(fault["planted"]), told=told)
    for fault in found.of("refuse_connects"):
        told = found.number("connections.refused_by_status.429")
        yield found.exact("refuse_connects", "connects refused with 429", planted=int(fault["planted"]), told=told)


_BROKEN: Final = 1006
_NO_CODE: Final = ("connections.lost_by_code.1006", "connections.lost_by_code.0")


def _refused_requests(found: Found) -> Iterable[Finding]:
    for fault in found.of("errors"):
        route = str(fault["parameters"]["route"])
        paths = {"write": ("mutations.failed",), "read": ("push.failed_requests",)}.get(
            route, ("mutations.failed", "push.failed_requests")
        )
        yield found.exact(
            "errors", f"refused requests ({route})", planted=int(fault["planted"]), told=found.total(paths)
        )


def _latencies(found: Found, calm: Found | None) -> Iterable[Finding]:
    for fault in found.truth:
        kind, parameters = str(fault["kind"]), fault["parameters"]
        match kind:
            case "delay":
                offset = _difference(found.number("push.signal_ms.max"), found.number("push.signal_ms.p50"))
                yield found.near(
                    kind, "latest signal beyond the median", planted_ms=float(parameters["ms"]), told_ms=offset
                )
            case "stalled":
                offset = found.number("push.signal_ms.max")
                yield found.near(
                    kind, "latest signal", planted_ms=float(parameters["duration_s"]) * 1000, told_ms=offset
                )
            case "lock_events":
                offset = found.number("mutations.ack_ms.max")
                yield found.near(
                    kind,
                    "latest acknowledgement",
                    planted_ms=float(parameters["duration_s"]) * 1000,
                    told_ms=offset,
                )
            case "slow_accept":
                offset = found.number("connections.open_ms.max")
                yield found.near(kind, "slowest handshake", planted_ms=float(parameters["ms"]), told_ms=offset)
            case "latency":
                for route, path in _LATENCY_OF.items():
                    if parameters["route"] in {route, "all"}:
                        offset = _difference(found.number(path), None if calm is None else calm.number(path))
                        question = f"median of {route}s beyond the calm run's"
                        yield found.near(kind, question, planted_ms=float(parameters["ms"]), told_ms=offset)


_LATENCY_OF: Final = {"write": "mutations.ack_ms.p50", "read": "push.stages.refresh_latency_ms.p50"}


def _outages(found: Found) -> Iterable[Finding]:
    """Compare what a process that was killed takes with it: all connections, or the requests under way."""
    for fault in found.of("kill"):
        if fault["parameters"]["part"] == "realtime":
            live = found.number("population.live_peak")
            yield found.exact("kill", "connections lost", planted=int(live or 0), told=found.number("connections.lost"))
        else:
            refused = found.total(("mutations.failed", "mutations.unknown", "push.failed_requests"))
            verdict = Comparison.FOUND if refused else Comparison.WRONG
            yield found.finding("kill", "requests that failed", planted="some", told=text(refused), verdict=verdict)


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _untold(found: Found, findings: Sequence[Finding]) -> Iterable[Finding]:
    """Name the kinds that were planted and that nothing compared speaks of."""
    told = {kind for finding in findings for kind in finding.fault.split(" + ")}
    for kind in sorted({str(fault["kind"]) for fault in found.truth} - told):
        yield found.finding(kind, "what it did", planted="1", told="not told", verdict=Comparison.CANNOT_TELL)


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
    told_alarms = ", ".join(f"{path} = {text(value)}" for path, value in alarms.items()) or "0"
    return found.finding(
        "nothing else",
        "false alarms",
        planted="0",
        told=told_alarms,
        verdict=Comparison.WRONG if alarms else Comparison.FOUND,
    )
