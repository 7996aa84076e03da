"""Whatever a client sends: an answer or silence as from the real server, never a crash, never somebody else's row."""

import base64
import contextlib
import json
import socket as sockets
import time
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Reply, Vsn
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket, organization_binding

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0)])]

TOPICS = st.sampled_from(
    ["realtime:a", "realtime:public:realtime_events", "realtime:", "phoenix", "x", None, 5, [], {}]
)
EVENTS = st.sampled_from([
    "phx_join", "phx_leave", "access_token", "broadcast", "presence", "heartbeat", "x", None, 5, ["phx_join"],
])  # fmt: skip
KEYS = st.sampled_from([
    "config", "access_token", "user_token", "postgres_changes", "event", "schema", "table", "filter", "select",
    "broadcast", "presence", "ack", "self", "replay", "enabled", "key", "private", "payload", "type",
])  # fmt: skip
OPERATORS = ["eq", "neq", "lt", "gte", "in", "like", "ilike", "match", "imatch", "is", "isdistinct", "foo", "not.eq"]
COLUMNS = ["id", "organization_id", "event_type", "payload", "created_at", "nosuch", "", "a\0"]
FILTERS = st.builds(
    "{}={}.{}".format,
    st.sampled_from(COLUMNS),
    st.sampled_from(OPERATORS),
    st.text(max_size=8) | st.sampled_from(["(a,b)", "null", "true", "(", "*", "{}", "2001-01-01", "1e999"]),
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | FILTERS | st.sampled_from(["*", "INSERT", "public", "realtime_events", "track", "id"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=15
)
BINDINGS = st.fixed_dictionaries(
    {"schema": st.just("public"), "table": st.sampled_from(["realtime_events", "*", "organizations"])},
    optional={"event": LEAVES, "filter": FILTERS, "select": st.lists(st.sampled_from(COLUMNS), max_size=3)},
)
BOOLEANS = st.booleans() | st.sampled_from(["true", "false", 1, None])
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "postgres_changes": st.lists(BINDINGS | LEAVES, max_size=3) | VALUES,
        "private": BOOLEANS,
        "presence": st.fixed_dictionaries({}, optional={"enabled": BOOLEANS, "key": LEAVES}) | VALUES,
        "broadcast": VALUES
        | st.fixed_dictionaries(
            {}, optional={"self": BOOLEANS, "ack": BOOLEANS, "replication_ready": BOOLEANS, "replay": VALUES}
        ),
    },
)
JOINS = st.fixed_dictionaries({"config": CONFIGS}, optional={"access_token": LEAVES})
PRESENCES = st.fixed_dictionaries(
    {"event": st.sampled_from(["track", "untrack", "x", 5])}, optional={"payload": VALUES}
)
REFERENCES = st.none() | st.sampled_from(["1", "2", 3]) | LEAVES
PAYLOADS = VALUES | JOINS | PRESENCES
ARRAYS = st.tuples(REFERENCES, REFERENCES, TOPICS, EVENTS, PAYLOADS).map(list)
OBJECTS = st.fixed_dictionaries(
    {"topic": TOPICS, "event": EVENTS, "payload": PAYLOADS}, optional={"ref": REFERENCES, "join_ref": REFERENCES}
)
TEXTS = ARRAYS.map(json.dumps) | OBJECTS.map(json.dumps) | VALUES.map(json.dumps) | st.text(max_size=30)
BINARIES = st.binary(max_size=40) | st.binary(max_size=40).map(lambda data: b"\x03\x01\x01\x0a\x01\x00\x01" + data)


def answers(socket: Socket) -> list[Any]:
    """Return all frames up to the answer of a heartbeat, which every living socket gives."""
    socket.send(phoenix.heartbeat(ref="are you there?"))
    frames: list[Any] = []
    while True:
        frame = socket.connection.recv(10)
        if isinstance(frame, str):
            message = orjson.loads(frame)
            if "are you there?" in (message if socket.vsn is Vsn.V2 else message.values()):
                return frames
            frames.append(message)


