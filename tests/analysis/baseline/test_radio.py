"""The radio's model: transfers in, energy out, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.baseline.radio import LTE, RADIOS, WIFI, Drain, Radio, Transfers, sort_transfers
from loadtests.analysis.baseline.radio import drain as drain_within

S = 1_000_000_000
HOUR_NS = 3600 * S


def transfers(*of_one: tuple[float, int, bool], device: int = 0) -> Transfers:
    """Return transfers of one device: (seconds, bytes, whether sent)."""
    return sort_transfers(
        np.full(len(of_one), device, dtype=np.int64),
        np.array([round(at_s * S) for at_s, _, _ in of_one], dtype=np.int64),
        np.array([size for _, size, _ in of_one], dtype=np.int64),
        np.array([is_up for _, _, is_up in of_one], dtype=np.bool_),
    )


def drain(radio: Radio, of: Transfers, *, observed_ns: int) -> Drain:
    """Return what transfers take, whenever they are."""
    return drain_within(radio, of, observed_ns=observed_ns, within_ns=(0, 3 * HOUR_NS))


def test_a_single_byte_over_lte_costs_a_promotion_and_a_tail() -> None:
    """1210.7 mW for 0.2601 s, 1060 mW for 11.576 s, and an idle radio for the rest of the hour."""
    used = drain(LTE, transfers((10.0, 1, False)), observed_ns=HOUR_NS)

    idle_s = 3600 - 0.2601 - 11.576
    by_hand_j = 1.2107 * 0.2601 + 1.060 * 11.576 + 0.5943 * 0.0432 / 1.2802 * idle_s
    assert used.wakeups == 1
    assert used.energy_j == pytest.approx(by_hand_j, rel=1e-5)
    assert used.on_s == pytest.approx(11.8361, rel=1e-5)


def test_a_megabyte_over_wifi_costs_its_throughput() -> None:
    """1 MB at 13 Mbps lasts 0.61538 s, at 132.86 + 137.01 · 13 mW."""
    used = drain(WIFI, transfers((0.0, 1_000_000, False)), observed_ns=S)

    active_j = (0.13286 + 0.13701 * 13) * 8 / 13
    assert used.energy_j - active_j == pytest.approx(
        0.1244 * 0.0791 + 0.1193 * 0.2381 + 77.2e-3 * 7.6 / 308.2 * 0.0674, rel=1e-3
    )


def test_what_comes_within_the_tail_wakes_nobody() -> None:
    """Two transfers ten seconds apart are one burst over LTE and two over Wi-Fi."""
    two = transfers((0.0, 100, False), (10.0, 100, False))

    assert drain(LTE, two, observed_ns=HOUR_NS).wakeups == 1
    assert drain(WIFI, two, observed_ns=HOUR_NS).wakeups == 2


def test_a_heartbeat_every_ten_seconds_never_lets_lte_sleep() -> None:
    """The radio is on for the whole hour: about 3.8 kJ, of which nearly all is tail."""
    beats = transfers(*((10.0 * number, 120, True) for number in range(360)))
    used = drain(LTE, beats, observed_ns=HOUR_NS)

    assert used.wakeups == 1
    assert used.on_share == pytest.approx(1.0, abs=0.002)
    assert used.joules_per_hour == pytest.approx(1.060 * 3600, rel=0.01)


def test_transfers_at_the_same_time_are_active_once() -> None:
    """Bytes cost what they cost; the time in which the radio is on counts once."""
    one = drain(LTE, transfers((0.0, 130_000, False)), observed_ns=HOUR_NS)
    two = drain(LTE, transfers((0.0, 130_000, False), (0.0, 130_000, False)), observed_ns=HOUR_NS)

    assert two.on_s == one.on_s


def test_without_transfers_a_radio_is_idle() -> None:
    """And nobody observed is nobody's energy."""
    none = transfers()

    assert drain(LTE, none, observed_ns=HOUR_NS).joules_per_hour == pytest.approx(LTE.idle_mw * 3.6, rel=1e-9)
    assert drain(LTE, none, observed_ns=0).joules_per_hour is None


def test_devices_do_not_share_a_radio() -> None:
    """Two devices that each transfer once at the same moment are two bursts."""
    both = sort_transfers(np.array([0, 1]), np.array([5, 5]), np.array([9, 9]), np.array([True, True]))

    assert drain(LTE, both, observed_ns=2 * HOUR_NS).wakeups == 2


def test_a_radio_that_is_always_on_is_on_for_all_of_the_time_and_no_more() -> None:
    """A minute of beats, of which the first and the last lie outside: no tail is left out, and none counts twice."""
    beats = transfers(*((10.0 * number, 0, True) for number in range(10)))
    used = drain_within(LTE, beats, observed_ns=60 * S, within_ns=(15 * S, 75 * S))

    assert (used.wakeups, used.on_share) == (0, 1.0)
    assert used.joules_per_hour == pytest.approx(1.060 * 3600)


def test_bytes_count_where_their_transfer_begins() -> None:
    """A second of receiving, half of it before the stretch: the radio is on for the other half and its tail."""
    used = drain_within(WIFI, transfers((0.0, 1_625_000, False)), observed_ns=S, within_ns=(S // 2, S + S // 2))

    assert used.wakeups == 0
    assert used.on_s == pytest.approx(0.5 + 0.2381)
    assert used.energy_j == pytest.approx(0.1193 * 0.2381 + 77.2e-3 * 7.6 / 308.2 * (0.5 - 0.2381), rel=1e-6)


MOMENTS = st.lists(st.tuples(st.floats(0, 300), st.integers(0, 100_000), st.booleans()), min_size=1, max_size=30)


@given(moments=MOMENTS, more=st.tuples(st.floats(0, 300), st.integers(0, 100_000), st.booleans()))
@pytest.mark.parametrize("radio", RADIOS, ids=lambda radio: radio.name)
def test_one_more_transfer_never_saves_energy(
    radio: Radio, moments: list[tuple[float, int, bool]], more: tuple[float, int, bool]
) -> None:
    """However it falls: into a tail, between bursts, on top of another."""
    fewer = drain(radio, transfers(*moments), observed_ns=HOUR_NS)
    all_of_them = drain(radio, transfers(*moments, more), observed_ns=HOUR_NS)

    assert all_of_them.energy_j >= fewer.energy_j - 1e-9
    assert all_of_them.on_s >= fewer.on_s - 1e-9


@given(moments=MOMENTS)
@pytest.mark.parametrize("radio", RADIOS, ids=lambda radio: radio.name)
def test_what_lies_far_apart_adds_up(radio: Radio, moments: list[tuple[float, int, bool]]) -> None:
    """The same transfers again an hour later cost as much again."""
    later = [(at_s + 3600, size, is_up) for at_s, size, is_up in moments]
    once = drain(radio, transfers(*moments), observed_ns=HOUR_NS)
    twice = drain(radio, transfers(*moments, *later), observed_ns=2 * HOUR_NS)

    assert twice.wakeups == 2 * once.wakeups
    assert twice.energy_j == pytest.approx(2 * once.energy_j, rel=1e-6)
