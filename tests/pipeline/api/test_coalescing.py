"""Coalesced events: one per key and minute, and the last change is always announced."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.coalescing import MINUTE_NS, Coalescing
from loadtests.pipeline.api.events import RealtimeEvent


def event(entity: str, number: int = 0, organization: str = "o") -> RealtimeEvent:
    """Return an event of an entity, with a number to tell it from others."""
    return RealtimeEvent(
        organization_id=organization, event_type="job.updated", entity_type="job", entity_id=entity,
        payload={"number": number},
    )  # fmt: skip


def test_the_first_event_of_a_key_passes_at_once() -> None:
    """With the label of today's code: type, entity, minute."""
    due = Coalescing().offer(event("j1"), 7 * MINUTE_NS)

    assert due is not None
    assert due.dedupe_key == "job.updated:j1:7"


def test_what_follows_in_the_same_minute_becomes_the_next_minutes_event() -> None:
    """The newest stands for all, under the next minute's key."""
    coalescing = Coalescing()
    passed = [coalescing.offer(event("j1", number), 7 * MINUTE_NS + number) for number in range(4)]
    too_early = coalescing.due(8 * MINUTE_NS - 1)
    (due,) = coalescing.due(8 * MINUTE_NS)

    assert [each is not None for each in passed] == [True, False, False, False]
    assert too_early == []
    assert (due.event.payload["number"], due.dedupe_key, due.stands_for) == (3, "job.updated:j1:8", 2)
    assert (coalescing.merged, len(coalescing)) == (2, 0)


def test_an_event_stored_unasked_stands_for_the_one_held() -> None:
    """An organization that is below its limit again has nothing left to announce."""
    coalescing = Coalescing()
    coalescing.offer(event("j1"), 0)
    coalescing.offer(event("j1"), 1)
    coalescing.offer(event("j1"), 2)
    stands_for = [coalescing.supersede(event(entity)) for entity in ("j1", "j2")]

    assert coalescing.due(MINUTE_NS) == []
    assert (coalescing.merged, stands_for) == (2, [2, 0])


def test_organizations_do_not_share_a_key() -> None:
    """Even if their entities had the same id."""
    coalescing = Coalescing()
    passed = [coalescing.offer(event("j1", organization=name), 0) for name in ("a", "b")]

    assert None not in passed


def test_what_is_held_at_the_end_is_not_lost() -> None:
    """It is released at once."""
    coalescing = Coalescing()
    coalescing.offer(event("j1", 1), 0)
    coalescing.offer(event("j1", 2), 1)

    assert [due.event.payload["number"] for due in coalescing.rest()] == [2]


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, MINUTE_NS), st.booleans()), max_size=60)


@given(STEPS)
def test_one_event_per_key_and_minute_and_the_last_one_always(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever the arrivals, and however late the held ones are asked for; none is lost without a newer one."""
    coalescing = Coalescing()
    stored, offered, now_ns = [], {}, 0
    for number, (entity, gap_ns, ask) in enumerate(steps):
        now_ns += gap_ns
        if ask:
            stored += coalescing.due(now_ns)
        passed = coalescing.offer(event(entity, number), now_ns)
        stored += [] if passed is None else [passed]
        offered[entity] = number
    stored += coalescing.rest()
    newest = {}
    for due in stored:
        newest[due.event.entity_id] = due.event.payload["number"]

    assert max(Counter(due.dedupe_key for due in stored).values(), default=0) <= 1
    assert newest == offered
    assert coalescing.merged == len(steps) - len(stored) == sum(due.stands_for for due in stored)
