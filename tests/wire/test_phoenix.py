"""Messages keep their meaning through both serializations, and bad text never does harm."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.wire import phoenix
from loadtests.wire.phoenix import (
    Binding,
    ChannelClosed,
    MalformedFrame,
    Message,
    Other,
    Reply,
    System,
    UserBroadcast,
    Vsn,
)

TOPIC = "realtime:org-events"
SUBSCRIBED_FRAME = (
    '["1",null,"realtime:a","system",{"message":"Subscribed to PostgreSQL","status":"ok",'
    '"extension":"postgres_changes","channel":"a"}]'
)
REFS = st.one_of(st.none(), st.text(max_size=5), st.integers(0, 2**31))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
MESSAGES = st.builds(Message, topic=st.text(), event=st.text(), payload=JSON, ref=REFS, join_ref=REFS)


def test_join_of_2_0_0_is_an_array() -> None:
    """A join is `[join_ref, ref, topic, event, payload]`, both references equal."""
    binding = Binding(event="INSERT", schema="public", table="realtime_events", filter="organization_id=eq.1")
    message = phoenix.join(topic=TOPIC, ref="1", bindings=[binding], access_token="T")

    assert json.loads(phoenix.encode_client(message, Vsn.V2)) == [
        "1", "1", TOPIC, "phx_join",
        {"config": {"broadcast": {"ack": False, "self": False}, "presence": {"key": "", "enabled": False},
                    "private": False,
                    "postgres_changes": [{"event": "INSERT", "schema": "public", "table": "realtime_events",
                                          "filter": "organization_id=eq.1"}]},
         "access_token": "T"},
    ]  # fmt: skip


def test_client_messages_of_1_0_0_are_objects() -> None:
    """Heartbeat, token and leave carry the keys that the official Python client sends."""
    sent = [
        phoenix.heartbeat(ref="7"),
        phoenix.access_token(topic=TOPIC, join_ref="1", ref="8", token="T"),
        phoenix.leave(topic=TOPIC, join_ref="1", ref="9"),
    ]

    assert [json.loads(phoenix.encode_client(message, Vsn.V1)) for message in sent] == [
        {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "7", "join_ref": None},
        {"topic": TOPIC, "event": "access_token", "payload": {"access_token": "T"}, "ref": "8", "join_ref": "1"},
        {"topic": TOPIC, "event": "phx_leave", "payload": {}, "ref": "9", "join_ref": "1"},
    ]


def test_binding_without_filter_has_no_filter_key() -> None:
    """The real server refuses `"filter": null`."""
    assert "filter" not in Binding(event="*", schema="public", table="t").to_json()


def test_server_frame_of_1_0_0_has_exactly_four_keys() -> None:
    """`ref` is there and null, `join_ref` never is."""
    message = Message(topic=TOPIC, event="system", payload={}, join_ref="1")

    assert json.loads(phoenix.encode_server(message, Vsn.V1)) == {
        "ref": None, "event": "system", "topic": TOPIC, "payload": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            '["1","1","realtime:a","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
            Reply(topic="realtime:a", ref="1", ok=True, response={"postgres_changes": []}),
        ),
        (
            '[null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]',
            Reply(topic="phoenix", ref="7", ok=True, response={}),
        ),
        (
            SUBSCRIBED_FRAME,
            System(topic="realtime:a", ok=True, extension="postgres_changes", message="Subscribed to PostgreSQL"),
        ),
        ('["1","1","realtime:a","phx_close",{}]', ChannelClosed(topic="realtime:a", join_ref="1", crashed=False)),
        ('["1","1","realtime:a","phx_error",{}]', ChannelClosed(topic="realtime:a", join_ref="1", crashed=True)),
    ],
)
def test_server_frames_are_understood_alike_in_both_serializations(frame: str, expected: object) -> None:
    """What a frame means does not depend on `vsn`: all of this stands outside the join reference."""
    _join_ref, ref, topic, event, payload = json.loads(frame)
    as_object = json.dumps({"ref": ref, "event": event, "topic": topic, "payload": payload})

    assert phoenix.read_server(frame, Vsn.V2) == expected
    assert phoenix.read_server(as_object, Vsn.V1) == expected


def test_other_server_frames_are_handed_on() -> None:
    """Presence, broadcasts and changes are left to whoever knows them."""
    message = Message(topic="realtime:a", event="presence_state", payload={}, join_ref="1")

    assert phoenix.read_server('["1",null,"realtime:a","presence_state",{}]', Vsn.V2) == Other(message=message)


def test_refusal_has_its_reason() -> None:
    """The reason of a refused join is `<Code>: <text>`."""
    frame = '["1","1","realtime:a","phx_reply",{"status":"error","response":{"reason":"MalformedJWT: no"}}]'
    reply = phoenix.read_server(frame, Vsn.V2)

    assert isinstance(reply, Reply)
    assert (reply.ok, reply.reason) == (False, "MalformedJWT: no")


def test_only_the_system_message_makes_a_subscriber_live() -> None:
    """The same words from another extension, or an error, do not."""
    told = [
        System(topic="t", ok=ok, extension=extension, message=message).is_subscribed
        for ok, extension, message in [
            (True, "postgres_changes", "Subscribed to PostgreSQL"),
            (False, "postgres_changes", "Subscribed to PostgreSQL"),
            (True, "system", "Subscribed to PostgreSQL"),
            (True, "postgres_changes", "Replication connection established"),
        ]
    ]

    assert told == [True, False, False, False]


@pytest.mark.parametrize("text", ["", "{", "[]", "[1,2,3,4]", '["1","1","t","e"]', "null", '{"topic":"t"}', b"\xff"])
@pytest.mark.parametrize("vsn", list(Vsn))
def test_what_is_no_message_is_malformed(text: str | bytes, vsn: Vsn) -> None:
    """Text that is no message is refused, never taken for one."""
    with pytest.raises(MalformedFrame):
        phoenix.decode_client(text, vsn)


def test_client_message_without_ref_is_malformed() -> None:
    """In 1.0.0 the four keys must all be there; null is a value."""
    message = phoenix.decode_client('{"topic":"t","event":"e","payload":{},"ref":null}', Vsn.V1)

    assert message == Message(topic="t", event="e", payload={})
    with pytest.raises(MalformedFrame):
        phoenix.decode_client('{"topic":"t","event":"e","payload":{}}', Vsn.V1)


def test_payload_too_deep_to_echo_is_malformed() -> None:
    """JSON that could be read but not written again is refused on arrival."""
    text = '["1","1","t","e",' + "[" * 300 + "]" * 300 + "]"

    with pytest.raises(MalformedFrame):
        phoenix.decode_client(text, Vsn.V2)


def test_binary_broadcast_of_the_javascript_client_is_read() -> None:
    """Kind 3: lengths of join_ref, ref, topic, event and metadata, the encoding, then the parts."""
    parts = [b"1", b"2", b"realtime:a", b"cursor", b""]
    frame = bytes([3, *map(len, parts), 1]) + b"".join(parts) + b'{"x":1}'

    assert phoenix.decode_client_binary(frame) == Message(
        topic="realtime:a",
        event="broadcast",
        payload=UserBroadcast(event="cursor", is_json=True, payload=b'{"x":1}'),
        ref="2",
        join_ref="1",
    )


def test_binary_broadcast_without_a_ref_is_answered_with_an_empty_one() -> None:
    """It has a place for the ref, and no way to say that there is none."""
    frame = bytes([3, 0, 0, 1, 1, 0, 0]) + b"te"

    assert (phoenix.decode_client_binary(frame).ref, phoenix.decode_client_binary(frame).join_ref) == ("", None)


def test_binary_broadcast_shorter_than_it_says_is_malformed() -> None:
    """The lengths must fit the frame."""
    with pytest.raises(MalformedFrame):
        phoenix.decode_client_binary(bytes([3, 1, 1, 10, 6, 0, 1]) + b"12realtime:")


def test_broadcast_is_passed_on_in_both_forms() -> None:
    """Kind 4 with the payload as it came for 2.0.0; JSON for 1.0.0, unless it is none."""
    pushed = UserBroadcast(event="cursor", is_json=True, payload=b'{"x":1}')

    assert phoenix.encode_user_broadcast("realtime:a", pushed) == b'\x04\x0a\x06\x00\x01realtime:acursor{"x":1}'
    assert pushed.as_json() == {"type": "broadcast", "event": "cursor", "payload": {"x": 1}}
    assert UserBroadcast(event="x", is_json=False, payload=b"{}").as_json() is None
    assert UserBroadcast(event="x", is_json=True, payload=b"{").as_json() is None


@pytest.mark.parametrize("text", ['[null,5,{"a":1},[],7]', '[1,2,3,4,5,"more"]', "[null,null,null,null,null]"])
def test_any_types_are_a_message_from_a_client(text: str) -> None:
    """Phoenix answers them all, so they are no reason to drop a frame; further elements are overlooked."""
    message = phoenix.decode_client(text, Vsn.V2)

    assert [message.join_ref, message.ref, message.topic, message.event, message.payload] == json.loads(text)[:5]


@given(MESSAGES, st.sampled_from(Vsn))
def test_client_messages_survive_the_round_trip(message: Message, vsn: Vsn) -> None:
    """What a client encodes is what the server decodes."""
    assert phoenix.decode_client(phoenix.encode_client(message, vsn), vsn) == message


@given(MESSAGES)
def test_server_messages_survive_the_round_trip(message: Message) -> None:
    """What the server encodes is what a client decodes, without the join reference in 1.0.0."""
    without_join_ref = Message(topic=message.topic, event=message.event, payload=message.payload, ref=message.ref)

    assert phoenix.decode_server(phoenix.encode_server(message, Vsn.V2), Vsn.V2) == message
    assert phoenix.decode_server(phoenix.encode_server(message, Vsn.V1), Vsn.V1) == without_join_ref


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()), st.sampled_from(Vsn))
def test_garbage_is_a_message_or_malformed(frame: bytes, vsn: Vsn) -> None:
    """No bytes from a peer raise anything but MalformedFrame."""
    readers: list[Any] = [
        lambda: phoenix.decode_client(frame, vsn),
        lambda: phoenix.read_server(frame, vsn),
        lambda: phoenix.decode_client_binary(frame),
    ]
    for read in readers:
        try:
            read()
        except MalformedFrame:
            continue
