"""The history: all ledgers of a run, merged, read-only and columnar.

Ledgers of one host share CLOCK_MONOTONIC, so they merge by one stable sort. Each ledger has a dictionary of its
own; the history has one, and every reference is translated on the way in. A ledger whose writer was killed is
longer than what was written: its unwritten tail has kind 0 and is cut off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from loadtests.history.kinds import NO_ENTITY, ROW, Kind
from loadtests.history.ledger import LEDGER_SUFFIX, NAMES_SUFFIX

Rows = NDArray[np.void]
"""A structured array of dtype `kinds.ROW`."""


class TornLedgerError(ValueError):
    """A ledger is not what a writer leaves behind, not even one that was killed."""


@dataclass(frozen=True, slots=True)
class History:
    """Rows in the order of `at_ns` (equal stamps keep the order in which one process wrote them), and names."""

    rows: Rows
    names: tuple[str, ...]

    def of(self, *kinds: Kind) -> Rows:
        """Return the rows of these kinds, in order."""
        chosen: Rows = self.rows[np.isin(self.rows["kind"], [int(kind) for kind in kinds])]
        return chosen

    def number(self, name: str) -> int:
        """Return the number of `name`, or NO_ENTITY when no row ever used it. Linear: not for loops."""
        try:
            return self.names.index(name)
        except ValueError:
            return NO_ENTITY

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read all ledgers of a run directory.

        Raises:
            TornLedgerError: a file was damaged after it was written.

        """
        paths = sorted(directory.glob(f"*{LEDGER_SUFFIX}"))
        return cls._merge((read_rows(path), read_names(path.with_suffix(NAMES_SUFFIX))) for path in paths)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], names: Sequence[str] = ()) -> Self:
        """Build a history from literal rows, for tests and for replays; unnamed fields are 0."""
        table = np.array([_literal(row) for row in rows], dtype=ROW)
        return cls._merge([(table, list(names))])

    @classmethod
    def _merge(cls, shards: Iterable[tuple[Rows, list[str]]]) -> Self:
        numbers: dict[str, int] = {}
        translated = []
        for rows, names in shards:
            table = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int32)
            translated.append(_translate(rows, table))
        merged = np.concatenate(translated) if translated else np.empty(0, dtype=ROW)
        merged = merged[np.argsort(merged["at_ns"], kind="stable")]
        merged.flags.writeable = False
        return cls(rows=merged, names=tuple(numbers))


def read_rows(path: Path) -> Rows:
    """Return what one ledger holds, without the unwritten tail; the array is the caller's own.

    Raises:
        TornLedgerError: a written row stands behind an unwritten one.

    """
    return read_rows_from(path, 0)


def read_rows_from(path: Path, first: int) -> Rows:
    """Return what stands in one ledger from row `first` on; the writer may still be writing.

    Raises:
        TornLedgerError: a written row stands behind an unwritten one.

    """
    raw = np.memmap(path, dtype=ROW, mode="r") if path.stat().st_size >= ROW.itemsize else np.empty(0, ROW)
    # Rows are written in order, so "written" is a prefix: a binary search finds its end without touching the
    # gigabytes of a sparse file that were reserved and never used.
    low, high = min(first, len(raw)), len(raw)
    while low < high:
        middle = (low + high) // 2
        if raw["kind"][middle]:
            low = middle + 1
        else:
            high = middle
    rows: Rows = np.array(raw[first:low])
    if not rows["kind"].all():
        raise TornLedgerError(f"{path} has holes: it was damaged after it was written")
    return rows


def read_names(path: Path) -> list[str]:
    """Return a dictionary's names in the order of their numbers; a last line torn by SIGKILL was never used."""
    text = path.read_bytes().decode()
    return text.split("\n")[:-1]


def _translate(rows: Rows, table: NDArray[np.int32]) -> Rows:
    entity = rows["entity"]
    named = entity != NO_ENTITY
    rows["entity"][named] = table[entity[named]]
    names_another = np.isin(rows["kind"], [int(Kind.BODY_ITEM), int(Kind.EVENT_ABOUT)])
    rows["value"][names_another] = table[rows["value"][names_another]]
    return rows


def _literal(row: Mapping[str, Any]) -> tuple[int, ...]:
    assert row.keys() <= set(ROW.names or ()), row
    return tuple(int(row.get(name, NO_ENTITY if name == "entity" else 0)) for name in ROW.names or ())
