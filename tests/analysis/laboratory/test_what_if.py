"""One recorded run under other policies: requests against staleness."""

from typing import Any

import pytest

from loadtests.analysis.laboratory.outcome import Outcome, front, recommended
from loadtests.analysis.laboratory.policy_grid import grid, live, parse_policy
from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.analysis.laboratory.what_if import Laboratory, laboratory_of, recorded
from loadtests.clients.requests import KeyKind, RequestKey
from loadtests.clients.roles import models_of
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def stage(story: Story) -> Laboratory:
    """Return what replays a story."""
    run, models = story.run(), models_of(story.scenario)
    return laboratory_of(run, read_traces(run, models, story.history.names), models, seed=1)


def as_recorded(story: Story) -> Outcome:
    """Return a story as it was."""
    return recorded(story.run(), stage(story))


def replayed(story: Story, policy: str) -> Outcome:
    """Return a story under another policy."""
    return stage(story).replay(parse_policy(policy, story.scenario))


def two_signals(**subscribers: Any) -> Story:
    """Return two signals 300 ms apart that one flush of a debounce of 500 ms served; fetches take 20 ms."""
    story = Story(subscribers={"count": 1, "web": 0, **subscribers}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, 1000).mutation(1, 1300)
    story.signal(0, "e0", 1010, batch=1).signal(0, "e1", 1310, batch=1)
    return story.fetch(0, 1810, 1830, "page", batch=1)


def test_the_live_policy_lives_again_as_it_was_recorded() -> None:
    """One refresh, both signals shown at 1,830 ms: after 820 and 520 ms."""
    story = two_signals()
    once, again = as_recorded(story), stage(story).replay(live(story.scenario))

    assert (once.refreshes, once.waits_ms.p50, once.waits_ms.max) == (1, 520, 820)
    assert (again.refreshes, again.waits_ms, again.stale_mean_ms) == (1, once.waits_ms, once.stale_mean_ms)


def test_staleness_is_the_age_of_the_oldest_signal_that_is_not_shown() -> None:
    """It grows from 0 to 820 ms within 10 s of looking: 0.82² / 2 / 10 s on average."""
    once = as_recorded(two_signals())

    assert once.stale_mean_ms == pytest.approx(33.62)
    assert once.stale_ms.max == 820


def test_a_shorter_window_costs_more_and_waits_less() -> None:
    """At 200 ms each signal has a refresh of its own, shown 220 ms after it."""
    outcome = replayed(two_signals(), "window_ms=200")

    assert (outcome.refreshes, outcome.waits_ms.max) == (2, 220)
    assert outcome.refreshes_per_subscriber_minute == pytest.approx(12)


def test_a_dropped_signal_is_stale_until_something_else_is_fetched() -> None:
    """The leading edge drops the second, and nobody fetches again before they leave at 20 s."""
    outcome = replayed(two_signals(), "edge=leading")

    assert (outcome.refreshes, outcome.suppressed, outcome.waits_ms.never) == (1, 1, 1)
    assert outcome.stale_ms.max == 10_000 - 1310


def test_what_is_not_shown_before_they_look_away_is_the_catch_ups_affair() -> None:
    """They look away in the middle of the window: stale until then, and never shown by the policy."""
    outcome = replayed(two_signals().away(0, 1500, 3000), "live")

    assert (outcome.refreshes, outcome.waits_ms.never, outcome.stale_ms.max) == (0, 2, 490)


def test_a_signal_is_shown_with_the_last_of_its_keys() -> None:
    """The list is answered after 20 ms and the detail after 50."""
    story = Story(subscribers={"count": 1, "ios": 0, "web_open_job": 1.0}).clock().live(0, model=DeviceModel.WEB)
    job = story.population.job_id(0, 0)
    story.body("page", (job, 2)).body("detail", (job, 2), kind=KeyKind.JOB).mutation(0, 1000, job=job)
    story.signal(0, "e0", 1010, batch=1).fetch(0, 1510, 1530, "page", batch=1)
    story.fetch(0, 1510, 1560, "detail", batch=1, key=RequestKey.job(job).path)

    assert as_recorded(story).waits_ms.max == 550


def test_a_failed_request_shows_nothing() -> None:
    """The second one does."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2)).mutation(0, 1000)
    story.signal(0, "e0", 1010, batch=1).fetch(0, 1510, 1530, None, batch=1).fetch(0, 2510, 2530, "page", batch=1)

    assert as_recorded(story).waits_ms.max == 1520


def test_an_answer_that_overtakes_an_earlier_request_shows_the_signal() -> None:
    """Requested later and answered sooner."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2)).mutation(0, 1000)
    story.signal(0, "e0", 1010, batch=1).fetch(0, 1510, 3530, "page", batch=1).fetch(0, 1600, 1620, "page", batch=1)

    assert as_recorded(story).waits_ms.max == 610


def test_the_same_seed_replays_the_same() -> None:
    """Jitters and durations are drawn by it."""
    policy = "jitter_ms=400"

    assert replayed(two_signals(), policy).waits_ms == replayed(two_signals(), policy).waits_ms


def test_the_front_falls_in_staleness_as_requests_rise() -> None:
    """Whatever is beaten in both is left out."""
    laboratory = stage(two_signals())
    best = front([laboratory.replay(choice) for choice in grid()])
    staleness = [each.stale_mean_ms or 0.0 for each in best]

    assert [each.refreshes for each in best] == sorted({each.refreshes for each in best})
    assert staleness == sorted(set(staleness), reverse=True)


def test_a_policy_is_recommended_that_is_no_staler_and_cheaper() -> None:
    """Live refreshes once for each of two jobs; by request key one refresh serves both, no later."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, 1000).mutation(1, 1300, job="other").signal(0, "e0", 1010, batch=1)
    story.signal(0, "e1", 1310, batch=1).fetch(0, 1810, 1830, "page", batch=1).fetch(0, 1830, 1850, "page", batch=1)
    laboratory = stage(story)
    outcomes = [laboratory.replay(parse_policy(text, story.scenario)) for text in ("coalescing=request-key", "live")]

    best = recommended(outcomes, outcomes[1])

    assert best is not None
    assert (best.name, best.refreshes, outcomes[1].refreshes) == ("coalescing=request-key", 1, 2)


def test_a_policy_that_drops_signals_is_not_recommended() -> None:
    """However few requests it makes."""
    story = two_signals(debounce_ms=200)
    laboratory = stage(story)
    own, leading = (
        laboratory.replay(parse_policy(text, story.scenario)) for text in ("live", "edge=leading,window_ms=600")
    )

    assert leading.refreshes < own.refreshes
    assert recommended([leading], own) is None


def test_a_run_without_an_answer_cannot_be_replayed() -> None:
    """How long a fetch takes is not known."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).mutation(0, 100).signal(0, "e0", 110, batch=1)

    with pytest.raises(ReplayError, match="no re-fetch of a subscriber was answered"):
        replayed(story, "live")
