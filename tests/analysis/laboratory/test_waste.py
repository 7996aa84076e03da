"""Each refresh has one use, the uses add up, and each states what it cost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.waste import Use, uses_of, waste_metrics
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.watched import spent_by
from loadtests.clients.requests import KeyKind
from loadtests.history.kinds import Leaving
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import LIST, Story
from tests.analysis.lives import story_of_one

DETAIL = "/api/jobs/job"
Fetched = tuple[int, str, int, int | None, str | None]
"""Device, key, requested, answered, body."""


def knowing(**changes: Any) -> Story:
    """Return one device that was shown the job in revision 1 before the window began."""
    return story_of_one(**changes).live(0).fetch(0, -3000, -2990, "old")


def uses(story: Story) -> list[Use]:
    """Return the use of each refresh in the window, in the order of the requests."""
    return uses_in(story.run())


def uses_in(run: Reconstruction) -> list[Use]:
    """Return the same of a run that was reconstructed already."""
    requested = run.window.holds(run.screens.requests.requested_ns)
    return [Use(use) for use in uses_of(run.screens)[requested].tolist()]


def test_a_refresh_that_shows_a_change_was_necessary_and_one_that_repeats_it_redundant() -> None:
    """The second is alone under way and its answer holds what the first one's did."""
    story = knowing().fetch(0, 600, 620, "new").fetch(0, 700, 720, "new")

    assert uses(story) == [Use.NECESSARY, Use.REDUNDANT]


def test_of_two_under_way_the_one_that_shows_nothing_is_named_by_its_place() -> None:
    """The newer one repeats what the older one showed; or the older one comes later, and repeats the newer."""
    newer_repeats = knowing().fetch(0, 600, 650, "new").fetch(0, 640, 690, "new")
    older_is_late = knowing().fetch(0, 600, 700, "old").fetch(0, 640, 690, "new")

    assert uses(newer_repeats) == [Use.NECESSARY, Use.DUPLICATE]
    assert uses(older_is_late) == [Use.OVERTAKEN, Use.NECESSARY]


def test_an_older_one_of_long_ago_may_still_be_under_way() -> None:
    """The one before was answered long since, the first of all was not."""
    story = knowing().fetch(0, 600, 900, "new").fetch(0, 610, 620, "new").fetch(0, 700, 710, "new")

    assert uses(story) == [Use.OVERTAKEN, Use.NECESSARY, Use.DUPLICATE]


def test_another_key_and_another_device_are_nobodys_duplicate() -> None:
    """Each asks once, at one moment."""
    story = Story(subscribers={"count": 2, "web": 0}).clock().live(0, 1).body("old", ("job", 1))
    story.body("detail", ("job", 1), kind=KeyKind.JOB)
    for device in (0, 1):
        story.fetch(device, -3000, -2990, "old").fetch(device, 600, 700, "old")
    story.fetch(0, 610, 690, "detail", key=DETAIL)

    assert uses(story) == [Use.REDUNDANT, Use.REDUNDANT, Use.REDUNDANT]


def test_a_failure_that_is_followed_was_retried() -> None:
    """An error and silence; nothing follows the last one."""
    story = knowing().fetch(0, 600, 610, None).fetch(0, 700, 710, "old").fetch(0, 800, None, None)

    assert uses(story) == [Use.RETRIED, Use.REDUNDANT, Use.FAILED]


def test_what_a_next_lifetime_requests_retries_nothing_and_doubles_nothing() -> None:
    """The device left with one failed, and one still under way that was answered to nobody."""
    story = story_of_one().lives(0, -5000, 1000, leaving=Leaving.LOGGED_OUT).lives(0, 1500, 20_000)
    story.fetch(0, -3000, -2990, "old").fetch(0, 600, 610, None).fetch(0, 900, 2000, "new", key=LIST)
    story.fetch(0, 1600, 1700, "old").fetch(0, 1800, 1900, "old")

    assert uses(story) == [Use.RETRIED, Use.UNSEEN, Use.NECESSARY, Use.REDUNDANT]


def test_an_answer_that_swr_discards_was_overtaken() -> None:
    """It held the change, which the web app did not show: the newer answer does."""
    story = Story(subscribers={"count": 1, "ios": 0, "web": 1, "web_open_job": 0}).clock()
    story.live(0, model=DeviceModel.WEB).true_job("job", 2).body("old", ("job", 1)).body("new", ("job", 2))
    story.fetch(0, -3000, -2990, "old").fetch(0, 600, 700, "new").fetch(0, 650, 800, "new")

    assert uses(story) == [Use.OVERTAKEN, Use.NECESSARY]


def test_a_toll_is_requests_bytes_and_statements() -> None:
    """A page of 1,000 bytes for which the target asked its database twice, and said so."""
    story = knowing()
    for at_ms in (600, 700, 800):
        story.fetch(0, at_ms, at_ms + 20, "new", reads=2)
    told = story.metrics()["waste"]

    assert told["push"]["redundant"] == {"refreshes": 2, "requests": 2, "bytes": 2000, "database_reads": 4}
    assert told["push"]["necessary"] == {"refreshes": 1, "requests": 1, "bytes": 1000, "database_reads": 2}
    assert told["push"]["necessary_share"] == pytest.approx(1 / 3)
    assert told["ios"] == told["push"]


