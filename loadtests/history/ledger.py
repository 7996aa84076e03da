"""The append-only ledger of one process, and the dictionary that its rows refer to.

A row costs a fraction of a microsecond, because it is packed straight into a memory-mapped file: what was
written survives SIGKILL of the writer. A full ledger raises, it never drops. Names (UUIDs, request keys, texts)
do not fit a row: the dictionary numbers them, and a name's line is in its file *before* the first row uses it.
"""

import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from loadtests.history.kinds import NO_ENTITY, ROW_FORMAT, Kind

_ROW: Final = struct.Struct(ROW_FORMAT)
LEDGER_SUFFIX: Final = ".ledger"
NAMES_SUFFIX: Final = ".names"


class LedgerFullError(RuntimeError):
    """The ledger's capacity was too small. The run ends; its verdict is unknown."""


class Ledger:
    """One process's ledger: `record` rows, `name` what they refer to.

    Only one thread may write.
    """

    def __init__(self, path: Path, *, capacity_rows: int) -> None:
        """Create `path` (which must not exist) and its dictionary beside it.

        The file is sparse: capacity that is never used costs no disk.
        """
        assert path.suffix == LEDGER_SUFFIX, path
        self.path = path
        self._capacity_bytes = capacity_rows * _ROW.size
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.ftruncate(descriptor, self._capacity_bytes)
            self._map = mmap.mmap(descriptor, self._capacity_bytes)
        finally:
            os.close(descriptor)
        self._names_file = os.open(
            path.with_suffix(NAMES_SUFFIX), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644
        )
        self._names: dict[str, int] = {}
        self._offset = 0
        self._pack: Callable[..., None] = _ROW.pack_into

    @property
    def rows(self) -> int:
        """Rows written so far."""
        return self._offset // _ROW.size

    def record(  # noqa: PLR0913 - the row's own columns
        self,
        kind: Kind,
        at_ns: int,
        *,
        actor: int = 0,
        entity: int = NO_ENTITY,
        revision: int = 0,
        value: int = 0,
        due_ns: int = 0,
        flag: int = 0,
    ) -> None:
        """Append one row; see `Kind` for what the fields of each kind hold.

        Raises:
            LedgerFullError: there is no room left.

        """
        offset = self._offset
        if offset >= self._capacity_bytes:
            raise LedgerFullError(f"{self.path.name} is full after {self.rows:,} rows")
        self._pack(self._map, offset, at_ns, due_ns, value, revision, actor, entity, flag, kind)
        self._offset = offset + _ROW.size

    def name(self, text: str) -> int:
        """Return the number of `text`, giving it the next one at first use."""
        number = self._names.get(text)
        if number is None:
            number = len(self._names)
            os.write(self._names_file, text.encode().replace(b"\n", b" ") + b"\n")
            self._names[text] = number
        return number

    def close(self) -> None:
        """Cut the file to what was written and let go of it."""
        if self._map.closed:
            return
        self._map.flush()
        self._map.close()
        os.truncate(self.path, self._offset)
        os.close(self._names_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
