"""Planted against found, from literal accounts and literal metrics."""

from collections.abc import Mapping
from typing import Any

from loadtests.calibration.compare import compare
from loadtests.calibration.finding import Comparison, Finding, Found


def metrics_of(**delivery: Any) -> dict[str, Any]:
    """Return metrics in which nothing went wrong but what is said."""
    clean = {
        "missed_live": 0,
        "missed_healed": 0,
        "missed_unhealed": 0,
        "duplicate": 0,
        "late": 0,
        "leaked": 0,
        "leaked_answers": 0,
        "phantom": 0,
        "out_of_order": 0,
        "degraded": 0,
        "causes": {},
    }
    return {
        "delivery": {**clean, **delivery},
        "mutations": {"without_event": 0, "failed": 0, "unknown": 0, "ack_ms": {"p50": 8.0, "max": 20.0}},
        "push": {"failed_requests": 0, "stale_answers": 0, "signal_ms": {"p50": 5.0, "max": 12.0}},
        "connections": {"lost": 0, "lost_by_code": {}, "refused": 0, "refused_by_status": {}, "open_ms": {"max": 9.0}},
        "population": {"live_peak": 24},
        "target": {"discarded": 0, "hidden": 0, "slots_lost": 0, "database_restarts": 0},
    }


def fault_of(kind: str, planted: int = 1, **parameters: Any) -> dict[str, Any]:
    """Return the target's account of a fault."""
    details = [{"event": f"{kind} {number}", "channel": "anna"} for number in range(planted)]
    return {"id": 1, "kind": kind, "parameters": parameters, "planted": planted, "details": details}


def compared(*faults: Mapping[str, Any], metrics: Mapping[str, Any], calm: Mapping[str, Any] | None = None) -> Any:
    """Return the findings of one case by (fault, question)."""
    before = None if calm is None else Found(case="calm", truth=(), metrics=calm)
    findings = compare(Found(case="any", truth=faults, metrics=metrics), before, deadline_ms=1500)
    return {(each.fault, each.question): each for each in findings}


def verdict_of(findings: Mapping[tuple[str, str], Finding], fault: str, question: str) -> Comparison:
    """Return one verdict."""
    return findings[fault, question].verdict


def test_an_exact_count_is_found() -> None:
    """Seven leaks planted, seven told, and no false alarm."""
    findings = compared(fault_of("leak", 7), metrics=metrics_of(leaked=7))

    assert verdict_of(findings, "leak", "signals of another organization") is Comparison.FOUND
    assert verdict_of(findings, "nothing else", "false alarms") is Comparison.FOUND


def test_one_too_few_is_wrong() -> None:
    """And so would be one too many."""
    findings = compared(fault_of("leak", 7), metrics=metrics_of(leaked=6))

    assert verdict_of(findings, "leak", "signals of another organization") is Comparison.WRONG


def test_kinds_that_show_in_the_same_numbers_are_added_up() -> None:
    """Three dropped and four not heard are seven missed, however they are classed."""
    metrics = metrics_of(missed_live=5, missed_healed=2, causes={"unexplained": 7})

    findings = compared(fault_of("drop", 3), fault_of("deaf", 4), metrics=metrics)

    assert findings["deaf + drop", "events not received"].planted == "7"
    assert verdict_of(findings, "deaf + drop", "events not received") is Comparison.FOUND


def test_what_nobody_planted_is_a_false_alarm() -> None:
    """In a calm run too."""
    findings = compared(metrics=metrics_of(duplicate=1))

    alarm = findings["nothing else", "false alarms"]
    assert (alarm.verdict, alarm.found) == (Comparison.WRONG, "delivery.duplicate = 1")


def test_a_fault_that_hit_nobody_certifies_nothing() -> None:
    """Zero found is no proof."""
    findings = compared(fault_of("phantom", 0), metrics=metrics_of())

    assert verdict_of(findings, "phantom", "signals without an event") is Comparison.CANNOT_TELL


def test_a_number_that_is_not_told_cannot_be_compared() -> None:
    """Phantoms are not told when the truth was not read."""
    findings = compared(fault_of("phantom", 2), metrics=metrics_of(phantom=None))

    assert verdict_of(findings, "phantom", "signals without an event") is Comparison.CANNOT_TELL


