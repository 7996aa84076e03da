"""How a backend is asked for the first page of a list: by its number, by an offset, by no cursor, or by nothing at all.

Devices show the first page and ask for no other, so nothing is ever read that leads to a second one. Pure.
"""

from collections.abc import Sequence
from typing import Final, Literal, get_args

PageStyle = Literal["page", "offset", "cursor", "none"]
"""`page`: the first one by its number. `offset`: what comes before it, nothing. `cursor`: the first page is the one
without a cursor, and only its size is said. `none`: not even that; the backend answers as many as it likes."""
STYLES: Final[tuple[PageStyle, ...]] = get_args(PageStyle)
_PAGE: Final = "page"
_SIZE: Final = "limit"
_FIRST: Final = "1"

Query = Sequence[tuple[str, str]]
"""Parameters with their values, in order, by the contract's names."""


def first_page(query: Query, style: PageStyle, *, number: int) -> list[tuple[str, str]]:
    """Return what asks a backend of this style for what the contract's `query` asks for.

    Names stay the contract's, except that an offset is called `offset`. `number` is what the backend calls its first
    page.

    Raises:
        ValueError: another page than the first is asked for.

    """
    asked: list[tuple[str, str]] = []
    for name, value in query:
        if name == _PAGE:
            if value != _FIRST:
                raise ValueError(f"page {value} is asked for, and devices show the first page alone")
            asked += {"page": [(_PAGE, str(number))], "offset": [("offset", "0")]}.get(style, [])
        elif name != _SIZE or style != "none":
            asked.append((name, value))
    return asked
