"""One table, as HTML and as Markdown."""

import pytest

from reports.table import Table, to_markdown


def test_markdown_cells_cannot_break_the_table() -> None:
    """A pipe or a tag in a cell stays in its cell."""
    table = Table(caption="gates", head=("gate", "n"), rows=(("a | b < 3\nnext", "1"),))

    assert to_markdown(table) == "| gate | n |\n| --- | ---: |\n| a \\| b &lt; 3 next | 1 |"


def test_a_row_fits_its_head() -> None:
    """A forgotten cell is found where it is forgotten."""
    with pytest.raises(ValueError, match="row of 1 cells under 2 heads"):
        Table(caption="gates", head=("gate", "n"), rows=(("a",),))
