"""Devices that come, go, switch and look away: who is expected what, who waits for what, and what is a leak."""

from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import PAGE_LIMIT, Cause
from loadtests.history.kinds import DownCause, Kind, Leaving
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story
from tests.analysis.lives import TWO, classes_of, story_of_one, visitor


def test_a_guest_is_expected_what_members_are() -> None:
    """Two events here and two there; each is outside unless the device lived in its organization at its commit."""
    story = visitor().mutation(0, 1000, job="here").mutation(1, 4000, job="here", revision=3)
    story.mutation(2, 1000, job="there", organization=1).mutation(3, 4000, job="there", organization=1, revision=3)
    story.signal(0, "e0", 1010).signal(0, "e3", 4010)

    assert classes_of(story.metrics()) == {"expected": 4, "delivered_once": 2, "outside": 2}


def test_live_in_one_organization_is_not_live_in_the_other() -> None:
    """Committed 0.5 s before the switch and not received: the device was not live there until the deadline."""
    story = visitor().mutation(0, 2495, job="here").mutation(1, 4000, job="there", organization=1)

    assert classes_of(story.metrics()) == {"expected": 2, "missed_unhealed": 1, "missed_live": 1}


def leaver(left_ms: float) -> Story:
    """Return two members who were promised an event at 5,005 ms; the one is told after 10 ms, the other leaves."""
    story = Story(**{**TWO, "subscribers": {"count": 4, "web": 0}}).clock().true_job("here", 2)
    story.lives(0, -5000, left_ms, leaving=Leaving.SWITCHED).lives(0, left_ms, 20_000, organization=1)
    story.lives(1, -5000, 20_000)
    return story.mutation(0, 5000, job="here").signal(1, "e0", 5015)


def losses(story: Story) -> tuple[int, int, int]:
    """Return never healed, of these left, and lost."""
    told = story.metrics()["delivery"]
    return told["missed_unhealed"], told["missed_unhealed_left"], told["lost"]


def test_who_leaves_before_anybody_is_told_has_lost_nothing() -> None:
    """Or soon after, for members are told a tenth of a second apart."""
    assert losses(leaver(5007)) == (1, 1, 0)
    assert losses(leaver(5100)) == (1, 1, 0)


def test_who_leaves_long_after_others_were_told_should_have_been_told_too() -> None:
    """Half a second later, though before the deadline."""
    assert losses(leaver(5500)) == (1, 0, 1)


def back(story: Story, *, at_ms: float) -> Story:
    """Let the one who left come home again for the rest of the run."""
    story._rows = [row for row in story._rows if not (row["kind"] == Kind.LOGOUT and row["at_ns"] == 20_000 * MS)]
    story.row(Kind.LOGOUT, 20_000, actor=1)
    story.row(Kind.LOGOUT, at_ms, actor=0, flag=Leaving.SWITCHED)
    return story.lives(0, at_ms, 20_000)


def test_who_comes_back_should_be_shown_what_happened_meanwhile() -> None:
    """Its catch-up answered with the old version, or was never made; one that shows it heals."""
    stale = back(leaver(5007), at_ms=8000).body("old", ("here", 1)).fetch(0, 8010, 8020, "old", cause=Cause.CATCH_UP)
    healed = back(leaver(5007), at_ms=8000).body("new", ("here", 2)).fetch(0, 8010, 8020, "new", cause=Cause.CATCH_UP)

    assert losses(back(leaver(5007), at_ms=8000)) == losses(stale) == (1, 0, 1)
    assert losses(healed) == (0, 0, 0)


def test_who_comes_back_for_a_moment_or_when_the_page_has_moved_on_has_lost_nothing() -> None:
    """Half a second is shorter than the deadline; 25 newer jobs were created meanwhile."""
    moved_on = back(leaver(5007), at_ms=8000)
    for number in range(PAGE_LIMIT):
        moved_on.true_job(f"newer-{number}", 1, created_ms=7000)

    assert losses(back(leaver(5007), at_ms=19_500)) == losses(moved_on) == (1, 1, 0)


def alone(left_ms: float) -> Story:
    """Return a device that left an organization of its own; the other's was told of its own event after 10 ms."""
    story = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 2, "web": 0, "control": 0}).clock()
    story.true_job("here", 2).true_job("there", 2, organization=1)
    story.lives(0, -5000, left_ms).lives(1, -5000, 20_000, organization=1)
    story.mutation(0, 5000, job="here").mutation(1, 2000, job="there", organization=1)
    return story.signal(1, "e1", 2015)


def test_where_nobody_else_could_be_told_who_leaves_soon_has_lost_nothing() -> None:
    """Within the time that events usually take and a tenth of a second; who stayed longer should have been told."""
    assert losses(alone(5100)) == (1, 1, 0)
    assert losses(alone(5900)) == (1, 0, 1)


def test_what_no_page_shows_is_not_lost_and_was_not_left() -> None:
    """25 newer jobs fill the page that the device never fetches again."""
    story = leaver(5007)
    for number in range(PAGE_LIMIT):
        story.true_job(f"newer-{number}", 1, created_ms=-50_000)
    told = story.metrics()["delivery"]

    assert (told["missed_unhealed"], told["missed_unhealed_outside_screen"], told["missed_unhealed_left"]) == (1, 1, 0)
    assert told["lost"] == 0


