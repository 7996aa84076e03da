"""The shape of a chapter: a question, its answer in plain words, and the exhibits and tables behind it.

It knows nothing of what any chapter says.
"""

from dataclasses import dataclass

from reports.exhibit import Exhibit
from reports.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One question about a run."""

    name: str
    title: str
    answer: str
    """The answer for this run, in plain words with numbers; what is not known is said to be unknown."""
    advice: tuple[str, ...] = ()
    """What to do about it, and by which rule; a paragraph each."""
    exhibits: tuple[Exhibit, ...] = ()
    tables: tuple[Table, ...] = ()
    """Those that would be empty are left out."""

    @property
    def shown_tables(self) -> tuple[Table, ...]:
        """The tables that have rows."""
        return tuple(table for table in self.tables if table.rows)
