"""How long `Retry-After` asks to wait."""

from datetime import UTC, datetime

import pytest

from loadtests.wire.retry_after import retry_after_s

NOW = datetime(2026, 9, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 30 ", 30),
        ("Tue, 01 Sep 2026 12:00:10 GMT", 10),
        ("Tue, 01 Sep 2026 12:00:10 -0000", 10),
        ("Tue, 01 Sep 2026 11:00:00 GMT", 0),
        ("99999999999", 3600),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_it_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """What is over is over, what is neither is nothing, and more than an hour is an hour."""
    assert retry_after_s(value, now=NOW) == seconds
