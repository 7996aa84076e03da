"""What devices spend: per device and minute, in waste, in bunches."""

import pytest

from loadtests.analysis.refreshes import Spending, Traffic, spending
from loadtests.clients.requests import AUDIT_LIMIT, Cause, KeyKind, RequestKey
from tests.analysis.literal import MS, Story


def spending_of(story: Story) -> Spending:
    """Return what the two devices of a story spent in its 10 s: a third of a device-minute."""
    run = story.run()
    screens = run.screens
    traffic = Traffic(
        requests=screens.requests,
        bodies=screens.bodies,
        sightings=screens.sightings,
        signals=run.signals,
        window=run.window,
    )
    return spending(traffic, run.devices.cohort == -1, device_ns=2 * 10_000 * MS)


def two_devices() -> Story:
    """Return two devices that know the job in revision 1."""
    story = Story().clock().live(0, 1).body("old", ("job", 1), size=1000).body("new", ("job", 2), size=1200)
    story.fetch(0, -3000, -2990, "old", cause=Cause.CATCH_UP).fetch(1, -3000, -2990, "old", cause=Cause.CATCH_UP)
    return story


def test_costs_are_told_per_device_and_minute() -> None:
    """Two refreshes and one signal in a third of a device-minute; what came before the window does not count."""
    story = two_devices().mutation(0, 100).signal(0, "e0", 110, batch=1)
    story.fetch(0, 611, 620, "new", batch=1).fetch(1, 700, 710, "new")

    cost = spending_of(story).cost

    assert (round(cost.refreshes, 9), round(cost.requests, 9), round(cost.signals, 9)) == (6.0, 6.0, 3.0)
    assert round(cost.bytes, 6) == 3 * (2 * 1200 + 700)


def test_a_refresh_that_shows_nothing_new_is_wasted() -> None:
    """The second answer of device 0 repeats the first; an older one that arrives late holds nothing either."""
    story = two_devices().fetch(0, 611, 620, "new").fetch(0, 700, 710, "new").fetch(0, 701, 720, "old")

    spent = spending_of(story)

    assert (spent.answered, spent.wasted) == (3, 2)


def test_a_list_that_loses_an_archived_job_is_news() -> None:
    """The job is gone, and the device did not know."""
    story = two_devices().true_job("job", 2, is_archived=True).body("empty")

    assert spending_of(story.fetch(0, 611, 620, "empty")).wasted == 0


def test_a_failed_request_costs_but_is_not_wasted() -> None:
    """It had no answer that could have held anything."""
    spent = spending_of(two_devices().fetch(0, 611, 620, None).fetch(0, 800, None, None))

    assert (spent.requests, spent.answered, spent.wasted) == (2, 0, 0)


def test_an_audit_feed_is_news_when_it_changed() -> None:
    """Its entries are not looked into: another body is another feed."""
    key = RequestKey.audit(limit=AUDIT_LIMIT).path
    story = two_devices().body("feed", kind=KeyKind.AUDIT).body("longer", kind=KeyKind.AUDIT)
    story.fetch(0, 100, 110, "feed", key=key).fetch(0, 200, 210, "feed", key=key).fetch(0, 300, 310, "longer", key=key)

    assert spending_of(story).wasted == 1


def test_the_herd_index_is_the_peak_of_100_ms_over_the_mean() -> None:
    """Three of four requests in one of 100 bins: 3 / (4 / 100)."""
    story = two_devices().fetch(0, 600, 610, "new").fetch(1, 650, 660, "new").fetch(0, 699, 705, "new")

    assert spending_of(story.fetch(0, 5000, 5010, "new")).herd_index == 75.0


def test_what_has_not_changed_costs_no_bytes_and_shows_the_same() -> None:
    """Answered 304: the screen goes on showing what the device had, so a change in it is seen when it was seen."""
    story = two_devices().mutation(0, 100)
    story.fetch(0, 611, 620, "new", reads=2).fetch(0, 2611, 2620, "new", is_unchanged=True, reads=2)

    spent = spending_of(story)

    assert (spent.requests, spent.answered, spent.unchanged, spent.wasted) == (2, 2, 1, 1)
    assert spent.answer_bytes == 1200
    assert spent.database_reads == 4
    assert spent.database_reads_per_hour == pytest.approx(4 * 60 * 3)


def test_reads_that_one_answer_does_not_tell_are_not_known() -> None:
    """A sum that lacks a part is no sum."""
    story = two_devices().fetch(0, 611, 620, "old", reads=2).fetch(0, 1611, 1620, "old")

    assert spending_of(story).database_reads is None
