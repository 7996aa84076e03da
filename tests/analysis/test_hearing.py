"""Who heard what, from the letters of a history."""

import numpy as np

from loadtests.analysis.hearing import Hearing, read_hearing
from loadtests.analysis.stamps import NEVER
from tests.analysis.literal import MS, Story
from tests.analysis.voices import voices


def hearing_of(story: Story) -> Hearing:
    """Return who heard what in a history."""
    run = story.run()
    return read_hearing(run.events, run.signals, run.screens.presence, run.devices)


def test_events_are_heard_by_members_and_first_by_one() -> None:
    """Two of two, one of two, none."""
    hearing = hearing_of(voices(["xx-", "x--"]))

    assert hearing.heard_by.tolist() == [2, 1, 0]
    assert hearing.told_ns.tolist() == [4 * MS, 104 * MS, NEVER]


def test_a_leak_is_no_hearing() -> None:
    """The event is of the other organization."""
    assert hearing_of(voices(["x"], ["x"]).signal(1, "0.0", 2)).heard_by.tolist() == [1, 1]


def test_a_second_receipt_is_no_second_hearing() -> None:
    """The first one counts."""
    hearing = hearing_of(voices(["x"]).signal(0, "0.0", 900))

    assert (hearing.heard_by.tolist(), hearing.received_ns.tolist()) == ([1], [4 * MS])


def test_what_a_device_heard_between_two_stamps_is_counted() -> None:
    """Placed after the first and before the second."""
    hearing = hearing_of(voices(["xxxx", "x--x"]))
    device, begin_ns, end_ns = np.array([0, 1]), np.array([0, 0]), np.array([300 * MS, 300 * MS])

    assert hearing.between(device, begin_ns, end_ns).tolist() == [2, 0]
    assert hearing.next_received_ns(device, begin_ns).tolist() == [104 * MS, 304 * MS]
    assert hearing.first_received_ns(np.array([1, 1]), device).tolist() == [104 * MS, NEVER]
