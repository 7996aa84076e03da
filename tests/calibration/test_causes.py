"""Causes that were found against those that were planted, from literal counts."""

from collections.abc import Mapping
from typing import Any

from loadtests.calibration.causes import delay_causes, loss_causes
from loadtests.calibration.finding import Comparison, Found
from loadtests.calibration.replay import replay


def fault_of(kind: str, planted: int = 1, **parameters: Any) -> dict[str, Any]:
    """Return the target's account of a fault."""
    details = [{"event": f"{kind} {number}", "channel": "anna"} for number in range(planted)]
    return {"kind": kind, "parameters": parameters, "planted": planted, "details": details}


def verdicts_of(*faults: Mapping[str, Any], causes: Mapping[str, int]) -> dict[str, Comparison]:
    """Return the verdict on the causes of each kind's losses; all that was missed has a cause."""
    delivery = {"missed_live": sum(causes.values()), "missed_healed": 0, "missed_unhealed": 0, "causes": causes}
    found = Found(case="any", truth=faults, metrics={"delivery": delivery})
    return {each.fault: each.verdict for each in loss_causes(found, replay(faults, deadline_ms=1500))}


def delays_of(*faults: Mapping[str, Any], late: Mapping[str, int], delays: Mapping[str, Any]) -> list[Comparison]:
    """Return the verdicts on the causes of delays."""
    found = Found(case="any", truth=faults, metrics={"delivery": {"late_causes": late}, "push": {"delays": delays}})
    return [each.verdict for each in delay_causes(found, replay(faults, deadline_ms=1500))]


FOUND, WRONG, CANNOT_TELL = Comparison.FOUND, Comparison.WRONG, Comparison.CANNOT_TELL


def test_each_kind_has_its_own_cause_with_its_own_count() -> None:
    """Three kinds in one run."""
    faults = (fault_of("drop", 3), fault_of("deaf", 4), fault_of("discard", 9))

    assert verdicts_of(*faults, causes={"lost frame": 3, "deaf channel": 4, "rate-limited": 9}) == {
        "drop": FOUND,
        "deaf": FOUND,
        "discard": FOUND,
    }


def test_a_cause_taken_for_another_is_wrong_for_both() -> None:
    """One lost frame more, and one deaf channel's miss less."""
    verdicts = verdicts_of(fault_of("drop", 3), fault_of("deaf", 4), causes={"lost frame": 4, "deaf channel": 3})

    assert verdicts == {"drop": WRONG, "deaf": WRONG}


def test_what_is_unexplained_or_only_a_pattern_is_no_proof() -> None:
    """A silent feed may have been anything; the count is right all the same."""
    assert verdicts_of(fault_of("discard", 9), causes={"silent feed": 9}) == {"discard": CANNOT_TELL}
    assert verdicts_of(fault_of("deaf", 9), causes={"unexplained": 1, "deaf channel": 8}) == {"deaf": CANNOT_TELL}


def test_a_loss_that_nobody_counted_has_to_be_all_the_rest() -> None:
    """Five events were lost with the slot, two frames were dropped."""
    faults = (fault_of("slot_lost"), fault_of("drop", 2))

    assert verdicts_of(*faults, causes={"slot lost": 5, "lost frame": 2}) == {"drop": FOUND, "slot_lost": FOUND}
    assert verdicts_of(*faults, causes={"slot lost": 4, "lost frame": 2, "token expired": 1})["slot_lost"] is WRONG


def test_two_such_losses_share_the_rest() -> None:
    """Sockets were closed, and the database was restarted: both have lost something."""
    faults = (fault_of("restart_postgres"), fault_of("close", 6, code=1012))

    assert verdicts_of(*faults, causes={"database restarted": 5, "socket down": 3}) == {
        "restart_postgres": FOUND,
        "close": FOUND,
    }


def test_a_loss_that_is_put_down_to_nothing_is_told() -> None:
    """A restart lost eight; that the feed was silent is a pattern, a lost frame is wrong."""
    assert verdicts_of(fault_of("restart_postgres"), causes={"silent feed": 8}) == {"restart_postgres": CANNOT_TELL}
    assert verdicts_of(fault_of("restart_postgres"), causes={"lost frame": 8}) == {"restart_postgres": WRONG}


def test_a_restart_that_lost_nothing_has_no_cause_to_compare() -> None:
    """It is known by its own number."""
    faults = (fault_of("restart_postgres"), fault_of("close", 6, code=1012))

    assert verdicts_of(*faults, causes={"socket down": 8}) == {"close": FOUND}


def test_a_killed_realtime_is_a_lost_socket_and_a_killed_api_loses_nothing() -> None:
    """Only the former has a cause to compare."""
    assert verdicts_of(fault_of("kill", part="realtime"), causes={"socket down": 3}) == {"kill": FOUND}
    assert verdicts_of(fault_of("kill", part="api"), causes={}) == {}


def test_delayed_frames_are_late_frames() -> None:
    """Two of them; one that is put down to a backlog is wrong, one that is unexplained is not known."""
    delay = fault_of("delay", 2, ms=2000.0)

    assert delays_of(delay, late={"late frame": 2}, delays={}) == [FOUND]
    assert delays_of(delay, late={"late frame": 1, "backlog": 1}, delays={}) == [WRONG]
    assert delays_of(delay, late={"late frame": 1, "unexplained": 1}, delays={}) == [CANNOT_TELL]


def test_a_stall_is_told_as_one_and_by_its_length() -> None:
    """Within 100 ms of its second."""
    stalled = fault_of("stalled", duration_s=1.0)

    assert delays_of(stalled, late={}, delays={"stalled feed": {"max": 960.0, "pairs": 4}}) == [FOUND]
    assert delays_of(stalled, late={}, delays={"backlog": {"max": 960.0, "pairs": 4}}) == [WRONG]


def test_a_slow_api_is_what_most_slow_stages_are_put_down_to() -> None:
    """A busy machine may slow down a few others."""
    latency = fault_of("latency", 90, ms=250.0)

    assert delays_of(latency, late={}, delays={"api": {"pairs": 90}, "unexplained": {"pairs": 2}}) == [FOUND]
    assert delays_of(latency, late={}, delays={"api": {"pairs": 1}, "our client": {"pairs": 90}}) == [WRONG]
