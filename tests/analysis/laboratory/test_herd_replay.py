"""The herd under other jitters: members of one organization that heard of one change at the same moment."""

from collections.abc import Mapping

import pytest

from loadtests.analysis.laboratory import herd_replay
from loadtests.analysis.laboratory.herd import Peaks
from loadtests.analysis.laboratory.herd_replay import JITTERS_MS, Herds, replay_herds
from loadtests.clients.roles import models_of
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story

MEMBERS = 200


def one_change(members: int = MEMBERS) -> Story:
    """Return one change that all members hear of at once and fetch half a second later, within a tenth of a second."""
    story = Story(subscribers={"count": members, "web": 0}).clock().live(*range(members)).body("page", ("job", 2))
    story.mutation(0, 1000)
    for member in range(members):
        story.signal(member, "e0", 1010, batch=member + 1).fetch(member, 1510, 1530, "page", batch=member + 1)
    return story


def herds_of(story: Story, more_ms: int | None = None) -> Herds | None:
    """Return what a replay makes of a story."""
    return replay_herds(story.run(), models_of(story.scenario), story.history.names, more_ms=more_ms)


def jittered(story: Story, more_ms: int | None = None) -> Mapping[int, Peaks]:
    """Return the peaks by jitter."""
    herds = herds_of(story, more_ms)
    assert herds is not None
    return herds.jittered


def test_without_jitter_all_come_together() -> None:
    """In each of the draws."""
    assert jittered(one_change())[0].each == (MEMBERS,) * herd_replay.DRAWS


def test_a_jitter_spreads_them_evenly_over_its_length() -> None:
    """In the densest 100 ms of a second no fewer than a tenth of them, nor more than chance allows (5 deviations)."""
    peaks = jittered(one_change())[1000]

    mean, deviation = MEMBERS / 10, (MEMBERS * 0.1 * 0.9) ** 0.5
    assert all(mean < peak < mean + 5 * deviation for peak in peaks.each)


def test_up_to_100_ms_jitter_parts_nobody() -> None:
    """Whoever is drawn late is still within the same 100 ms."""
    assert jittered(one_change())[100].each == (MEMBERS,) * herd_replay.DRAWS


def test_one_more_jitter_is_replayed_on_demand() -> None:
    """And stands in its place."""
    assert list(jittered(one_change(3), 250)) == sorted((*JITTERS_MS, 250))
    assert list(jittered(one_change(3))) == list(JITTERS_MS)


def test_the_live_policies_are_replayed_as_they_are() -> None:
    """Hybrids spread by half a window of their own accord: 250 ms."""
    story = Story(subscribers={"count": MEMBERS, "web": 0, "ios": 0, "hybrid": 1.0}).clock().body("page", ("job", 2))
    story.live(*range(MEMBERS), model=DeviceModel.HYBRID).mutation(0, 1000)
    for member in range(MEMBERS):
        story.signal(member, "e0", 1010, batch=member + 1).fetch(member, 1510, 1530, "page", batch=member + 1)
    herds = herds_of(story)

    assert herds is not None
    assert herds.jittered[0].median == MEMBERS
    assert MEMBERS * 0.4 < herds.live.median < MEMBERS * 0.6


def test_the_least_jitter_keeps_the_limit_in_each_draw() -> None:
    """At 200 ms one draw in three exceeds it."""
    herds = Herds(
        live=Peaks((90, 90, 90)), jittered={0: Peaks((90, 90, 90)), 200: Peaks((48, 49, 51)), 300: Peaks((30, 31, 32))}
    )

    assert [herds.least_jitter_ms(limit) for limit in (50, 90, 10)] == [300, 0, None]


def test_what_was_never_answered_is_not_replayed() -> None:
    """How long a fetch takes is not known."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).mutation(0, 100)

    assert herds_of(story.signal(0, "e0", 110, batch=1)) is None


def test_what_is_too_long_is_not_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three signals and three lifetimes are six steps; by arrays a fifteenth of that."""
    monkeypatch.setattr(herd_replay, "MOST_STEPS", 6 / 15)
    assert herds_of(one_change(3)) is not None
    monkeypatch.setattr(herd_replay, "MOST_STEPS", 5.9 / 15)
    assert herds_of(one_change(3)) is None


def test_hybrids_go_through_the_state_machines_which_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One signal and one lifetime are two steps."""
    story = Story(subscribers={"count": 1, "ios": 0, "web": 0, "hybrid": 1.0}).clock().body("page", ("job", 2))
    story.live(0, model=DeviceModel.HYBRID).mutation(0, 1000).signal(0, "e0", 1010, batch=1)
    story.fetch(0, 1510, 1530, "page", batch=1)

    monkeypatch.setattr(herd_replay, "MOST_STEPS", 2)
    assert herds_of(story) is not None
    monkeypatch.setattr(herd_replay, "MOST_STEPS", 1)
    assert herds_of(story) is None
