"""Why an event came late to everybody, from when events were committed and first told."""

from collections import Counter
from collections.abc import Iterable

from loadtests.analysis.cause_table import read_scene
from loadtests.analysis.why import Why
from loadtests.history.kinds import Kind
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story
from tests.analysis.voices import asked, metric

POLLS = "realtime_replication_poller_query_duration_count"


def story_of(*told: tuple[float, float], organizations: int = 2) -> Story:
    """Return events by (committed, told), of one organization after the other; each has one device."""
    story = Story(organizations={"count": organizations, "jobs": 1}, subscribers={"count": organizations, "web": 0})
    for device in range(organizations):
        story.live(device, organization=device)
    for number, (committed_ms, told_ms) in enumerate(told):
        home = number % organizations
        story.event(f"e{number}", committed_ms, of=MutationKind.UPDATE, organization=home)
        story.signal(home, f"e{number}", told_ms)
    return story.clock()


def delays_of(story: Story) -> dict[str, int]:
    """Return how many events have which cause of their delay."""
    run = story.run()
    feed = read_scene(run.events, run.signals, run.screens, story.history).feed
    return dict(Counter(Why(int(why)).label for why in feed))


def line(count: int, *, every_ms: float, served_ms: float) -> Iterable[tuple[float, float]]:
    """Return events that are committed at one pace and told at another."""
    return ((number * every_ms, number * every_ms + (number + 1) * (served_ms - every_ms)) for number in range(count))


def test_what_waits_for_what_came_before_it_is_a_backlog() -> None:
    """Committed every 20 ms, told every 100 ms: each waits longer than the one before."""
    assert delays_of(story_of(*line(10, every_ms=20, served_ms=100))) == {"backlog": 10}


def test_a_backlog_of_one_organization_among_others_is_none_of_the_feed() -> None:
    """What is told of the others in between would have to wait as well."""
    told = [*line(5, every_ms=20, served_ms=100)]
    alone = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 2, "web": 0}).live(0)
    alone.live(1, organization=1).clock().event("other", 9000, of=MutationKind.UPDATE, organization=1)
    alone.signal(1, "other", 9001)
    for number, (committed_ms, told_ms) in enumerate(told):
        alone.event(f"e{number}", committed_ms, of=MutationKind.UPDATE).signal(0, f"e{number}", told_ms)

    assert delays_of(alone) == {"unexplained": 6}


def test_a_hole_and_then_everything_at_once_is_a_stalled_feed() -> None:
    """The first has waited longest."""
    told = [(100 * number, 1000 + number) for number in range(9)]

    assert delays_of(story_of(*told)) == {"stalled feed": 9}


def test_what_is_late_by_the_same_each_time_is_neither() -> None:
    """A second, for each of nine events."""
    assert delays_of(story_of(*[(100 * number, 100 * number + 1000) for number in range(9)])) == {"unexplained": 9}


def test_one_event_that_waited_alone_is_unexplained() -> None:
    """A hole with nothing else in it looks like many things."""
    assert delays_of(story_of((0, 2), (100, 1100), (2000, 2002))) == {"unexplained": 3}


def test_a_sleep_of_500_ms_that_the_target_tells_of_is_an_idle_poll() -> None:
    """It counts its polls."""
    story = asked(story_of((0, 300), (1000, 1450)), 0, 1000)

    assert delays_of(metric(metric(story, 0, POLLS, 1), 1000, POLLS, 9)) == {"idle poll": 2}


def test_latencies_spread_over_500_ms_are_idle_polls_without_being_told() -> None:
    """25 events, each of which comes at another moment of the poller's sleep."""
    told = [(600 * number, 620 * number) for number in range(25)]

    assert delays_of(story_of(*told)) == {"idle poll": 25}


def test_the_same_latency_again_and_again_is_no_sleep() -> None:
    """300 ms each."""
    told = [(600 * number, 600 * number + 300) for number in range(25)]

    assert delays_of(story_of(*told)) == {"unexplained": 25}


def test_many_events_with_one_commit_are_a_big_transaction() -> None:
    """Ten are many."""
    assert delays_of(story_of(*[(100, 150 + 10 * number) for number in range(10)])) == {"big transaction": 10}


def test_what_was_committed_before_anybody_was_live_had_a_cold_start() -> None:
    """The only device became live at 2 s."""
    story = story_of((100, 2100), organizations=1)
    story._rows = [row for row in story._rows if row["kind"] != Kind.LIVE]

    assert delays_of(story.row(Kind.LIVE, 2000, actor=0)) == {"cold start": 1}
