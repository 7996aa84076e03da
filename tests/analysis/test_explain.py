"""The life of one event: the same classes and stamps as in the account, told one by one."""

import pytest

from loadtests.analysis.delivery import account
from loadtests.analysis.explain import Explanation, UnknownIdError, explain_event
from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import Cause
from loadtests.history.kinds import DownCause, Kind
from tests.analysis.literal import LIST, MS, Story
from tests.analysis.lives import story_of_one


def explain(story: Story, event: str = "e0", *, subscriber: int | None = None) -> Explanation:
    """Return the life of an event of a story."""
    run = story.run()
    delivery = account(run.events, run.signals, run.mutations, run.screens, deadline_ns=story.scenario.deadline_ms * MS)
    return explain_event(run, delivery, story.history, event, subscriber=subscriber)


def in_time() -> Story:
    """Return one device that shows a change, due at 5 s, 600 ms after it was due."""
    story = story_of_one().live(0).signal(0, "e0", 5010, batch=7)
    story.row(Kind.FLUSH, 5510, actor=0, value=7, revision=1)
    return story.fetch(0, 5511, 5600, "new", batch=7, wanted_ms=5510)


def test_the_stamps_of_a_mutation_are_told_in_their_order() -> None:
    """Due, sent, stored, committed and acked, as the story has them."""
    told = explain(in_time())

    assert [(stamp.what, stamp.at_ns // MS - 5000) for stamp in told.stamps] == [
        ("due", 0),
        ("sent", 1),
        ("stored", 3),
        ("committed", 5),
        ("acked", 10),
    ]
    assert (told.kind, told.type, told.job, told.counted) == ("update", "job_updated", "job", "")


def test_a_delivery_is_followed_to_the_screen() -> None:
    """From the edge before the commit to the answer that shows it, and to logout."""
    part = explain(in_time()).subscribers[0]

    assert (part.delivery, part.cause, part.pair) == ("delivered_once", "", "")
    assert [(stamp.what, stamp.at_ns // MS) for stamp in part.stamps] == [
        ("logged in to organization 0", -5000),
        ("live", -4000),
        ("received", 5010),
        ("flushed", 5510),
        ("requested", 5511),
        ("answered", 5600),
        ("visible", 5600),
        ("left: logged out", 20_000),
    ]
    assert part.stamps[4].detail == LIST


def test_a_miss_has_its_cause_and_the_edges_around_it() -> None:
    """Down when it was committed, live again and healed afterwards."""
    story = story_of_one().live(0).down(0, 4000, 8000, DownCause.HEARTBEAT_LOST)

    part = explain(story.fetch(0, 8000, 8010, "new", cause=Cause.CATCH_UP)).subscribers[0]

    assert (part.delivery, part.cause) == ("missed_healed", "socket down")
    assert [(stamp.what, stamp.at_ns // MS) for stamp in part.stamps][1:4] == [
        ("not live any more: heartbeat lost", 4000),
        ("live", 8000),
        ("visible", 8010),
    ]
    assert part.stamps[-1].what == "received"
    assert part.stamps[-1].at_ns == NEVER


def test_a_pair_that_does_not_count_says_why() -> None:
    """Nobody looked."""
    part = explain(story_of_one().live(0).away(0, 4000, 6000)).subscribers[0]

    assert part.pair.startswith("away: nobody looked")


def test_of_many_subscribers_the_worst_are_told() -> None:
    """Ten devices: one missed it, one was late, and the rest are summed up."""
    story = story_of_one(subscribers={"count": 10, "web": 0}).live(*range(10)).signal(3, "e0", 7000)
    for device in (0, 1, 2, 4, 5, 6, 7, 9):
        story.signal(device, "e0", 5010)

    told = explain(story)

    assert told.classes == {"delivered_once": 8, "late": 1, "missed_live": 1}
    assert [part.device for part in told.subscribers][:2] == [8, 3]
    assert len(told.subscribers) == 5


def test_one_subscriber_can_be_asked_for() -> None:
    """However well it fared."""
    story = story_of_one(subscribers={"count": 10, "web": 0}).live(*range(10)).signal(6, "e0", 5010)

    assert [part.device for part in explain(story, subscriber=6).subscribers] == [6]


def test_an_event_of_the_warm_up_is_told_and_is_in_no_count() -> None:
    """Due before the window began."""
    told = explain(story_of_one().live(0).mutation(1, -500, revision=3), "e1")

    assert told.counted.startswith("outside the measurement window")
    assert (told.classes, told.subscribers[0].delivery) == ({}, "not counted")


def test_an_event_of_no_mutation_has_its_commit_alone() -> None:
    """Somebody else wrote it."""
    told = explain(story_of_one().live(0).event("stray", 300, of=2), "stray")  # type: ignore[arg-type]

    assert [stamp.what for stamp in told.stamps] == ["committed"]
    assert (told.kind, told.zero_ns) == ("", 300 * MS)


@pytest.mark.parametrize(
    ("event", "subscriber", "complaint"),
    [
        ("e9", None, r"no event 'e9'; near it are: e0.*delivery.table"),
        ("ghost", None, "a phantom"),
        ("e0", 4, "device 4 is no subscriber of organization 0.*its subscribers are: 0"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_way_out(event: str, subscriber: int | None, complaint: str) -> None:
    """The message names what comes near, or where ids stand."""
    story = story_of_one().live(0).named("ghost", 300, organization=0).signal(0, "ghost", 300)

    with pytest.raises(UnknownIdError, match=complaint):
        explain(story, event, subscriber=subscriber)
