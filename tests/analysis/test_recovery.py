"""How long people wait, after looking again, for what was promised while they were away."""

from loadtests.clients.requests import Cause
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story
from tests.analysis.lives import story_of_one


def test_what_is_promised_while_nobody_looks_is_away_and_recovers() -> None:
    """Promised at 5,010 ms, looked at again at 6,000, shown at 6,300: that person waited for 300 ms."""
    story = story_of_one().live(0).away(0, 4000, 6000).fetch(0, 6050, 6300, "new", cause=Cause.CATCH_UP)

    push = story.metrics()["push"]

    assert (push["visibility_ms"]["pairs"], push["away_pairs"]) == (0, 1)
    assert (push["recovery_ms"]["p50"], push["recovery_ms"]["pairs"]) == (300.0, 1)


def test_what_was_shown_while_nobody_looked_is_there_when_somebody_does() -> None:
    """A negative wait is kept."""
    story = story_of_one().live(0).away(0, 4000, 6000).fetch(0, 5550, 5600, "new")

    assert story.metrics()["push"]["recovery_ms"]["p50"] == -400.0


def test_what_is_not_shown_after_coming_back_is_never() -> None:
    """It stays in the distribution; looking away again before the deadline leaves the pair out."""
    never = story_of_one().live(0).away(0, 4000, 6000).metrics()["push"]
    glance = story_of_one().live(0).away(0, 4000, 6000).away(0, 6500, 9000).metrics()["push"]

    assert (never["recovery_ms"]["never"], never["recovery_interrupted"]) == (1, 0)
    assert (glance["recovery_ms"]["pairs"], glance["recovery_interrupted"]) == (0, 1)


def away_while_creating(created: int) -> Story:
    """Return a device that is away from 1 to 8 s, in which jobs are created, and sees page 1 when it is back."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).away(0, 1000, 8000)
    names = [f"job-{number}" for number in range(created)]
    for number, name in enumerate(names):
        story.mutation(number, 2000 + number, kind=MutationKind.CREATE, job=name, revision=1)
        story.true_job(name, 1, created_ms=2002 + number)
    return story.body("page", *((name, 1) for name in names[-25:])).fetch(0, 8050, 8100, "page", cause=Cause.CATCH_UP)


def test_jobs_created_while_away_appear_after_coming_back() -> None:
    """All three do."""
    push = away_while_creating(3).metrics()["push"]

    assert push["created_while_away"] == {"pairs": 3, "shown": 3, "never": 0, "interrupted": 0, "beyond_page": 0}
    assert push["recovery_ms"]["max"] == 100.0


def test_jobs_created_while_away_beyond_page_1_are_told_apart() -> None:
    """27 were created and a page holds 25: the two oldest cannot be shown, and are no difference."""
    metrics = away_while_creating(27).metrics()

    assert metrics["push"]["created_while_away"]["beyond_page"] == 2
    assert metrics["push"]["recovery_ms"]["never"] == 0
    assert (metrics["convergence"]["beyond_page"], metrics["convergence"]["wrong_jobs"]) == (2, 0)
