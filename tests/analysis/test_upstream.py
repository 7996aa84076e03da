"""What went wrong before anything was pushed: told too early, too often, or to nobody."""

from typing import Any

from loadtests.analysis.upstream import EXAMPLES
from loadtests.history.kinds import ItemFlag
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story

CREATE = MutationKind.CREATE
SCORED = ItemFlag.SCORED


def upstream(story: Story) -> Any:
    """Return the object `upstream` of metrics.json."""
    return story.metrics()["upstream"]


def test_a_change_is_unannounced_from_its_commit_to_its_events() -> None:
    """Stored 3 ms after due; one event follows 2 ms later, the other came 2 ms before."""
    story = Story().clock().live(0, 1).true_job("job", 3).mutation(0, 100)
    story.mutation(1, 200, revision=3, has_event=False).event("early", 201, mutation=1, of=MutationKind.UPDATE)

    told = upstream(story)

    assert (told["announced_ms"]["max"], told["announced_ms"]["n"], told["announced_ms"]["negative"]) == (2.0, 2, 1)
    assert told["before_commit"] == 1
    assert told["before_sent"] == 0


def test_a_negative_emission_delay_is_held_against_the_clocks() -> None:
    """Sent 1 ms after due; committed 0.4 ms and 3 ms before that, and the clocks are known to within half a ms."""
    story = Story().clock(half_ms=0.5).live(0, 1).true_job("job", 3)
    story.mutation(0, 100, has_event=False).event("a little", 100.6, mutation=0, of=MutationKind.UPDATE)
    story.mutation(1, 200, revision=3, has_event=False).event("much", 198, mutation=1, of=MutationKind.UPDATE)

    told = upstream(story)

    assert (told["before_sent"], told["before_sent_beyond_bound"]) == (2, 1)


def test_the_peak_is_of_one_organization_and_of_any_minute() -> None:
    """Three events within 59 s, the first and the last two minutes apart; another organization has two more."""
    story = Story(
        organizations={"count": 2, "jobs": 1}, phases=[{"name": "l", "duration_s": 200, "mutations_per_s": 1}]
    )
    story.clock().true_job("job", 1)
    for number, at_s in enumerate((0, 30, 70, 89, 150)):
        story.event(f"e{number}", at_s * 1000, of=MutationKind.UPDATE)
    story.event("x", 71_000, of=MutationKind.UPDATE, organization=1)
    story.event("y", 72_000, of=MutationKind.UPDATE, organization=1)

    assert upstream(story)["peak_events_per_minute"] == 3


def test_an_event_before_the_score_is_counted() -> None:
    """The first job's score was there with the job, the second one's 15 ms after its event."""
    story = Story().clock().live(0, 1).true_job("one", 1).true_job("two", 2)
    story.mutation(0, 100, kind=CREATE, job="one", revision=1, risk_factors=1).scored(0, 103, job="one", revision=1)
    story.mutation(1, 200, kind=CREATE, job="two", revision=1, risk_factors=2).scored(1, 220, job="two")

    told = upstream(story)

    assert (told["created_with_score"], told["created_before_score"]) == (2, 1)
    lag = told["score_after_event_ms"]
    assert (lag["p50"], lag["max"], lag["negative"]) == (-2.0, 15.0, 1)


def test_where_no_score_is_known_none_is_known_to_be_late() -> None:
    """A backend without audit rows: a created job's event says nothing of its score."""
    story = Story().clock().live(0, 1).true_job("one", 1)
    story.mutation(0, 100, kind=CREATE, job="one", revision=1, risk_factors=1)

    told = upstream(story)

    assert (told["created_with_score"], told["created_before_score"]) == (0, None)


def scored_late() -> Story:
    """Return a job that was created with risk factors, and whose score is its second version."""
    story = Story(subscribers={"count": 3, "web": 0}).clock().live(0, 1, 2).true_job("new", 3, created_ms=100)
    story.mutation(0, 100, kind=CREATE, job="new", revision=1, risk_factors=1).scored(0, 150, job="new")
    story.body("unscored", ("new", 1)).body("scored", ("new", 2, 0, SCORED)).body("changed", ("new", 3, 0, SCORED))
    return story