def test_a_kind_that_hit_nobody_is_not_proven_by_others() -> None:
    """Three dropped frames are found; that deaf channels would have been is not known."""
    findings = compared(fault_of("drop", 3), fault_of("deaf", 0), metrics=metrics_of(missed_live=3))

    assert verdict_of(findings, "deaf + drop", "events not received") is Comparison.CANNOT_TELL


def test_frames_that_several_faults_hit_are_counted_as_what_they_come_to() -> None:
    """Three were doubled, and two of these delayed: three duplicates, and the third delay alone is late."""
    delayed = fault_of("delay", 3, ms=2000.0)
    delayed["details"][:2] = fault_of("duplicate", 2)["details"]
    findings = compared(fault_of("duplicate", 3), delayed, metrics=metrics_of(duplicate=3, late=1))
    stacked = "(2 frames were hit by several faults)"

    assert verdict_of(findings, "duplicate", f"events received twice {stacked}") is Comparison.FOUND
    assert verdict_of(findings, "delay", f"events received after the deadline {stacked}") is Comparison.FOUND


def test_where_a_loss_has_no_account_of_its_own_only_causes_are_compared() -> None:
    """Nobody knows how many events a closed socket cost."""
    findings = compared(
        fault_of("close", 6, code=1012, share=0.5),
        fault_of("drop", 2),
        metrics=metrics_of(missed_healed=9, causes={"socket down": 7, "lost frame": 2}),
    )

    assert not any(question == "events not received" for _, question in findings)
    assert verdict_of(findings, "drop", "cause of the loss") is Comparison.FOUND


def test_a_latency_is_told_against_the_calm_run() -> None:
    """258 ms against 8 ms are 250 ms."""
    slow = metrics_of()
    slow["mutations"]["ack_ms"] = {"p50": 262.0, "max": 270.0}

    findings = compared(fault_of("latency", 90, ms=250.0, share=1.0, route="write"), metrics=slow, calm=metrics_of())

    told = findings["latency", "median of writes beyond the calm run's"]
    assert (told.verdict, told.found) == (Comparison.FOUND, "254 ms")


def test_a_latency_beyond_the_bound_is_wrong() -> None:
    """Nothing was found of a stall of a second."""
    findings = compared(fault_of("stalled", 1, duration_s=1.0), metrics=metrics_of())

    assert verdict_of(findings, "stalled", "latest signal") is Comparison.WRONG


def test_a_killed_realtime_takes_every_connection() -> None:
    """24 were live."""
    metrics = metrics_of()
    metrics["connections"]["lost"] = 24

    findings = compared(fault_of("kill", 1, part="realtime"), metrics=metrics)

    assert verdict_of(findings, "kill", "connections lost") is Comparison.FOUND


def test_a_run_that_did_not_end_by_itself_certifies_nothing() -> None:
    """Its trouble is told."""
    broken = Found(case="any", truth=(fault_of("kill", 1, part="api"),), metrics=metrics_of(), trouble=("it died",))

    (finding,) = compare(broken, None, deadline_ms=1500)

    assert (finding.verdict, finding.found) == (Comparison.CANNOT_TELL, "it died")


def test_a_kind_that_nothing_compares_is_named() -> None:
    """Nobody has said yet what would show it."""
    findings = compared(fault_of("flood", 1), metrics=metrics_of())

    assert verdict_of(findings, "flood", "what it did") is Comparison.CANNOT_TELL


def test_what_the_target_told_is_compared_whether_or_not_anything_was_lost() -> None:
    """Rows, not deliveries: two events for one subscriber, and one of them for another one too."""
    discard = fault_of("discard", 2, duration_s=1.0)
    discard["details"].append({"event": "discard 0", "channel": "otto"})
    metrics = metrics_of()
    metrics["target"] |= {"discarded": 2, "slots_lost": 2, "database_restarts": 1}

    findings = compared(discard, fault_of("restart_postgres"), metrics=metrics)

    assert verdict_of(findings, "discard", "rows discarded") is Comparison.FOUND
    assert verdict_of(findings, "restart_postgres", "restarts of the database") is Comparison.FOUND
    assert verdict_of(findings, "nothing else", "false alarms") is Comparison.FOUND


def test_a_lost_slot_that_nobody_noticed_is_wrong() -> None:
    """The target has told that it has lost one."""
    findings = compared(fault_of("slot_lost"), metrics=metrics_of())

    assert verdict_of(findings, "slot_lost", "slots lost") is Comparison.WRONG
