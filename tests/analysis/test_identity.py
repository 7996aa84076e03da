"""Which mutation an event announces that names no request."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.history.kinds import NOBODY, Kind
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story


def told() -> Story:
    """Return a history with known clocks and one device that is live."""
    return Story().clock().live(0)


def changed(story: Story, index: int, due_ms: float, *, job: str = "job") -> Story:
    """Add an update that is sent 1 ms and acked 10 ms after it is due."""
    return story.mutation(index, due_ms, job=job, has_event=False)


def nameless(
    story: Story, event: str, committed_ms: float, *, job: str = "job", of: MutationKind = MutationKind.UPDATE
) -> Story:
    """Add an event that was created 1 ms before its commit, and that names its job and no request."""
    story.event(event, committed_ms, of=of)
    return story.row(Kind.EVENT_ABOUT, 30_000, entity=event, value=story.name(job))


def test_an_event_belongs_to_the_mutation_during_which_it_was_created() -> None:
    """Two updates of one job, and an event in each."""
    story = changed(changed(told(), 0, 1000), 1, 2000)
    nameless(nameless(story, "a", 1005), "b", 2005)

    assert story.run().events.mutation.tolist() == [0, 1]
    counts = story.metrics()["mutations"]
    assert (counts["ambiguous"], counts["events_without_acked"]) == (0, 0)


def test_an_event_between_two_mutations_belongs_to_none() -> None:
    """Somebody else changed the job meanwhile."""
    story = nameless(changed(changed(told(), 0, 1000), 1, 2000), "a", 1500)

    assert story.run().events.mutation.tolist() == [NOBODY]
    assert story.metrics()["mutations"]["events_without_acked"] == 1


def test_job_and_type_must_be_the_mutations() -> None:
    """At the same moment another job was changed, and this one flagged."""
    story = changed(told(), 0, 1000)
    nameless(story, "other job", 1005, job="other")
    nameless(story, "other type", 1005, of=MutationKind.FLAG)

    assert story.run().events.mutation.tolist() == [NOBODY, NOBODY]


def test_what_may_be_of_two_mutations_is_ambiguous_and_counted() -> None:
    """The first was never answered: it may have been done while the second was under way, too."""
    story = told()
    story.row(Kind.DUE, 1000, actor=0, flag=MutationKind.UPDATE, entity="job", due_ns=1000 * MS)
    story.row(Kind.SENT, 1001, actor=0, entity="job", due_ns=1000 * MS)
    story.row(Kind.UNKNOWN, 1900, actor=0, entity="job", due_ns=1001 * MS)
    nameless(nameless(changed(story, 1, 2000), "a", 1500), "b", 2005)

    assert story.run().events.mutation.tolist() == [0, NOBODY]
    assert story.metrics()["mutations"]["ambiguous"] == 1


def test_a_mutation_without_an_answer_leaves_no_doubt_once_the_others_were_answered() -> None:
    """Its event comes when the second, which came after it, had long been answered: it alone may have been meant."""
    story = told()
    story.row(Kind.DUE, 1000, actor=0, flag=MutationKind.UPDATE, entity="job", due_ns=1000 * MS)
    story.row(Kind.SENT, 1001, actor=0, entity="job", due_ns=1000 * MS)
    story.row(Kind.UNKNOWN, 1900, actor=0, entity="job", due_ns=1001 * MS)
    nameless(changed(story, 1, 2000), "a", 2500)

    assert story.run().events.mutation.tolist() == [0]
    assert story.metrics()["mutations"]["ambiguous"] == 0


def test_two_events_of_one_mutation_are_ambiguous_too() -> None:
    """A backend that emits twice."""
    story = nameless(nameless(changed(told(), 0, 1000), "a", 1005), "b", 1006)

    assert story.metrics()["mutations"]["ambiguous"] == 1


def test_an_event_that_names_a_request_is_not_guessed() -> None:
    """Not even if it is none of this run's: then the payload said so."""
    story = changed(told(), 0, 1000).event("a", 1005, of=MutationKind.UPDATE)

    assert story.run().events.mutation.tolist() == [NOBODY]


def test_a_refused_mutation_has_no_event() -> None:
    """What was created while it was refused is somebody else's."""
    story = told()
    story.row(Kind.DUE, 1000, actor=0, flag=MutationKind.UPDATE, entity="job", due_ns=1000 * MS)
    story.row(Kind.SENT, 1001, actor=0, entity="job", due_ns=1000 * MS)
    story.row(Kind.FAILED, 1010, actor=0, entity="402: no plan", due_ns=1001 * MS, flag=402)
    nameless(story, "a", 1005)

    assert story.run().events.mutation.tolist() == [NOBODY]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), st.booleans()), max_size=20))
def test_one_in_flight_per_job_leaves_nothing_ambiguous(changes: list[tuple[str, bool]]) -> None:
    """Whatever was changed in which order, and whether or not it was announced."""
    story, expected = told(), []
    for index, (job, is_told) in enumerate(changes):
        changed(story, index, 100 + 400 * index, job=job)
        if is_told:
            nameless(story, f"e{index}", 105 + 400 * index, job=job)
            expected.append(index)

    events = story.run().events
    assert events.mutation.tolist() == expected
    assert not events.is_ambiguous.any()
