"""The change messages of one batch as finished WebSocket frames, each built once however many get it.

Pure: rows, what may be shown of them and who they are for in, bytes out.
"""

from typing import NamedTuple

from loadtests.pipeline.realtime.audiences import Select
from loadtests.pipeline.realtime.authorizer import Rights
from loadtests.pipeline.realtime.pgoutput import Row
from loadtests.pipeline.realtime.records import change_data, refused_data
from loadtests.pipeline.realtime.tables import Table
from loadtests.pipeline.realtime.websocket import text_frame
from loadtests.wire.changes import build_frame, build_legacy_frame
from loadtests.wire.phoenix import Vsn


class Line(NamedTuple):
    """One change message, as far as it is the same for all who get it."""

    table: Table
    row: Row
    ids: tuple[int, ...]
    shown: frozenset[int] | None
    """The positions of the columns to show; None says only that there was a row that may not be shown."""
    has_row_security: bool
    is_too_large: bool = False
    """To be shown as too large, whatever its size."""


def shown_columns(table: Table, rights: Rights, role: str, select: Select) -> frozenset[int]:
    """Return the positions of the columns that a role may select and a binding asked for, which always has the key."""
    selectable = rights.selectable.get(role, frozenset())
    if select is None:
        return selectable
    wanted = {at for at, column in enumerate(table.relation.columns) if column.name in select}
    return selectable & (wanted | table.key_positions)


class Frames:
    """The frames of one batch."""

    def __init__(self) -> None:
        self._data: dict[tuple[Row, frozenset[int] | None, bool], bytes] = {}
        self._frames: dict[tuple[Line, Vsn, str, bool], bytes] = {}

    def frame(self, line: Line, *, vsn: Vsn, topic: str, is_legacy: bool) -> bytes:
        """Return the finished WebSocket frame."""
        key = (line, vsn, topic, is_legacy)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = text_frame(self._message(line, vsn, topic, is_legacy=is_legacy))
        return frame

    def _message(self, line: Line, vsn: Vsn, topic: str, *, is_legacy: bool) -> bytes:
        key = (line.row, line.shown, line.is_too_large)
        data = self._data.get(key)
        if data is None:
            data = self._data[key] = _data(line)
        if is_legacy:
            return build_legacy_frame(vsn, topic=topic, change_type=line.row.kind, data=data)
        return build_frame(vsn, topic=topic, data=data, ids=line.ids)


def _data(line: Line) -> bytes:
    if line.shown is None:
        return refused_data(line.table, line.row)
    return change_data(
        line.table,
        line.row,
        shown=line.shown,
        has_row_security=line.has_row_security,
        is_too_large=line.is_too_large,
    )
