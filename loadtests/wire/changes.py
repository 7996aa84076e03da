"""The `postgres_changes` message: built once per event by the server, decoded at full rate by the subscriber.

The decoder knows the columns of `realtime_events` and the JSON of the wire, nothing of subscriptions.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from loadtests.wire.identifiers import text_of
from loadtests.wire.phoenix import MalformedFrame, Vsn, decode_server

EVENT: Final = "postgres_changes"
_BRACKET: Final = ord("[")


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change as a subscriber received it. Absent and non-text columns are None.

    A msgspec struct, because a frozen dataclass of this size costs more to make than the frame to decode.
    """

    topic: str
    ids: tuple[int, ...]
    """The channel's matching bindings."""
    schema: str
    table: str
    type: str
    """`INSERT`, `UPDATE` or `DELETE`."""
    event_id: str | None
    organization_id: str | None
    event_type: str | None
    entity_type: str | None
    entity_id: str | None
    request_id: str | None
    """`record.payload.request_id`: the mutation's identity, where the backend supplies it."""
    commit_timestamp_ns: int | None
    """Unix nanoseconds, of millisecond precision; None on rows with error 400 or 401."""
    errors: tuple[str, ...]
    """Empty for a row delivered whole; only such a row counts as delivered."""
    job_id: str | None = None
    """`record.payload.job_id`: the job, also of an event whose entity is a document."""


def decode_change(frame: bytes | memoryview) -> Change | None:
    """Return the change that a frame of either serialization holds; None if it is another message.

    About 1.6 µs for a 1 kB frame of a `realtime_events` row. A row with unexpected types costs some five times
    as much.

    Raises:
        MalformedFrame: the frame is no message at all, or a `postgres_changes` without its mandatory keys.

    """
    try:
        wire: _ArrayFrame | _ObjectFrame = (
            _ARRAY_DECODER.decode(frame) if frame[0] == _BRACKET else _OBJECT_DECODER.decode(frame)
        )
    except (msgspec.DecodeError, IndexError):  # another message, unexpected types, or nothing at all
        return _decode_any(frame)
    if wire.event != EVENT:
        return None
    payload = wire.payload
    data = payload.data
    record = data.record
    detail = record.payload
    stamp = data.commit_timestamp
    return Change(
        wire.topic,
        payload.ids,
        data.schema,
        data.table,
        data.type,
        record.id,
        record.organization_id,
        record.event_type,
        record.entity_type,
        record.entity_id,
        detail.request_id if detail is not None else None,
        None if stamp is None else round(stamp.timestamp() * 1e6) * 1000,  # a double holds the microseconds exactly
        data.errors or (),
        detail.job_id if detail is not None else None,
    )


def build_data(  # noqa: PLR0913 - one argument for each key of the object
    *,
    schema: bytes,
    table: bytes,
    change_type: str,
    columns: bytes,
    record: bytes | None,
    old_record: bytes | None,
    commit_timestamp: bytes,
    errors: Sequence[str] = (),
) -> bytes:
    """Return the `data` object of a change; every `bytes` is finished JSON.

    `record` is absent on DELETE and `old_record` on INSERT (None leaves the key out). `errors` is null when
    there are none, else a list, as recorded from Supabase Realtime v2.129.8.
    """
    return b"".join(
        (
            b'{"table":',
            table,
            b',"type":"',
            change_type.encode(),
            b'"',
            b"" if record is None else b',"record":' + record,
            b',"columns":',
            columns,
            b',"errors":',
            orjson.dumps(list(errors)) if errors else b"null",
            b',"schema":',
            schema,
            b',"commit_timestamp":',
            commit_timestamp,
            b"" if old_record is None else b',"old_record":' + old_record,
            b"}",
        )
    )


def build_frame(vsn: Vsn, *, topic: str, data: bytes, ids: Sequence[int]) -> bytes:
    """Return the message text around `data` (from `build_data`); equal arguments give equal bytes.

    Both references are null and, in 1.0.0, `ref` is present and null: the official Python client needs the key.
    """
    tail = b',"ids":[%b]}' % b",".join(b"%d" % one for one in ids)
    if vsn is Vsn.V2:
        return b'[null,null,%b,"postgres_changes",{"data":%b%b]' % (orjson.dumps(topic), data, tail)
    head = b'{"ref":null,"event":"postgres_changes","topic":%b,"payload":{"data":' % orjson.dumps(topic)
    return b"%b%b%b}" % (head, data, tail)


def build_legacy_frame(vsn: Vsn, *, topic: str, change_type: str, data: bytes) -> bytes:
    """Return the message text for a channel that joined without `config`: the kind is the event, and no ids."""
    shown_topic, event = orjson.dumps(topic), orjson.dumps(change_type)
    if vsn is Vsn.V2:
        return b"[null,null,%b,%b,%b]" % (shown_topic, event, data)
    return b'{"ref":null,"event":%b,"topic":%b,"payload":%b}' % (event, shown_topic, data)


class _Detail(msgspec.Struct, gc=False):
    request_id: str | None = None
    job_id: str | None = None


class _Record(msgspec.Struct, gc=False):
    id: str | None = None
    organization_id: str | None = None
    event_type: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    payload: _Detail | None = None


class _Data(msgspec.Struct, gc=False):
    schema: str
    table: str
    type: str
    commit_timestamp: datetime | None
    record: _Record = msgspec.field(default_factory=_Record)
    errors: tuple[str, ...] | None = None


class _Payload(msgspec.Struct, gc=False):
    data: _Data
    ids: tuple[int, ...]


class _ArrayFrame(msgspec.Struct, array_like=True, gc=False):
    join_ref: str | int | None
    ref: str | int | None
    topic: str
    event: str
    payload: _Payload


class _ObjectFrame(msgspec.Struct, gc=False):
    topic: str
    event: str
    payload: _Payload


_ARRAY_DECODER: Final = msgspec.json.Decoder(_ArrayFrame)
_OBJECT_DECODER: Final = msgspec.json.Decoder(_ObjectFrame)


def _decode_any(frame: bytes | memoryview) -> Change | None:
    message = decode_server(frame, Vsn.V2 if frame[:1] == b"[" else Vsn.V1)
    if message.event != EVENT:
        return None
    try:
        data: dict[str, Any] = message.payload["data"]
        record = data.get("record")
        columns: dict[str, Any] = record if isinstance(record, dict) else {}
        detail = columns.get("payload")
        stamp = data["commit_timestamp"]
        return Change(
            topic=message.topic,
            ids=tuple(int(one) for one in message.payload["ids"]),
            schema=str(data["schema"]),
            table=str(data["table"]),
            type=str(data["type"]),
            event_id=text_of(columns.get("id")),
            organization_id=text_of(columns.get("organization_id")),
            event_type=text_of(columns.get("event_type")),
            entity_type=text_of(columns.get("entity_type")),
            entity_id=text_of(columns.get("entity_id")),
            request_id=text_of(detail.get("request_id")) if isinstance(detail, dict) else None,
            commit_timestamp_ns=None if stamp is None else _unix_ns(stamp),
            errors=_errors(data.get("errors")),
            job_id=text_of(detail.get("job_id")) if isinstance(detail, dict) else None,
        )
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise MalformedFrame(f"not a postgres_changes message: {error!r}") from error


def _unix_ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000


def _errors(value: object) -> tuple[str, ...]:
    """Return the errors; the documentation says text, the server sends a list of texts."""
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)
