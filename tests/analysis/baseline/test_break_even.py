"""Where push stops paying, by simulation; formulas only check it."""

import math
from random import Random

import pytest

from loadtests.analysis.baseline.break_even import (
    MEMBERS,
    Crossing,
    Curve,
    Rate,
    Stretch,
    Writing,
    curve,
    draw_signals,
    simulate,
)
from loadtests.clients.models import client_model
from loadtests.scenario.vocabulary import DeviceModel

MS = 1_000_000
UPDATES = Writing(mix=(("update", 1.0),))


def rate(requests: float, *, wait_s: float | None = 0.5) -> Rate:
    """Return a rate without chance."""
    return Rate(requests=requests, standard_error=0.0, of_blocks=0.0, mean_wait_s=wait_s)


def simulated(model: DeviceModel, per_minute: float, *, writing: Writing = UPDATES, members: int = 1) -> Rate:
    """Return what one of several members requests, over a long stretch."""
    client = client_model(model, window_ns=500 * MS)
    over = Stretch(per_minute=per_minute, block_minutes=200 / per_minute, blocks=10, fetch_ns=MS, seed=members)
    return simulate(client, {client.screen(): 1.0}, writing, over)


@pytest.mark.parametrize("per_minute", [6, 30, 60, 120, 240])
def test_random_writes_flush_a_trailing_debounce_as_often_as_theory_says(per_minute: float) -> None:
    """A write is followed by a flush if none comes within the window: r·e^(-r·w)."""
    simulation = simulated(DeviceModel.WEB, per_minute)
    theory = per_minute * math.exp(-per_minute / 60 * 0.5)

    assert simulation.requests == pytest.approx(theory, abs=max(4 * simulation.standard_error, 0.05 * theory))


def test_even_writes_closer_than_the_window_never_flush_it() -> None:
    """At three a second; at one a second each is a refresh."""
    even = Writing(mix=(("update", 1.0),), arrivals="even")

    assert simulated(DeviceModel.WEB, 180, writing=even).requests < 0.5
    assert simulated(DeviceModel.WEB, 60, writing=even).requests == pytest.approx(60, rel=0.01)


def test_as_built_each_signal_costs_a_request_and_a_web_page_none() -> None:
    """However busy the organization is."""
    assert simulated(DeviceModel.IOS_AS_BUILT, 300).requests == pytest.approx(300, rel=0.05)
    assert simulated(DeviceModel.WEB_AS_BUILT, 300).requests == 0


def test_the_hybrid_is_bounded_in_both_directions() -> None:
    """A poll a minute when nothing is written, and hardly more than one request in 1.25 s when much is."""
    assert simulated(DeviceModel.HYBRID, 0.1).requests == pytest.approx(1.1, abs=0.05)
    assert 60 / 1.3 < simulated(DeviceModel.HYBRID, 600).requests < 60


def test_an_entity_that_is_created_is_a_refresh_of_its_own() -> None:
    """So iOS pays for each of a flush's creations, and once for updates of one job."""
    created = Writing(mix=(("create", 1.0),))
    one_job = Writing(mix=(("update", 1.0),), choice="one")

    assert simulated(DeviceModel.IOS, 120, writing=created).requests == pytest.approx(120, rel=0.03)
    assert simulated(DeviceModel.IOS, 120, writing=one_job).requests == pytest.approx(120 / math.e, rel=0.1)


def test_members_scale_both_sides() -> None:
    """Other luck with jitters, the same writes: what a member requests does not depend on how many others there are."""
    one, another = (simulated(DeviceModel.HYBRID, 30, members=members) for members in (1, 50))

    assert one.requests == pytest.approx(another.requests, rel=0.05)
    own = Curve(model="web", writes=(1.0, 100.0), rates=(rate(1.0), rate(50.0)))
    assert [own.saved(1.0, members, 5.0) for members in MEMBERS] == [11.0 * members for members in MEMBERS]


def test_a_curve_crosses_polling_where_it_costs_the_same() -> None:
    """Twelve requests a minute: between 10 and 14 half-way, and back down between 20 and 4 half-way."""
    own = Curve(model="web", writes=(10.0, 14.0, 40.0, 60.0), rates=(rate(10), rate(14), rate(20), rate(4)))

    assert own.crossings(5.0) == (Crossing(at=12.0, is_loss=True), Crossing(at=50.0, is_loss=False))
    assert own.stops_paying(5.0) == 12.0
    assert own.stops_paying(2.0) is None
    assert own.stops_paying(30.0) == 10.0


def test_push_is_slower_where_its_signals_wait_longer_than_half_an_interval() -> None:
    """Also where they are never fetched."""
    own = Curve(model="web", writes=(1.0, 3.0), rates=(rate(1, wait_s=0.5), rate(3, wait_s=4.5)))
    never = Curve(model="web_as_built", writes=(1.0, 3.0), rates=(rate(0, wait_s=None),) * 2)

    assert [own.is_slower(2.0, interval_s) for interval_s in (2.0, 5.0, 10.0)] == [True, False, False]
    assert never.is_slower(1.0, 60.0)


def test_a_starving_device_waits() -> None:
    """(e^(r·w) - 1) / r at five a second is 2.2 s from the first signal; a later one waits a little less on average."""
    wait_s = simulated(DeviceModel.WEB, 300).mean_wait_s

    assert wait_s is not None
    assert 1.5 < wait_s < 2.5


def test_a_map_is_the_same_every_time() -> None:
    """Seeded, and with as many writes as were asked for."""
    again = curve.__wrapped__(DeviceModel.IOS, UPDATES, window_ns=500 * MS, seed=3)

    assert curve(DeviceModel.IOS, UPDATES, window_ns=500 * MS, seed=3) == again
    assert len(draw_signals(UPDATES, per_minute=7, minutes=10, random=Random(1))) == 70  # noqa: S311 - no secret


def test_ios_stops_paying_at_the_polls_of_a_minute() -> None:
    """A refresh for each write: 12 a minute against polling every 5 s, 6 against 10 s."""
    ios = curve(DeviceModel.IOS, Writing(), window_ns=500 * MS, seed=1)

    assert ios.stops_paying(5.0) == pytest.approx(12, rel=0.03)
    assert ios.stops_paying(10.0) == pytest.approx(6, rel=0.03)
