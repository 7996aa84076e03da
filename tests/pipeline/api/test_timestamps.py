"""Callers' timestamps become instants in UTC, or are refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.timestamps import parse_instant


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T09:30:00Z", "2026-01-31T09:30", "2026-01-31T11:30:00+02:00", "2026-01-31T11:30:00 02:00"],
)
def test_several_spellings_are_one_instant(text: str) -> None:
    """With an offset, without one, and with the plus sign that a query string turned into a space."""
    assert parse_instant(text) == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """Also what lies outside the calendar once it is in UTC."""
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - the zone is added below
    st.integers(-1439, 1439),
)
def test_every_timestamp_survives_being_written(naive: datetime, offset_minutes: int) -> None:
    """Whatever its offset."""
    stamp = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

    assert parse_instant(stamp.isoformat()) == stamp
