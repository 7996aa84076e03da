"""Numbers as people read them."""

import math

import pytest

from reports.wording import NO_NUMBER, count, counted, duration, interval, percent, rate, size


@pytest.mark.parametrize(
    ("value_ms", "expected"),
    [
        (0.0, "0 ms"),
        (3.21, "3.2 ms"),
        (546.2, "546 ms"),
        (999.6, "1.00 s"),
        (9_510.4, "9.51 s"),
        (45_000.0, "45 s"),
        (45_120.0, "45.1 s"),
        (250_000.0, "4 min 10 s"),
        (-2.5, "\u22122.5 ms"),
        (math.inf, "never"),
        (math.nan, NO_NUMBER),
        (None, NO_NUMBER),
    ],
)
def test_a_duration_has_three_digits_and_the_fitting_unit(value_ms: float | None, expected: str) -> None:
    """Milliseconds below one second, seconds below two minutes; what never happened says so."""
    assert duration(value_ms).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.0000001, "< 0.1 %"),
        (0.004, "0.4 %"),
        (0.0999, "10 %"),
        (0.83, "83 %"),
        (0.9999999, "> 99.9 %"),
        (1.0, "100 %"),
        (None, NO_NUMBER),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_everything(share: float | None, expected: str) -> None:
    """One lost in a million is not 0 %."""
    assert percent(share).replace("\u00a0", " ") == expected


def test_counts_rates_and_sizes_are_readable() -> None:
    """Thousands are separated, rates have three digits, bytes their unit."""
    told = [count(2250), count(None), rate(1234.5), rate(13.24), rate(1.314), rate(math.inf), size(812), size(14_200)]

    assert [text.replace("\u00a0", " ") for text in told] == [
        "2,250", NO_NUMBER, "1,234", "13.2", "1.31", "∞", "812 B", "14.2 kB",
    ]  # fmt: skip


def test_a_count_carries_its_noun() -> None:
    """One pair, two pairs, no pairs."""
    told = [counted(1, "pair"), counted(2, "pair"), counted(0, "miss", "misses"), counted(None, "signal")]

    assert [text.replace("\u00a0", " ") for text in told] == ["1 pair", "2 pairs", "no misses", "unknown signals"]


def test_the_key_of_a_cohort_becomes_its_interval() -> None:
    """The keys of metrics.json are compact."""
    assert [interval("5s"), interval("0.5s")] == ["5\u00a0s", "0.5\u00a0s"]
