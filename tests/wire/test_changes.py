"""A change is built once by the server and means the same to the subscriber, fast path or slow."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.wire.changes import Change, build_data, build_frame, decode_change
from loadtests.wire.phoenix import MalformedFrame, Vsn

# As recorded from Supabase Realtime v2.129.8.
RECORDED = (
    '[null,null,"realtime:org-events","postgres_changes",{"data":{"table":"realtime_events","type":"INSERT",'
    '"record":{"id": "389ef3d5-d4ea-422f-aff5-fa227a71f1d5", "payload": {"n": 1}, "entity_id": "e1", '
    '"created_at": "2026-11-23T08:23:51.634855+00:00", "event_type": "mitigation.updated", '
    '"entity_type": "mitigation", "organization_id": "11111111-1111-4111-8111-111111111111"},'
    '"columns":[{"name": "id", "type": "uuid"}, {"name": "payload", "type": "jsonb"}],"errors":null,'
    '"schema":"public","commit_timestamp":"2026-11-23T08:23:51.634Z"},"ids":[16998183]}]'
)
COMMITTED_NS = round(datetime(2026, 11, 23, 8, 23, 51, tzinfo=UTC).timestamp()) * 10**9 + 634_000_000
UNAUTHORIZED = (
    '{"ref":null,"event":"postgres_changes","topic":"realtime:a","payload":{"data":{"table":"t","type":"INSERT",'
    '"record":{},"columns":[],"errors":["Error 401: Unauthorized"],"schema":"public","commit_timestamp":null},'
    '"ids":[7]}}'
)


def frame_of(record: dict[str, Any]) -> bytes:
    """Return a change message with this record."""
    data = build_data(
        schema=b'"public"',
        table=b'"realtime_events"',
        change_type="INSERT",
        columns=b"[]",
        record=json.dumps(record).encode(),
        old_record=None,
        commit_timestamp=b'"2026-11-23T08:23:51.634Z"',
    )
    return build_frame(Vsn.V2, topic="realtime:a", data=data, ids=[7])


def test_recorded_frame_is_decoded() -> None:
    """A frame of the real server gives the identities and the commit time in Unix nanoseconds."""
    assert decode_change(RECORDED.encode()) == Change(
        topic="realtime:org-events",
        ids=(16998183,),
        schema="public",
        table="realtime_events",
        type="INSERT",
        event_id="389ef3d5-d4ea-422f-aff5-fa227a71f1d5",
        organization_id="11111111-1111-4111-8111-111111111111",
        event_type="mitigation.updated",
        entity_type="mitigation",
        entity_id="e1",
        request_id=None,
        commit_timestamp_ns=COMMITTED_NS,
        errors=(),
    )


def test_both_serializations_hold_the_same_change() -> None:
    """Object and array frames around the same data are the same change, as bytes or as a memoryview."""
    data = json.dumps(json.loads(RECORDED)[4]["data"]).encode()
    frames = [build_frame(vsn, topic="realtime:org-events", data=data, ids=[16998183]) for vsn in Vsn]

    assert [decode_change(memoryview(frame)) for frame in frames] == [decode_change(RECORDED.encode())] * 2


def test_row_without_privilege_has_errors_and_no_time() -> None:
    """A frame with error 401 is a change, but not a delivered row."""
    change = decode_change(UNAUTHORIZED.encode())

    assert change is not None
    assert (change.errors, change.commit_timestamp_ns, change.event_id) == (("Error 401: Unauthorized",), None, None)


@pytest.mark.parametrize("job", [41, "41"])
def test_ids_are_text_however_they_come(job: object) -> None:
    """An events table with integer keys, or one whose `entity_id` is text: the same job."""
    change = decode_change(frame_of({"id": 7, "entity_id": job, "payload": {"job_id": job}}))

    assert change is not None
    assert (change.event_id, change.entity_id, change.job_id) == ("7", "41", "41")


def test_request_id_comes_from_the_payload() -> None:
    """The embedded backend's mutation identity is found."""
    change = decode_change(frame_of({"id": "e", "payload": {"request_id": "r", "more": [1]}}))

    assert change is not None
    assert change.request_id == "r"


@pytest.mark.parametrize("payload", [None, 5, "text", [1], {"request_id": 5}, {}])
def test_any_payload_is_a_change(payload: object) -> None:
    """A payload of any JSON type takes the slow path at worst."""
    change = decode_change(frame_of({"id": 42, "entity_id": "x", "payload": payload}))

    assert change is not None
    assert (change.event_id, change.entity_id, change.request_id) == (
        "42", "x", "5" if payload == {"request_id": 5} else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "frame",
    [
        '["1","1","realtime:a","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
        '["1",null,"realtime:a","system",{"message":"m","status":"ok","extension":"postgres_changes"}]',
        '{"ref":"1","event":"phx_close","topic":"realtime:a","payload":{}}',
    ],
)
def test_other_messages_are_no_change(frame: str) -> None:
    """Whatever is not `postgres_changes` is left to the reader of control messages."""
    assert decode_change(frame.encode()) is None


def test_update_and_delete_carry_the_old_record() -> None:
    """`record` is absent on DELETE, `old_record` on INSERT."""
    data = build_data(
        schema=b'"s"',
        table=b'"t"',
        change_type="DELETE",
        columns=b"[]",
        record=None,
        old_record=b'{"id":1}',
        commit_timestamp=b"null",
        errors=["Error 413: Payload Too Large"],
    )

    assert json.loads(data) == {
        "table": "t", "type": "DELETE", "columns": [], "errors": ["Error 413: Payload Too Large"],
        "schema": "s", "commit_timestamp": None, "old_record": {"id": 1},
    }  # fmt: skip


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_garbage_is_no_change_or_malformed(frame: bytes) -> None:
    """No bytes from a peer raise anything but MalformedFrame."""
    try:
        change = decode_change(frame)
    except MalformedFrame:
        return

    assert change is None


@given(st.integers(0, len(RECORDED)), st.text('[]{},:"0123456789nulltrue-TZ', max_size=4))
def test_damaged_frames_are_changes_or_malformed(at: int, damage: str) -> None:
    """A change with a few characters replaced decodes, is another message, or is malformed."""
    frame = (RECORDED[:at] + damage + RECORDED[at + len(damage) :]).encode()
    try:
        change = decode_change(frame)
    except MalformedFrame:
        return

    assert change is None or isinstance(change, Change)