def test_how_many_statements_a_failure_cost_is_not_known() -> None:
    """It may have come as far as the database, or not."""
    told = knowing().fetch(0, 600, 610, None).metrics()["waste"]["push"]

    assert told["failed"] == {"refreshes": 1, "requests": 1, "bytes": 0, "database_reads": None}
    assert told["retried"]["database_reads"] == 0


def test_a_flush_that_fetches_one_key_for_each_entity_repeats_itself() -> None:
    """Three refreshes of one flush, the next flush's, and one of no flush; the first shows the change."""
    story = knowing().fetch(0, 600, 610, "new", batch=1).fetch(0, 620, 630, "new", batch=1)
    story.fetch(0, 640, 650, "new", batch=1).fetch(0, 700, 710, "new", batch=2).fetch(0, 720, 730, "new")
    told = story.fetch(0, 740, 750, "new").metrics()["waste"]["push"]

    assert (told["redundant"]["refreshes"], told["repeated_in_flush"]) == (5, 2)


def test_a_run_without_a_refresh_has_no_share() -> None:
    """Nothing by nothing is not known."""
    assert story_of_one().live(0).metrics()["waste"]["push"]["necessary_share"] is None


def test_pollers_are_told_by_cohort_and_are_no_part_of_push() -> None:
    """Two polls of an unchanged list: the first fills the screen."""
    story = Story(subscribers={"count": 0}, pollers=[{"interval_s": 5, "count": 1}]).clock()
    story.live(0, model=DeviceModel.POLLER).body("old", ("job", 1))
    told = story.fetch(0, 1000, 1010, "old").fetch(0, 6000, 6010, "old").metrics()["waste"]

    assert (told["5s"]["refreshes"], told["5s"]["redundant"]["requests"]) == (2, 1)
    assert told["push"]["refreshes"] == 0


def by_loops(is_news: list[bool], fetched: list[Fetched]) -> list[Use]:
    """Return the use of each refresh by its definition, one pair at a time; all in one lifetime."""
    found = []
    for place, (device, key, requested, answered, body) in enumerate(fetched):
        same = [other for other in fetched if other[:2] == (device, key)]
        later = [other for other in same if other[2] > requested]
        earlier = [other for other in same if other[2] < requested]
        if body is None:
            found.append(Use.RETRIED if later else Use.FAILED)
        elif is_news[place]:
            found.append(Use.NECESSARY)
        elif answered is not None and any(other[2] < answered for other in later):
            found.append(Use.OVERTAKEN)
        elif any(other[3] is None or other[3] > requested for other in earlier):
            found.append(Use.DUPLICATE)
        else:
            found.append(Use.REDUNDANT)
    return found


@st.composite
def fetches(draw: st.DrawFn) -> list[Fetched]:
    """Draw refreshes of two devices and two keys, each requested at a moment of its own."""
    moments = draw(st.lists(st.integers(10, 9000), unique=True, max_size=12))
    drawn: list[Fetched] = []
    for at in sorted(moments):
        key = draw(st.sampled_from((LIST, DETAIL)))
        body = draw(st.sampled_from((None, "r1", "r2", "r3")))
        lasted = draw(st.integers(1, 3000))
        is_silent = body is None and draw(st.booleans())
        drawn.append((draw(st.integers(0, 1)), key, at, None if is_silent else at + lasted, body))
    return drawn


@settings(max_examples=100, deadline=None)
@given(fetches(), st.sampled_from((DeviceModel.IOS, DeviceModel.WEB)))
def test_uses_are_those_of_a_loop_over_all_pairs_and_add_up(fetched: list[Fetched], model: DeviceModel) -> None:
    """And what was answered with nothing new is all that counts as wasted elsewhere."""
    weights = {"ios": 0, "web": 0, model.key: 1}
    story = Story(subscribers={"count": 2, "web_open_job": 0, **weights}).clock().live(0, 1, model=model)
    for revision in (1, 2, 3):
        story.body(f"r{revision}", ("job", revision)).body(f"d{revision}", ("job", revision), kind=KeyKind.JOB)
    for device, key, requested, answered, body in fetched:
        named = body.replace("r", "d") if body is not None and key == DETAIL else body
        story.fetch(device, requested, answered, named, key=key)
    run = story.run()
    told = waste_metrics(run, {})["push"]
    spent = spent_by(run, run.devices.cohort == SUBSCRIBER)

    assert uses_in(run) == by_loops(run.screens.sightings.is_news.tolist(), fetched)
    assert sum(told[use.name.lower()]["requests"] for use in Use) == told["refreshes"] == len(fetched)
    fruitless = (Use.UNSEEN, Use.OVERTAKEN, Use.DUPLICATE, Use.REDUNDANT)
    assert sum(told[use.name.lower()]["requests"] for use in fruitless) == spent.wasted
    failed = told["retried"]["requests"] + told["failed"]["requests"]
    assert failed == spent.requests - spent.answered
