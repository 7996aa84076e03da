"""The herd in metrics.json, from whole histories."""

from typing import Any

import pytest

from tests.analysis.literal import Story


def herd_of(**subscribers: Any) -> Any:
    """Return what is told of four iOS devices that fetch together, and of one that fetches alone later."""
    story = Story(subscribers={"count": 4, "web": 0, **subscribers}).clock().live(0, 1, 2, 3)
    story.body("page", ("job", 2)).mutation(0, 1000)
    for device in range(4):
        story.signal(device, "e0", 1010, batch=device + 1)
        story.fetch(device, 1510 + device, 1560 + device, "page", batch=device + 1)
    story.mutation(1, 5000, revision=3).signal(0, "e1", 5010, batch=9).fetch(0, 5510, 5515, "page", batch=9)
    return story.metrics()["herd"]


def test_peaks_and_the_latency_in_them() -> None:
    """Four within 4 ms took 50 ms each; the one alone 5 ms."""
    told = herd_of()

    assert (told["requests"], told["peak_per_100ms"], told["peak_per_100ms_of_one_organization"]) == (5, 4, 4)
    assert told["crowds"] == 1
    assert (told["crowded_ms"]["p50"], told["crowded_ms"]["n"]) == (50, 4)
    assert (told["others_ms"]["p50"], told["others_ms"]["n"]) == (5, 1)


def test_by_default_half_of_the_peak_without_jitter_is_wanted() -> None:
    """Four of four come together without jitter, so two are wanted; the replay agrees with what was measured."""
    told = herd_of()

    assert (told["peak_without_jitter"], told["limit_per_100ms"], told["replayed_over_measured"]) == (4, 2, 1)
    assert told["jitters"]["0"] == {"peak": 4, "peak_min": 4, "peak_max": 4}
    assert told["jitters"][str(told["least_jitter_ms"])]["peak_max"] <= 2


def test_a_scenario_says_what_is_wanted() -> None:
    """Four at once are fine: no jitter is needed."""
    told = herd_of(peak_per_100ms=4)

    assert (told["limit_per_100ms"], told["least_jitter_ms"]) == (4, 0)


def test_the_live_jitter_is_told_if_all_models_share_it() -> None:
    """The hybrid has one of its own."""
    assert herd_of(refresh={"jitter_ms": 250})["live_jitter_ms"] == 250
    assert "250" in herd_of(refresh={"jitter_ms": 250})["jitters"]
    assert Story(subscribers={"count": 2, "web": 0, "hybrid": 1.0}).clock().metrics()["herd"]["live_jitter_ms"] is None


def test_a_fetch_that_failed_took_for_ever() -> None:
    """It is no quick answer."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).mutation(0, 1000)
    told = story.signal(0, "e0", 1010, batch=1).fetch(0, 1510, 1512, None, batch=1).metrics()["herd"]

    assert (told["crowded_ms"]["p50"], told["crowded_ms"]["never"]) == ("never", 1)


def test_what_was_not_replayed_is_not_predicted() -> None:
    """Nobody fetched anything."""
    told = Story().clock().metrics()["herd"]

    assert (told["is_predicted"], told["jitters"], told["limit_per_100ms"]) == (False, {}, None)
    assert told["peak_per_100ms"] == 0


def test_each_organization_has_a_peak_of_its_own() -> None:
    """Two organizations with two devices each fetch at one moment."""
    story = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 4, "web": 0}).clock()
    story.body("page", ("job", 2))
    for device in range(4):
        story.live(device, organization=story.population.devices[device].organization)
        story.fetch(device, 1510, 1530, "page")
    told = story.metrics()["herd"]

    assert told["peak_per_100ms"] == 4
    assert told["peak_per_100ms_of_one_organization"] == pytest.approx(2)
