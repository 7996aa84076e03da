"""One table, told twice: as HTML in the page and as Markdown in the summary."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text beneath a head; the first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """A sentence beneath the table."""
    words: frozenset[int] = frozenset()
    """Columns of words, besides the first; all others hold numbers and are set flush right."""
    code: frozenset[int] = frozenset()
    """Columns of what may be copied into a terminal."""
    is_folded: bool = False
    """Whether the page shows it only to whoever opens it."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(
                    f"table '{self.caption}': a row of {len(row)} cells under {len(self.head)} heads: {row}"
                )

    @property
    def is_slim(self) -> bool:
        """Whether two such tables fit side by side."""
        return len(self.head) <= 3 and not self.words - {1} and not self.code

    @property
    def is_long(self) -> bool:
        """Whether it may be broken over two sheets of paper."""
        return len(self.rows) > 20

    def is_number(self, column: int) -> bool:
        """Tell whether a column is set flush right."""
        return column > 0 and column not in self.words | self.code


def to_markdown(table: Table) -> str:
    """Return a GitHub-flavoured Markdown table, without its caption."""
    rules = ["---:" if table.is_number(column) else "---" for column in range(len(table.head))]
    rows = [
        tuple(f"`{cell}`" if cell and column in table.code else cell for column, cell in enumerate(row))
        for row in table.rows
    ]
    lines = [table.head, tuple(rules), *rows]
    text = "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)
    return f"{text}\n\n{table.note}" if table.note else text


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
