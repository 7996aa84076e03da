"""The faults that can be asked for, and what is refused."""

import pytest

from loadtests.pipeline.faults.kinds import (
    Close,
    Drop,
    FaultRefused,
    StaleReads,
    kind_of,
    parameters_of,
    read_fault,
)


def test_a_fault_is_read_with_its_defaults() -> None:
    """What is left out has a value that the truth shows."""
    fault = read_fault({"kind": "drop", "count": 3})

    assert fault == Drop(count=3)
    assert kind_of(fault) == "drop"
    assert parameters_of(fault) == {"seed": 1, "share": None, "count": 3, "duration_s": None}


def test_a_whole_number_may_stand_for_a_duration() -> None:
    """As JSON has one kind of number."""
    assert read_fault({"kind": "stale_reads", "ms": 2000, "duration_s": 5}) == StaleReads(ms=2000, duration_s=5)
    assert read_fault({"kind": "close", "code": 1006, "share": 1}) == Close(code=1006)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({}, "kind"),
        ([], "object"),
        ({"kind": "flood"}, "flood"),
        ({"kind": "drop"}, "share or count must be given"),
        ({"kind": "drop", "share": 0}, "share must be above 0"),
        ({"kind": "drop", "share": 1.5}, "at most 1"),
        ({"kind": "drop", "count": 0}, "count must be at least 1"),
        ({"kind": "drop", "count": "three"}, r"\$\.count"),
        ({"kind": "drop", "count": 1, "duration_s": 0}, "duration_s must be positive"),
        ({"kind": "drop", "count": 1, "colour": "red"}, "colour"),
        ({"kind": "delay", "count": 1}, "ms"),
        ({"kind": "delay", "count": 1, "ms": 0}, "ms must be positive"),
        ({"kind": "reorder", "count": 1, "patience_ms": 0}, "patience_ms must be positive"),
        ({"kind": "deaf"}, "duration_s"),
        ({"kind": "deaf", "duration_s": 1, "share": 0}, "share must be above 0"),
        ({"kind": "discard", "duration_s": -1}, "duration_s must be positive"),
        ({"kind": "close", "code": 1005}, "1005"),
        ({"kind": "close", "code": 1000, "share": 2}, "share must be above 0"),
        ({"kind": "slow_accept", "ms": 0, "duration_s": 1}, "ms must be positive"),
        ({"kind": "degraded", "count": 1, "error": 400}, "400"),
        ({"kind": "latency", "count": 1, "ms": -1}, "ms must be positive"),
        ({"kind": "latency", "count": 1, "ms": 1, "route": "push"}, "push"),
        ({"kind": "errors", "count": 1, "status": 200}, "status must be from 400 to 599"),
        ({"kind": "stale_reads", "ms": 10}, "count or duration_s must be given"),
        ({"kind": "stale_reads", "ms": 60_000, "count": 1}, "at most 30000"),
        ({"kind": "stale_reads", "ms": 10, "count": 0}, "count must be at least 1"),
        ({"kind": "stale_reads", "ms": 10, "duration_s": 0}, "duration_s must be positive"),
        ({"kind": "kill", "part": "postgres"}, "postgres"),
    ],
)
def test_what_a_fault_does_not_take_is_refused_with_the_reason(request_: object, why: str) -> None:
    """The text names the key or the rule."""
    with pytest.raises(FaultRefused, match=why):
        read_fault(request_)
