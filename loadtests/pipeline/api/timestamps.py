"""Timestamps as callers write them: ISO 8601, in a body or in a query string, to instants in UTC. Pure."""

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """Return the instant that an ISO date or timestamp names; without an offset it is UTC.

    Raises:
        ValueError: it is none, or it is outside the calendar in UTC.

    """
    # In a query string a plus sign that was not escaped arrives as a space.
    parsed = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=UTC)
    try:
        return parsed.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the calendar") from error
