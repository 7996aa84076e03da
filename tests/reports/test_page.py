"""What the page makes of texts and tables."""

from dataclasses import replace

from reports.page import coded, templates
from reports.table import Table

TABLE = Table(caption="Phases", head=("phase", "writes"), rows=(("calm", "3"),), note="By `loadtests check`.")


def shown(table: Table) -> str:
    """Return a table as HTML, on one line."""
    macros = templates().get_template("table.html.j2").module
    return " ".join(str(macros.show(table)).split())  # type: ignore[attr-defined] - a macro of the template


def test_what_stands_between_backticks_is_code() -> None:
    """And everything is escaped, there and elsewhere."""
    assert coded("a < b: `x > 1`, `y`") == "a &lt; b: <code>x &gt; 1</code>, <code>y</code>"
    assert coded("plain") == "plain"
    assert "<code>loadtests check</code>" in shown(TABLE)


def test_a_folded_table_has_its_caption_as_what_opens_it() -> None:
    """Others stand open."""
    assert "<details> <summary>Phases</summary>" in shown(replace(TABLE, is_folded=True))
    assert "details" not in shown(TABLE)