def test_looking_away_too_soon_interrupts_a_pair() -> None:
    """Looked away 0.9 s after the promise: nobody knows. After a second, which is the deadline, it was never seen."""
    soon = story_of_one().live(0).away(0, 5910, 7000).fetch(0, 7050, 7100, "new")
    late = story_of_one().live(0).away(0, 6010, 7000).fetch(0, 7050, 7100, "new")

    assert (soon.pairs().is_interrupted.tolist(), late.pairs().is_interrupted.tolist()) == ([True], [False])
    assert (soon.metrics()["push"]["interrupted"], soon.metrics()["push"]["visibility_ms"]["pairs"]) == (1, 0)
    assert late.metrics()["push"]["visibility_ms"]["never"] == 1
    assert late.pairs().shown_ns.tolist() == [7100 * MS]


def test_a_pair_is_not_interrupted_by_a_look_back_at_what_one_looks_at() -> None:
    """Said twice, FOREGROUND is no edge."""
    story = story_of_one().live(0).row(Kind.FOREGROUND, 5020, actor=0).fetch(0, 5300, 5400, "new")

    assert story.pairs().visibility_ms.tolist() == [400.0]


def test_a_screen_starts_empty_after_a_kill() -> None:
    """Shown in the first life; in the second one the job is missing, since no answer brought it back."""
    story = story_of_one().lives(0, -5000, 7000, leaving=Leaving.KILLED).lives(0, 8000, 20_000)
    story.fetch(0, 5500, 5510, "new")

    told = story.metrics()["convergence"]

    assert (told["views"], told["wrong_views"]) == (1, 1)
    assert told["differences"]["by_what"]["missing"] == 1


def test_an_answer_that_comes_after_the_kill_shows_nothing() -> None:
    """It was asked for before: nobody's screen holds it."""
    story = story_of_one().lives(0, -5000, 6500, leaving=Leaving.KILLED).lives(0, 8000, 20_000)

    assert story.fetch(0, 6400, 6600, "new").pairs().shown_ns.tolist() == [NEVER]


def test_missed_in_one_life_and_shown_in_the_next_is_healed() -> None:
    """Down when it was committed; the catch-up after the next login shows it."""
    story = story_of_one().lives(0, -5000, 7000, leaving=Leaving.KILLED).lives(0, 8000, 20_000)
    story.row(Kind.DOWN, 4000, actor=0, flag=DownCause.CLOSED).fetch(0, 8100, 8110, "new", cause=Cause.CATCH_UP)

    assert classes_of(story.metrics()) == {"expected": 1, "missed_healed": 1}


def test_a_list_of_another_organization_does_not_show_an_archive() -> None:
    """The guest's list is without the job, as it always was."""
    story = visitor().mutation(0, 1000, job="here", kind=MutationKind.ARCHIVE).body("elsewhere", ("there", 2))

    assert story.fetch(0, 3100, 3110, "elsewhere").pairs().shown_ns.tolist() == [NEVER]


def test_staleness_is_counted_while_somebody_looks() -> None:
    """Promised at 5,010 ms, away from 4 to 6 s, shown at 6,510: ages 990 to 1,500 ms, in 8 s of looking."""
    story = story_of_one().live(0).away(0, 4000, 6000).fetch(0, 6100, 6510, "new", cause=Cause.CATCH_UP)

    staleness = story.metrics()["push"]["staleness_ms"]

    assert (staleness["max"], staleness["n"], staleness["pairs"]) == (1500.0, 1, 1)
    assert staleness["mean"] == (1500**2 - 990**2) / 2 / 8000


def test_each_look_at_a_stale_screen_is_an_interval() -> None:
    """Never shown: stale from 5,010 to 6,000 and from 7,000 to the end of the window at 10 s."""
    staleness = story_of_one().live(0).away(0, 6000, 7000).metrics()["push"]["staleness_ms"]

    assert (staleness["max"], staleness["n"], staleness["pairs"]) == (4990.0, 2, 1)
    assert staleness["mean"] == (990**2 + 4990**2 - 1990**2) / 2 / 9000


def test_views_of_those_who_are_not_there_at_the_end_are_not_compared() -> None:
    """One logs out, one looks away, one stays with the right screen; the drain ends at 11 s."""
    story = Story(subscribers={"count": 3, "web": 0}).clock().true_job("job", 1).body("page", ("job", 1))
    story.lives(0, -5000, 9000).live(1, 2).row(Kind.BACKGROUND, 10_500, actor=1).fetch(2, 100, 110, "page")

    told = story.metrics()["convergence"]

    assert (told["views"], told["away_views"], told["wrong_views"]) == (1, 2, 0)


def test_a_view_is_that_of_the_last_organization() -> None:
    """At home nothing is missing any more: the guest's page is compared."""
    story = visitor().body("page", ("there", 2)).fetch(0, 3100, 3110, "page", cause=Cause.CATCH_UP)

    assert (story.metrics()["convergence"]["views"], story.metrics()["convergence"]["wrong_views"]) == (1, 0)


def test_a_device_that_never_logged_in_is_outside_and_away() -> None:
    """No rows at all of it: its deliveries are outside its lifetimes, its pairs away, and it never came back."""
    metrics = story_of_one().metrics()

    assert classes_of(metrics) == {"expected": 1, "outside": 1}
    assert (metrics["push"]["away_pairs"], metrics["push"]["recovery_ms"]["pairs"]) == (1, 0)


def test_a_second_life_that_was_never_ended_ends_with_what_was_recorded_last() -> None:
    """The process was killed: out and in again at 2 s, and its last row stands at 6 s."""
    story = story_of_one().lives(0, -5000, 1000).row(Kind.LOGIN, 2000, actor=0).row(Kind.LIVE, 2100, actor=0)

    presence = story.signal(0, "e0", 6000).run().presence

    assert (presence.lifetimes.end_ns // MS).tolist() == [1000, 6000]