@pytest.mark.parametrize("vsn", list(Vsn))
def test_no_frame_ends_a_socket_or_shows_a_row(realtime: RealtimeUnderTest, vsn: Vsn) -> None:
    """Any frames in any types: the socket lives, and a stranger never sees the row that is written meanwhile."""
    member = realtime.user()
    organization = realtime.organization(member)
    hearing = realtime.socket()
    hearing.join("realtime:mine", realtime.token(member), organization_binding(organization))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(TEXTS | BINARIES, max_size=6))
    def drive(frames: list[str | bytes]) -> None:
        with connect(f"{realtime.url}/socket/websocket?apikey={realtime.anon_key}&vsn={vsn}") as connection:
            stranger = Socket(connection, vsn)
            for frame in frames:
                connection.send(frame)
            seen = answers(stranger)
            event = realtime.emit(organization)
            change = hearing.receive()
            assert isinstance(change, Change)
            assert change.event_id == event
            for message in [*seen, *answers(stranger)]:
                assert len(message) == (5 if vsn is Vsn.V2 else 4)
                assert event not in json.dumps(message)

    drive()


@pytest.mark.parametrize("vsn", list(Vsn))
def test_largest_message_is_taken_and_a_larger_one_ends_the_socket(realtime: RealtimeUnderTest, vsn: Vsn) -> None:
    """5 MB is the limit: nonsense of almost that size is dropped, more closes this socket and no other."""
    patient, greedy = realtime.socket(vsn), realtime.socket(vsn)
    greedy.connection.send("x" * 4_999_000)
    greedy.ping()
    with contextlib.suppress(ConnectionClosed):  # the server may close before it has read everything
        greedy.connection.send("x" * 5_001_000)
    with pytest.raises(ConnectionClosed):
        greedy.connection.recv(10)
    patient.ping()


def test_half_handshakes_hold_up_nobody(realtime: RealtimeUnderTest) -> None:
    """A hundred connections that never finish their request, byte by byte: others are served."""
    port = int(realtime.url.rsplit(":", 1)[1])
    halves = []
    for number in range(100):
        half = sockets.create_connection(("127.0.0.1", port))
        half.sendall(b"GET /socket/websocket HTTP/1.1\r\nHost: x\r\n"[: number % 42])
        halves.append(half)
    realtime.socket().ping()
    for half in halves:
        half.close()
    realtime.socket().ping()


def test_request_without_an_end_is_answered_and_closed(realtime: RealtimeUnderTest) -> None:
    """Headers beyond all measure are not kept in memory."""
    with sockets.create_connection(("127.0.0.1", int(realtime.url.rsplit(":", 1)[1]))) as client:
        client.settimeout(10)
        client.sendall(b"GET / HTTP/1.1\r\n" + b"a: " + b"x" * 70_000)

        assert client.recv(100).startswith(b"HTTP/1.1 431")


def _forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    parts = [orjson.dumps(header), orjson.dumps({"exp": time.time_ns() // 10**9 + 60, **claims}), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "", None, 5])
def test_forged_tokens_open_nothing(realtime: RealtimeUnderTest, algorithm: object) -> None:
    """Neither a socket nor a channel, whatever the token says about itself."""
    forged = _forged({"typ": "JWT", "alg": algorithm}, {"role": "service_role"}, b"")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{realtime.url}/socket/websocket?apikey={forged}&vsn=2.0.0")
    socket = realtime.socket()
    socket.send(phoenix.join(topic="realtime:a", ref="1", bindings=[], access_token=forged))
    reply = socket.receive()

    assert refused.value.response.status_code == 401
    assert isinstance(reply, Reply)
    assert not reply.ok
    assert reply.reason.startswith(("JwtSignerError: ", "JwtSignatureError: ", "MalformedJWT: "))
