"""Who heard what, from the letters of a history."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.hearing import Hearing, read_hearing
from loadtests.analysis.stamps import NEVER
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story
from tests.analysis.lives import visitor
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


def test_a_guest_hears_in_both_organizations() -> None:
    """At home until 3 s, elsewhere from then on: what came next, and what came in between, may be of either."""
    story = visitor().event("here", 1000, of=MutationKind.UPDATE).signal(0, "here", 1010)
    story.event("there", 5000, of=MutationKind.UPDATE, organization=1).signal(0, "there", 5010)
    hearing = hearing_of(story)
    device, begin_ns, end_ns = np.zeros(3, dtype=np.int64), np.array([0, 2000, 5000]) * MS, np.full(3, 9000 * MS)

    assert hearing.between(device, begin_ns, end_ns).tolist() == [2, 1, 0]
    assert hearing.next_received_ns(device, begin_ns).tolist() == [1010 * MS, 5010 * MS, NEVER]


LETTERS = st.lists(st.text("x-L", min_size=9, max_size=9), min_size=3, max_size=3)


@settings(deadline=None, max_examples=30)
@given(letters=LETTERS, begin_ms=st.integers(-1, 900), end_ms=st.integers(-1, 900))
def test_what_was_heard_is_what_the_letters_say(letters: list[str], begin_ms: int, end_ms: int) -> None:
    """Event k is placed at k · 100 ms and received 4 ms later, or 1.5 s later where the letter is an L."""
    hearing = hearing_of(voices(letters))
    device, begin_ns, end_ns = np.arange(3), np.full(3, begin_ms * MS), np.full(3, end_ms * MS)
    told = [
        [(100 * k, 100 * k + {"x": 4, "L": 1500}[letter]) for k, letter in enumerate(own) if letter != "-"]
        for own in letters
    ]

    between = [sum(begin_ms < placed < end_ms for placed, _ in own) for own in told]
    following = [next((at * MS for placed, at in own if placed > begin_ms), NEVER) for own in told]
    heard_by = [sum(own[k] != "-" for own in letters) for k in range(9)]
    first = [min((at * MS for own in told for placed, at in own if placed == 100 * k), default=NEVER) for k in range(9)]

    assert hearing.between(device, begin_ns, end_ns).tolist() == between
    assert hearing.next_received_ns(device, begin_ns).tolist() == following
    assert (hearing.heard_by.tolist(), hearing.told_ns.tolist()) == (heard_by, first)
