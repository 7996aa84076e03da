"""Devices that come, go, switch and look away: who is expected what, who waits for what, and what is a leak."""

from typing import Any

from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import Cause
from loadtests.history.kinds import DownCause, Kind, Leaving, NotFetched, SignalFlag
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from tests.analysis.literal import MS, Story

TWO: dict[str, Any] = {
    "organizations": {"count": 2, "jobs": 1},
    "subscribers": {"count": 1, "web": 0},
    "lifecycle": [{"step": "switch", "at_s": 1}],
}
"""One device, at home in organization 0, whose person is a guest in organization 1."""


def story_of_one(**changes: Any) -> Story:
    """Return one device at home, and a job there that is changed once, at 5 s."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().true_job("job", 2)
    return story.mutation(0, 5000).body("old", ("job", 1)).body("new", ("job", 2))


def visitor() -> Story:
    """Return a device that is at home until 3 s and a guest from then on, and a job of each organization."""
    story = Story(**TWO).clock().lives(0, -5000, 3000, leaving=Leaving.SWITCHED)
    story.lives(0, 3000, 20_000, organization=1)
    return story.true_job("here", 2).true_job("there", 2, organization=1)


def classes_of(metrics: Any) -> dict[str, int]:
    """Return the classes that are not empty."""
    return {name: count for name, count in metrics["clients"]["ios"]["delivery"].items() if count}


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


def test_a_signal_of_the_organization_that_was_left_is_a_leak() -> None:
    """The same event before the switch is none; in no lifetime at all the last one counts."""
    story = Story(**TWO).clock().lives(0, -5000, 3000, leaving=Leaving.SWITCHED)
    story.lives(0, 4000, 9000, organization=1).true_job("here", 2).mutation(0, 1000, job="here")
    story.signal(0, "e0", 1010).signal(0, "e0", 3500).signal(0, "e0", 4500).signal(0, "e0", 9500)

    leaks = story.metrics()["delivery"]["leaks"]

    assert leaks["total"] == 2
    assert leaks["examples"][0] == {
        "path": "push",
        "event": "e0",
        "of_organization": 0,
        "subscriber": 0,
        "in_organization": 1,
        "at_s": 4.5,
    }


def test_an_answer_with_a_job_of_the_organization_that_was_left_is_a_leak() -> None:
    """Asked for as a guest; the same answer at home is none. Its newest event is named."""
    story = visitor().mutation(0, 1000, job="here").body("page", ("here", 2))
    story.fetch(0, 2000, 2010, "page").fetch(0, 3100, 3110, "page", cause=Cause.CATCH_UP)

    delivery = story.metrics()["delivery"]

    assert delivery["leaked_answers"] == 1
    assert delivery["leaks"]["examples"] == [
        {
            "path": "catch-up",
            "event": "e0",
            "job": "here",
            "of_organization": 0,
            "subscriber": 0,
            "in_organization": 1,
            "at_s": 3.11,
        }
    ]


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


def test_each_difference_names_the_event_that_should_have_caused_it() -> None:
    """The change was missed while live; the seeded job was never there to be seen."""
    story = story_of_one().live(0).true_job("seeded", 1).fetch(0, 4000, 4010, "old", cause=Cause.CATCH_UP)

    told = story.metrics()["convergence"]["differences"]

    assert told["by_delivery"] == {"missed_live": 1, "no_event": 1}
    assert {"device": 0, "job": "job", "what": "old_revision", "event": "e0"}.items() <= told["examples"][0].items()
    assert (told["examples"][0]["committed_s"], told["examples"][0]["delivery"]) == (5.005, "missed_live")
    assert told["examples"][1]["what"] == "missing"


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


def archived(model: DeviceModel, *causes: Cause) -> Story:
    """Return a device of a model whose job is archived at 1 s, and the lists without it that it then fetches."""
    weights = {"ios": 0, "web": 0, model.key: 1}
    story = Story(subscribers={"count": 1, **weights}).clock().live(0, model=model).true_job("job", 2, is_archived=True)
    story.mutation(0, 1000, kind=MutationKind.ARCHIVE).body("page", ("job", 1)).body("empty")
    story.fetch(0, -2000, -1990, "page", cause=Cause.CATCH_UP)
    for number, cause in enumerate(causes):
        story.fetch(0, 2000 + 1000 * number, 2010 + 1000 * number, "empty", cause=cause)
    return story


def test_a_client_that_never_removes_shows_an_archived_job_until_a_catch_up() -> None:
    """As designed the first list takes it off the screen; as built only what replaces everything."""
    designed = archived(DeviceModel.IOS, Cause.FLUSH, Cause.CATCH_UP)
    built = archived(DeviceModel.IOS_AS_BUILT, Cause.FLUSH, Cause.CATCH_UP)

    assert (designed.pairs().visible_ns.tolist(), built.pairs().visible_ns.tolist()) == ([2010 * MS], [3010 * MS])
    assert designed.run().screens.sightings.is_news.tolist() == [True, True, False]
    assert built.run().screens.sightings.is_news.tolist() == [True, False, True]


def test_a_client_that_never_removes_is_wrong_until_then() -> None:
    """The archived job still stands there."""
    designed = archived(DeviceModel.IOS, Cause.FLUSH).metrics()["convergence"]
    built = archived(DeviceModel.IOS_AS_BUILT, Cause.FLUSH).metrics()["convergence"]

    assert (designed["wrong_views"], built["wrong_views"]) == (0, 1)
    assert built["differences"]["by_what"]["archived_but_shown"] == 1
    assert built["differences"]["examples"][0]["event"] == "e0"


def test_client_models_are_told_apart() -> None:
    """One sees the change in time, the other not at all; each has its own classes."""
    story = Story(subscribers={"count": 2, "ios": 1, "web": 1, "web_open_job": 0}).clock().true_job("job", 2)
    kinds = [device.model for device in story.population.subscribers]
    ios, web = kinds.index(DeviceModel.IOS), kinds.index(DeviceModel.WEB)
    story.live(ios).live(web, model=DeviceModel.WEB).mutation(0, 5000).body("new", ("job", 2))
    story.signal(ios, "e0", 5010).fetch(ios, 5500, 5600, "new")

    clients = story.metrics()["clients"]

    assert list(clients) == ["ios", "web"]
    assert (clients["ios"]["seen_within_1s"]["pairs"], clients["web"]["seen_within_1s"]["pairs"]) == (1, 0)
    assert (clients["ios"]["delivery"]["delivered_once"], clients["web"]["delivery"]["missed_live"]) == (1, 1)
    assert (clients["ios"]["convergence"]["wrong_views"], clients["web"]["convergence"]["wrong_views"]) == (0, 1)


def test_what_a_client_held_back_is_counted() -> None:
    """Signals that nobody acted on, and refreshes that were not requested, in the window."""
    story = story_of_one().live(0).signal(0, "e0", 5010, flag=SignalFlag.PAUSED).signal(0, "e0", 5020, flag=0)
    story.signal(0, "e0", 5030, flag=SignalFlag.SUPPRESSED)
    story.row(Kind.NOT_FETCHED, 6000, actor=0, flag=NotFetched.DEDUPED)
    story.row(Kind.NOT_FETCHED, -1000, actor=0, flag=NotFetched.DEDUPED)

    push = story.metrics()["push"]

    assert (push["signals_paused"], push["signals_suppressed"]) == (1, 1)
    assert push["not_fetched"] == {
        "deduped": 1,
        "in_flight": 0,
        "background": 0,
        "ended": 0,
        "nothing_missed": 0,
    }


def test_a_device_that_never_logged_in_is_outside_and_away() -> None:
    """No rows at all of it: its deliveries are outside its lifetimes, its pairs away, and it never came back."""
    metrics = story_of_one().metrics()

    assert classes_of(metrics) == {"expected": 1, "outside": 1}
    assert (metrics["push"]["away_pairs"], metrics["push"]["recovery_ms"]["pairs"]) == (1, 0)
