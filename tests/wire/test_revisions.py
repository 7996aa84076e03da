"""Which state of a job is the newer one."""

from datetime import UTC, datetime

import pytest

from loadtests.wire.revisions import NOT_KNOWN, Revisions

DAY_MS = 86_400_000
RUN = Revisions(datetime(2026, 3, 6, 12, tzinfo=UTC))


def test_a_revision_that_is_told_stands() -> None:
    """Whatever the row says of its last change."""
    assert RUN.of(7, "2026-03-06T12:00:01Z") == 7


@pytest.mark.parametrize(("told", "revision"), [("7", 7), (7, 7), ("0", DAY_MS + 1000), (None, DAY_MS + 1000)])
def test_a_revision_is_a_number_or_its_digits(told: int | str | None, revision: int) -> None:
    """0 is none: then the last change tells."""
    assert RUN.of(told, "2026-03-06T12:00:01Z") == revision


@pytest.mark.parametrize("told", ["a4f", "1.5", "", -1, 2**31])
def test_what_counts_nothing_is_no_revision(told: int | str) -> None:
    """It is refused, not taken for the nearest number."""
    with pytest.raises(ValueError, match="the revision"):
        RUN.of(told, None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-06T12:00:01.234Z",
        "2026-03-06T12:00:01.234567+00:00",
        "2026-03-06 12:00:01.234567+00",
        "2026-03-06T12:00:01.234567",
        "2026-03-06T13:00:01.234567+01:00",
    ],
)
def test_without_one_the_last_change_is_told_in_every_iso_form(text: str) -> None:
    """Milliseconds from a day before the run began: PostgREST, Realtime and JavaScript write different forms."""
    assert RUN.of(0, text) == DAY_MS + 1234
    assert RUN.of(None, text) == DAY_MS + 1234


def test_a_later_change_is_a_later_revision_and_old_rows_come_first() -> None:
    """A clock that is behind by hours changes nothing; a row of years ago is the oldest there is."""
    told = [RUN.of(0, f"2026-03-06T{hour:02}:00:00Z") for hour in (3, 12, 13)]

    assert told == sorted(set(told))
    assert RUN.of(0, "2019-01-01T00:00:00Z") == 1
    assert RUN.of(0, "2099-01-01T00:00:00Z") == 2**31 - 1


def test_what_is_not_told_is_not_known() -> None:
    """Neither a revision nor a stamp; or nobody said when the run began."""
    assert RUN.of(0, None) == NOT_KNOWN
    assert Revisions(None).of(0, "2026-03-06T12:00:01Z") == NOT_KNOWN


def test_what_is_no_stamp_is_refused() -> None:
    """Never taken for a time."""
    with pytest.raises(ValueError, match="yesterday"):
        RUN.of(0, "yesterday")
