"""The header `Retry-After` (RFC 9110, section 10.2.3): how long whoever was refused is asked to wait."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LIMITED: Final = frozenset({429, 503})
"""The statuses with which a server asks for patience."""
_LONGEST_S: Final = 3600.0
"""Longer than any run means not at all in this one."""


def retry_after_s(value: str, *, now: datetime) -> float | None:
    """Return the seconds to wait from `now`: the header gives them, or a date; None when it is neither."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:  # a zone of -0000 says: UTC, with nothing known of where that is
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), _LONGEST_S)
