"""One burst of changes of one job, as each client takes it, beside the least possible and polling."""

import pytest

from loadtests.analysis.baseline.one_burst import BurstCost, OneBurst
from loadtests.scenario.vocabulary import DeviceModel

TEN = OneBurst(events=10, within_s=1, window_ms=500)


def test_ten_events_in_a_second_are_one_refresh_as_designed() -> None:
    """Half a second after the last."""
    clients = TEN.clients()

    for model in (DeviceModel.IOS, DeviceModel.WEB):
        assert clients[model] == BurstCost(refreshes=1, in_minute=1, last_after_s=0.5)


def test_as_built_they_are_nine_or_none() -> None:
    """The second event flushes the first two, each further one itself; the web page fetches nothing."""
    clients = TEN.clients()

    assert clients[DeviceModel.IOS_AS_BUILT] == BurstCost(refreshes=9, in_minute=9, last_after_s=0.0)
    assert clients[DeviceModel.WEB_AS_BUILT] == BurstCost(refreshes=0, in_minute=0, last_after_s=None)


def test_the_hybrid_does_not_wait_for_quiet() -> None:
    """A second after the first, and half of the jitter of a quarter second; its safety poll falls into the minute."""
    hybrid = TEN.clients()[DeviceModel.HYBRID]

    assert (hybrid.refreshes, hybrid.in_minute) == (1, 2)
    assert hybrid.last_after_s == pytest.approx(1.125 - 0.9)


def test_the_least_possible_depends_on_how_long_a_change_may_wait() -> None:
    """From 0 to 0.9 s: one at 1.4 s serves all, within half a second it takes two."""
    assert TEN.designed_wait_s == pytest.approx(1.4)
    assert TEN.least(1.4) == 1
    assert TEN.least(0.5) == 2
    assert TEN.least(0.0) == 10


def test_polling_needs_a_second_poll_if_the_first_comes_too_early() -> None:
    """In 0.9 s of 5 s; on average the last change waits for half an interval, and the minute costs what it costs."""
    five = TEN.polling(5.0)

    assert five.refreshes == pytest.approx(1.18, abs=0.002)
    assert five.last_after_s == pytest.approx(2.5, abs=0.01)
    assert five.in_minute == 12
