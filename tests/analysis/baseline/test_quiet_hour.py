"""An hour in which hardly anything is written, by hand."""

import pytest

from loadtests.analysis.baseline.quiet_hour import quiet_hour
from loadtests.analysis.baseline.radio import LTE, WIFI

IDLE_W = 0.5943 * 0.0432 / 1.2802


def cycle_joules_per_hour(every_s: float) -> float:
    """Return what one short transfer every so often takes over LTE: promotion, tail, and idle for the rest."""
    promotion_j, tail_j = 1.2107 * 0.2601, 1.060 * 11.576
    return (promotion_j + tail_j + IDLE_W * (every_s - 0.2601 - 11.576)) * 3600 / every_s


def test_over_lte_heartbeats_alone_keep_the_radio_up_for_half_of_the_time() -> None:
    """11.8 s of each 25 s, and what six changes an hour add is little."""
    hour = quiet_hour(LTE, heartbeat_s=25, window_ms=500)

    alone = cycle_joules_per_hour(25)
    assert alone == pytest.approx(1850, rel=0.01)
    assert hour["push_in_background"].joules_per_hour == pytest.approx(alone, rel=0.03)
    assert hour["push_in_background"].on_share == pytest.approx(0.48, abs=0.01)
    assert hour["push"].joules_per_hour == pytest.approx(alone, rel=0.03)


def test_polling_more_often_than_the_tail_never_lets_lte_sleep() -> None:
    """Every 5 or 10 s: 1.06 W for the whole hour; every 30 or 60 s less than push with its heartbeats."""
    hour = quiet_hour(LTE, heartbeat_s=25, window_ms=500)

    assert hour["5s"].joules_per_hour == pytest.approx(1.06 * 3600, rel=0.02)
    assert hour["10s"].joules_per_hour == pytest.approx(1.06 * 3600, rel=0.02)
    assert hour["30s"].joules_per_hour == pytest.approx(cycle_joules_per_hour(30), rel=0.02)
    assert hour["60s"].wakeups_per_hour == pytest.approx(60)


def test_over_wifi_everything_is_cheap_and_fewer_wake_ups_are_cheaper() -> None:
    """A beat every 25 s against a poll every 5 s."""
    hour = quiet_hour(WIFI, heartbeat_s=25, window_ms=500)
    told = {name: used.joules_per_hour or 0.0 for name, used in hour.items()}

    assert told["push"] < told["10s"] < told["5s"] < 100
    assert hour["push_in_background"].wakeups_per_hour == pytest.approx(144 + 6, rel=0.02)
