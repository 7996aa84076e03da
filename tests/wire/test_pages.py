"""Asking for the first page, in the ways in which backends are asked."""

import pytest

from loadtests.wire.pages import STYLES, PageStyle, first_page

ASKED = [("page", "1"), ("limit", "25"), ("organization_id", "o1")]
REST = ("organization_id", "o1")


@pytest.mark.parametrize(
    ("style", "number", "theirs"),
    [
        ("page", 1, [("page", "1"), ("limit", "25"), REST]),
        ("page", 0, [("page", "0"), ("limit", "25"), REST]),
        ("offset", 1, [("offset", "0"), ("limit", "25"), REST]),
        ("cursor", 1, [("limit", "25"), REST]),
        ("none", 1, [REST]),
    ],
)
def test_each_style_asks_for_the_first_page(style: PageStyle, number: int, theirs: list[tuple[str, str]]) -> None:
    """By its number, by nothing before it, by no cursor, by nothing; what else is asked stays."""
    assert first_page(ASKED, style, number=number) == theirs


@pytest.mark.parametrize("style", STYLES)
def test_a_list_without_pages_is_asked_for_its_size_alone(style: PageStyle) -> None:
    """Such as the audit feed, which has no page to begin with."""
    assert first_page([("limit", "50")], style, number=1) == ([] if style == "none" else [("limit", "50")])


def test_no_other_page_is_ever_asked_for() -> None:
    """A second one would need what only an answer tells."""
    with pytest.raises(ValueError, match="page 2 is asked for"):
        first_page([("page", "2")], "cursor", number=1)
