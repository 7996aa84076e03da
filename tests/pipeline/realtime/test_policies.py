"""What a private channel knows of its policies, answer by answer."""

import pytest

from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.policies import Answer, Extension, Policies, Question, reads

CALLER = Claims(role="authenticated", text="{}")
BOTH = (Extension.BROADCAST, Extension.PRESENCE)


def asked(*, hear: tuple[Extension, ...] = (), say: tuple[Extension, ...] = ()) -> Question:
    """Return a question about one topic."""
    return Question(topic="room", claims=CALLER, reads=hear, writes=say)


def test_what_was_not_asked_stays_unknown() -> None:
    """Refused is another thing than not asked yet."""
    answer = Answer(reads=frozenset({Extension.BROADCAST}))

    assert Policies().told(asked(hear=(Extension.BROADCAST,)), answer) == Policies(hears_broadcasts=True)
    assert Policies().told(asked(hear=BOTH), answer) == Policies(hears_broadcasts=True, hears_presence=False)


def test_later_answers_are_added() -> None:
    """What was known before is kept."""
    told = Policies(hears_broadcasts=True).told(asked(say=BOTH), Answer(writes=frozenset({Extension.PRESENCE})))

    assert told == Policies(hears_broadcasts=True, may_broadcast=False, may_be_present=True)


@pytest.mark.parametrize(
    ("policies", "may_join"),
    [
        (Policies(hears_broadcasts=True), True),
        (Policies(hears_broadcasts=False, hears_presence=True), True),
        (Policies(hears_broadcasts=False, hears_presence=False), False),
        (Policies(hears_broadcasts=False), False),
        (Policies(), False),
    ],
)
def test_whoever_may_hear_anything_may_join(policies: Policies, *, may_join: bool) -> None:
    """One of the two is enough."""
    assert policies.may_join is may_join


@pytest.mark.parametrize(
    ("before", "after", "is_lost"),
    [
        (Policies(hears_presence=True), Policies(hears_presence=False), True),
        (Policies(hears_broadcasts=True), Policies(hears_broadcasts=False), True),
        (Policies(hears_presence=True), Policies(), False),
        (Policies(hears_presence=False), Policies(hears_presence=False), False),
        (Policies(), Policies(hears_broadcasts=False), False),
    ],
)
def test_only_what_could_be_heard_can_be_lost(before: Policies, after: Policies, *, is_lost: bool) -> None:
    """And only to a refusal."""
    assert after.lost(before) is is_lost


def test_presence_is_asked_about_where_it_is_enabled() -> None:
    """Otherwise not before somebody tracks."""
    assert (reads(presence=False), reads(presence=True)) == ((Extension.BROADCAST,), BOTH)
