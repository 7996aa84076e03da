"""The ground truth as the control endpoint answers it."""

from loadtests.pipeline.faults.kinds import Drop
from loadtests.pipeline.faults.register import Register


def test_a_fault_is_accounted_for_from_its_beginning_to_its_end() -> None:
    """`planted` is the number of details; a second end changes nothing."""
    register = Register()
    entry = register.add(Drop(count=2))
    register.begun(entry.id, 10)
    register.done(entry.id, [{"event": "a", "channel": "anna", "at_ns": 11}])
    register.done(entry.id, [{"event": "b", "channel": "otto", "at_ns": 12}])
    register.ended(entry.id, 13)
    register.ended(entry.id, 99)

    assert register.to_json() == {
        "faults": [
            {
                "id": 1,
                "kind": "drop",
                "parameters": {"seed": 1, "share": None, "count": 2, "duration_s": None},
                "begun_ns": 10,
                "ended_ns": 13,
                "planted": 2,
                "details": [
                    {"event": "a", "channel": "anna", "at_ns": 11},
                    {"event": "b", "channel": "otto", "at_ns": 12},
                ],
            }
        ]
    }
    assert register.running() == []


def test_ids_count_up_and_an_unknown_one_is_nobody() -> None:
    """Each fault has its own."""
    register = Register()

    assert [register.add(Drop(count=1)).id for _ in range(3)] == [1, 2, 3]
    assert register.get(4) is None
    assert len(register.running()) == 3


def test_waiting_ends_when_it_holds_or_when_time_is_up() -> None:
    """The answer says which."""
    register = Register()
    entry = register.add(Drop(count=1))
    register.begun(entry.id, 1)

    assert register.wait(lambda: entry.begun_ns is not None, 0.0)
    assert not register.wait(lambda: entry.ended_ns is not None, 0.0)
