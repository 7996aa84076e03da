"""An identifier as text: a backend's JSON has it as a string or as a whole number, and inside it is text. Pure.

Must know nothing of what is identified. Text and number of one value are one identifier, because the same id stands as
a number in an answer and as text in an event's column, or the other way round.
"""

from urllib.parse import quote


def text_of(told: object) -> str | None:
    """Return the identifier as text; None: what was told is none, such as null, true or a list."""
    if isinstance(told, str):
        return told or None
    return str(told) if isinstance(told, int) and not isinstance(told, bool) else None


def in_path(identifier: str) -> str:
    """Return it as one segment of a path; UUIDs and numbers stand there as they came."""
    return quote(identifier, safe="")