def test_a_screen_without_the_score_heals_with_the_next_version_or_never() -> None:
    """Of three screens one shows the score at once, one 500 ms later, because of another event, and one never."""
    story = scored_late().fetch(0, 160, 170, "scored")
    story.fetch(1, 110, 120, "unscored").fetch(1, 610, 620, "changed").fetch(2, 110, 120, "unscored")

    told = upstream(story)

    assert (told["screens_with_new_job"], told["screens_without_score"]) == (3, 2)
    shown = told["score_shown_ms"]
    assert (shown["p50"], shown["max"], shown["never"]) == (500.0, "never", 1)
    assert told["screens_without_score_left"] == 0


def test_a_later_version_without_a_score_heals_nothing() -> None:
    """It is the version after it that does."""
    story = scored_late().body("renamed", ("new", 2))
    story.fetch(0, 110, 120, "unscored").fetch(0, 210, 220, "renamed").fetch(0, 410, 420, "changed")

    assert upstream(story)["score_shown_ms"]["p50"] == 300.0


def test_a_job_without_risk_factors_needs_no_score() -> None:
    """Its screens are not asked."""
    story = Story().clock().live(0, 1).true_job("new", 1, created_ms=100)
    story.mutation(0, 100, kind=CREATE, job="new", revision=1).body("list", ("new", 1)).fetch(0, 110, 120, "list")

    assert upstream(story)["screens_with_new_job"] == 0


def test_a_job_that_left_the_page_is_told_apart_from_one_that_stays_wrong() -> None:
    """It was archived 300 ms after one screen showed it without a score."""
    story = Story().clock().live(0, 1).true_job("new", 3, created_ms=100, is_archived=True)
    story.mutation(0, 100, kind=CREATE, job="new", revision=1, risk_factors=1).scored(0, 150, job="new")
    story.mutation(1, 420, kind=MutationKind.ARCHIVE, job="new", revision=3)
    story.body("unscored", ("new", 1)).body("none").fetch(0, 110, 120, "unscored").fetch(0, 510, 520, "none")

    told = upstream(story)

    assert (told["screens_without_score"], told["screens_without_score_left"]) == (1, 1)
    assert told["score_shown_ms"]["never"] == 1


def test_a_silent_failure_is_named_with_what_it_did_to_screens() -> None:
    """The second update has no event; one device saw it 800 ms after it was due, the other never did."""
    story = Story().clock().live(0, 1).true_job("job", 3).mutation(0, 100).mutation(1, 200, revision=3, has_event=False)
    story.body("three", ("job", 3)).fetch(0, 990, 1000, "three")

    (told,) = upstream(story)["silent"]

    assert told == {
        "mutation": 1,
        "request_id": story.population.request_id(1),
        "kind": "update",
        "job": "job",
        "due_s": 0.2,
        "screens": 2,
        "never_seen_by": 1,
        "last_seen_ms": 800.0,
    }


def test_the_worst_come_first_and_only_so_many() -> None:
    """Twelve silent updates: the eleventh and twelfth were never seen, the others the later the earlier."""
    story = Story().clock().live(0).true_job("job", 14)
    for number in range(12):
        story.mutation(number, 100 * number, revision=number + 2, has_event=False)
    story.body("eleven", ("job", 11)).fetch(0, 4990, 5000, "eleven")

    told = upstream(story)["silent"]

    assert [each["mutation"] for each in told] == [10, 11, 0, 1, 2, 3, 4, 5, 6, 7]
    assert len(told) == EXAMPLES
    assert told[0]["last_seen_ms"] is None


def test_what_was_merged_is_no_failure() -> None:
    """Nobody needs to look at it."""
    story = Story().clock().live(0).true_job("job", 3).mutation(0, 100, has_event=False).mutation(1, 200, revision=3)

    assert upstream(story.limited("e1", stands_for=1))["silent"] == []


def test_a_truth_that_was_not_read_names_nobody() -> None:
    """Events may be missing from the record alone."""
    assert upstream(Story().clock().live(0, 1).mutation(0, 100, has_event=False))["silent"] is None
