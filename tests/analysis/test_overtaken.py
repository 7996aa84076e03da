"""A client that discards the answers of overtaken requests shows nothing of them, and they cost as any other."""

import pytest

from loadtests.analysis.freshness import stale_answers
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import MS, Story


def overlapping(model: DeviceModel, *, second: str | None = "new", second_ms: float = 1800) -> Story:
    """Return a device that fetches twice: the first answer, at 2 s, shows the change; the second comes at 2.1 s."""
    weights = {"ios": 0, "web": 0, model.key: 1}
    story = Story(subscribers={"count": 1, "web_open_job": 0, **weights}).clock().live(0, model=model)
    story.true_job("job", 2).mutation(0, 1000).body("old", ("job", 1)).body("new", ("job", 2))
    story.signal(0, "e0", 1010, batch=1)
    return story.fetch(0, 1500, 2000, "new", batch=1).fetch(0, second_ms, 2100, second, batch=2)


@pytest.mark.parametrize(
    ("model", "visible_ms"),
    [
        (DeviceModel.WEB, 2100),
        (DeviceModel.WEB_AS_BUILT, 2100),
        (DeviceModel.IOS, 2000),
        (DeviceModel.IOS_AS_BUILT, 2000),
        (DeviceModel.HYBRID, 2000),
    ],
)
def test_swr_shows_nothing_of_an_answer_that_was_overtaken(model: DeviceModel, visible_ms: int) -> None:
    """The change is seen with the answer of the newer request; other clients show each answer."""
    assert overlapping(model).pairs().visible_ns.tolist() == [visible_ms * MS]


def test_a_discarded_answer_is_waste_and_costs_as_any_other() -> None:
    """Two refreshes with an answer each, of which one came to stand; of each client model too."""
    metrics = overlapping(DeviceModel.WEB).metrics()
    push, web = metrics["push"], metrics["clients"]["web"]

    assert (push["discarded_answers"], push["wasted_refreshes"], push["failed_requests"]) == (1, 1, 0)
    assert web["discarded_answers"] == 1
    assert web["bytes_per_subscriber_minute"] == 6 * (2 * 1000 + 700)
    assert overlapping(DeviceModel.IOS).metrics()["push"]["discarded_answers"] == 0


def test_a_request_that_came_with_the_answer_or_after_it_overtakes_nothing() -> None:
    """The first answer stood already."""
    story = overlapping(DeviceModel.WEB, second_ms=2000)

    assert story.pairs().visible_ns.tolist() == [2000 * MS]
    assert story.metrics()["push"]["discarded_answers"] == 0


def test_a_newer_request_discards_even_if_it_fails() -> None:
    """Nothing showed the change: the view is wrong in the end, and the device stale until then."""
    story = overlapping(DeviceModel.WEB, second=None)
    metrics = story.metrics()

    assert metrics["push"]["visibility_ms"]["never"] == 1
    assert metrics["convergence"]["wrong_views"] == 1
    assert (metrics["push"]["discarded_answers"], metrics["push"]["failed_requests"]) == (1, 1)


def test_an_older_answer_that_is_discarded_takes_nothing_back() -> None:
    """The newer request was answered first."""
    story = overlapping(DeviceModel.WEB).fetch(0, 3000, 3200, "old").fetch(0, 3050, 3100, "new")

    assert story.metrics()["convergence"]["wrong_views"] == 0


def test_another_key_and_another_device_overtake_nothing() -> None:
    """Each key of each device has its own newest request."""
    story = Story(subscribers={"count": 2, "ios": 0, "web": 2, "web_open_job": 0}).clock()
    story.live(0, 1, model=DeviceModel.WEB).true_job("job", 2).mutation(0, 1000).body("new", ("job", 2))
    story.fetch(0, 1500, 2000, "new").fetch(1, 1600, 2100, "new").fetch(0, 1700, 2200, None, key="/api/jobs/job")

    assert story.pairs().visible_ns.tolist() == [2000 * MS, 2100 * MS]


def test_a_flush_whose_answer_was_discarded_is_neither_fresh_nor_stale() -> None:
    """It had nothing to judge; the newer one, which another event caused, is judged by its own."""
    run = overlapping(DeviceModel.WEB).run()
    requests = run.screens.requests
    ends = requests.by_batch(run.window.holds(requests.requested_ns))

    assert stale_answers(run.pairs, run.events, run.signals, ends).answered == 0
