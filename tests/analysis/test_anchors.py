"""Events whose mutation leaves no choice, before any clock is known."""

from loadtests.analysis.anchors import anchored
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, Kind
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story


def created(story: Story, index: int, due_ms: float, job: str) -> Story:
    """Add the creation of a job, with an event that names the job and no request."""
    story.mutation(index, due_ms, kind=MutationKind.CREATE, job=job, revision=1, has_event=False)
    story.event(f"e{index}", due_ms + 5, of=MutationKind.CREATE)
    return story.row(Kind.EVENT_ABOUT, 30_000, entity=f"e{index}", value=story.name(job))


def mutations(history: History) -> list[int]:
    """Return the mutation of each event."""
    return anchored(history, history.of(Kind.TRUE_EVENT)).tolist()


def test_a_job_is_created_once_so_its_creation_needs_no_clock() -> None:
    """Two jobs, two events."""
    assert mutations(created(created(Story(), 0, 1000, "one"), 1, 1001, "two").history) == [0, 1]


def test_what_happened_twice_leaves_a_choice() -> None:
    """Two updates of one job, or two events of one update."""
    story = Story()
    for index in (0, 1):
        story.mutation(index, 1000 + index, has_event=False).event(f"e{index}", 1005 + index, of=MutationKind.UPDATE)
        story.row(Kind.EVENT_ABOUT, 30_000, entity=f"e{index}", value=story.name("job"))
    assert mutations(story.history) == [NOBODY, NOBODY]

    story = Story().mutation(0, 1000, has_event=False)
    for event in ("a", "b"):
        story.event(event, 1005, of=MutationKind.UPDATE)
        story.row(Kind.EVENT_ABOUT, 30_000, entity=event, value=story.name("job"))
    assert mutations(story.history) == [NOBODY, NOBODY]


def test_a_request_that_is_named_stands() -> None:
    """Nothing is worked out that was said."""
    assert mutations(Story().mutation(0, 1000).history) == [0]


def test_the_clock_is_told_by_creations_where_nobody_was_asked() -> None:
    """Sent 1 ms and acked 10 ms after due: the `created_at` of each event lies between, give or take 4.5 ms."""
    story = created(created(created(Story().live(0), 0, 1000, "one"), 1, 4000, "two"), 2, 8000, "three")

    clock = story.run().clock

    assert clock.bound_ms is not None
    assert 4.5 <= clock.bound_ms < 10
    assert story.run().events.mutation.tolist() == [0, 1, 2]
