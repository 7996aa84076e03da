"""Private channels against a real database: its policies on `realtime.messages` decide who hears and who speaks."""

from typing import Any

import orjson
import pytest

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Message, Vsn
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket, organization_binding

pytestmark = pytest.mark.e2e

ROOM = "realtime:room"
OK: dict[str, Any] = {"status": "ok", "response": {}}
UNAUTHORIZED = "Unauthorized: You do not have permissions to read from this Channel topic: room"


@pytest.fixture
def options() -> RealtimeOptions:
    """Return the options of a server that refuses at once; a test may parametrize them."""
    return RealtimeOptions(delay_scale=0)


def allow(realtime: RealtimeUnderTest, command: str, condition: str) -> None:
    """Make a policy for signed-in callers."""
    clause = "with check" if command == "insert" else "using"
    realtime.execute(
        f"create policy p_{command}_{abs(hash(condition))} on realtime.messages for {command} to authenticated"
        f" {clause} ({condition})"
    )


def send(socket: Socket, *frame: object) -> None:
    """Send a frame of 2.0.0."""
    socket.connection.send(orjson.dumps(frame).decode())


def receive(socket: Socket) -> Any:
    """Return the next frame of 2.0.0 without the topic, which all of these tests have in common."""
    join_ref, ref, _topic, event, payload = orjson.loads(socket.connection.recv(10))
    return [join_ref, ref, event, payload]


def assert_silent(socket: Socket) -> None:
    """The next frame is the answer to a heartbeat sent now."""
    send(socket, None, "silent?", "phoenix", "heartbeat", {})
    assert receive(socket) == [None, "silent?", "phx_reply", OK]


def join(
    realtime: RealtimeUnderTest, user: str, *, socket: Socket | None = None, ref: str = "1", **config: Any
) -> tuple[Socket, Any]:
    """Join the room and return the socket and the answer's payload."""
    socket = socket or realtime.socket()
    payload = {"config": {"private": True, **config}, "access_token": realtime.token(user)}
    send(socket, ref, ref, ROOM, "phx_join", payload)
    return socket, receive(socket)[3]


def test_without_a_policy_nobody_joins(realtime: RealtimeUnderTest) -> None:
    """Row-level security refuses what no policy grants; the socket stays."""
    socket, answer = join(realtime, realtime.user())
    assert_silent(socket)

    assert answer == {"status": "error", "response": {"reason": UNAUTHORIZED}}


def test_without_the_table_nobody_joins(realtime: RealtimeUnderTest) -> None:
    """A database that has no such table grants nothing, and is asked again the next time."""
    realtime.execute("drop schema realtime cascade")
    answers = [join(realtime, realtime.user())[1] for _ in range(2)]

    assert answers == [{"status": "error", "response": {"reason": UNAUTHORIZED}}] * 2


def test_a_policy_that_raises_grants_nothing(realtime: RealtimeUnderTest) -> None:
    """As the real server: the caller is told no more than that."""
    allow(realtime, "select", "(1 / (length(topic) - 4)) > 0")

    assert join(realtime, realtime.user())[1]["response"] == {"reason": UNAUTHORIZED}


def test_a_policy_decides_by_topic_and_caller(realtime: RealtimeUnderTest) -> None:
    """`realtime.topic()` is the topic asked about, without its prefix; the claims are the caller's."""
    insider, outsider = realtime.user(), realtime.user()
    allow(realtime, "select", f"realtime.topic() = 'room' and topic = 'room' and auth.uid() = '{insider}'")
    answers = [join(realtime, user)[1]["status"] for user in (insider, outsider)]
    elsewhere = realtime.socket()
    payload = {"config": {"private": True}, "access_token": realtime.token(insider)}
    send(elsewhere, "1", "1", "realtime:other", "phx_join", payload)

    assert answers == ["ok", "error"]
    assert receive(elsewhere)[3]["status"] == "error"


def test_nothing_is_left_of_the_question(realtime: RealtimeUnderTest) -> None:
    """The rows with which the policies were tried are taken back."""
    allow(realtime, "select", "true")
    allow(realtime, "insert", "true")
    socket, _ = join(realtime, realtime.user(), broadcast={"ack": True})
    send(socket, "1", "2", ROOM, "broadcast", {"type": "broadcast", "event": "x", "payload": {}})
    receive(socket)

    assert realtime.execute("select count(*) from realtime.messages") == [(0,)]


def test_changes_are_served_on_a_private_channel_too(realtime: RealtimeUnderTest) -> None:
    """Whether a channel is private has nothing to do with the table's own policies."""
    member = realtime.user()
    organization = realtime.organization(member)
    allow(realtime, "select", "true")
    binding = organization_binding(organization).to_json()
    socket, _ = join(realtime, member, postgres_changes=[binding])
    socket.receive()
    event = realtime.emit(organization)
    change = socket.receive()

    assert isinstance(change, Change)
    assert change.event_id == event


def test_who_may_hear_but_not_speak_is_not_answered(realtime: RealtimeUnderTest) -> None:
    """The broadcast reaches nobody, and is not even acknowledged."""
    allow(realtime, "select", "true")
    mute, _ = join(realtime, realtime.user(), broadcast={"ack": True, "self": True})
    hearing, _ = join(realtime, realtime.user())
    send(mute, "1", "2", ROOM, "broadcast", {"type": "broadcast", "event": "x", "payload": {}})
    assert_silent(mute)
    assert_silent(hearing)


def test_who_may_speak_is_heard_by_who_may_hear(realtime: RealtimeUnderTest) -> None:
    """In both serializations, and not on a public channel of the same name."""
    allow(realtime, "select", "true")
    allow(realtime, "insert", "extension = 'broadcast'")
    speaking, _ = join(realtime, realtime.user(), broadcast={"ack": True})
    hearing, _ = join(realtime, realtime.user())
    public = realtime.socket()
    public.send(phoenix.join(topic=ROOM, ref="1", bindings=[], access_token=realtime.token(realtime.user())))
    public.receive()
    said = {"type": "broadcast", "event": "x", "payload": {"n": 1}}
    send(speaking, "1", "2", ROOM, "broadcast", said)
    heard, acknowledged = receive(hearing), receive(speaking)
    assert_silent(public)

    assert heard == [None, None, "broadcast", said]
    assert acknowledged == ["1", "2", "phx_reply", OK]


def test_presence_has_policies_of_its_own(realtime: RealtimeUnderTest) -> None:
    """Who may broadcast only is refused to be present, and hears who is."""
    shown, hidden = realtime.user(), realtime.user()
    allow(realtime, "select", "true")
    allow(realtime, "insert", f"extension = 'broadcast' or auth.uid() = '{shown}'")
    first, _ = join(realtime, shown, presence={"key": "me", "enabled": True})
    empty = receive(first)
    second, _ = join(realtime, hidden)
    send(second, "1", "2", ROOM, "presence", {"type": "presence", "event": "track", "payload": {}})
    refused = receive(second)
    send(first, "1", "2", ROOM, "presence", {"type": "presence", "event": "track", "payload": {"a": 1}})
    difference, tracked = receive(first), receive(first)

    assert empty == ["1", None, "presence_state", {}]
    assert refused == ["1", "2", "phx_reply", {"status": "error", "response": {}}]
    assert difference[2] == "presence_diff"
    assert difference[3]["joins"]["me"]["metas"][0]["a"] == 1
    assert tracked == ["1", "2", "phx_reply", OK]


def test_who_may_not_hear_presence_is_not_told_of_it(realtime: RealtimeUnderTest) -> None:
    """Joined for the broadcasts: no state, no differences, though presence is wanted."""
    allow(realtime, "select", "extension = 'broadcast' or auth.role() = 'service_role'")
    allow(realtime, "insert", "true")
    present, _ = join(realtime, realtime.user(), presence={"enabled": True})
    send(present, "1", "2", ROOM, "presence", {"type": "presence", "event": "track", "payload": {"a": 1}})

    assert receive(present) == ["1", "2", "phx_reply", OK]
    assert_silent(present)


def test_a_fresh_token_that_allows_nothing_ends_the_channel(realtime: RealtimeUnderTest) -> None:
    """System error and close; the socket stays."""
    insider, outsider = realtime.user(), realtime.user()
    allow(realtime, "select", f"auth.uid() = '{insider}'")
    socket, _ = join(realtime, insider)
    send(socket, "1", None, ROOM, "access_token", {"access_token": realtime.token(outsider)})
    said, closed = receive(socket), receive(socket)
    assert_silent(socket)

    assert said[3] == {
        "message": UNAUTHORIZED.removeprefix("Unauthorized: "),
        "status": "error",
        "extension": "system",
        "channel": "room",
    }
    assert closed == ["1", "1", "phx_close", {}]


def test_a_fresh_token_that_allows_less_ends_the_channel(realtime: RealtimeUnderTest) -> None:
    """What was heard before can no longer be heard, though something still can."""
    insider, outsider = realtime.user(), realtime.user()
    allow(realtime, "select", f"extension = 'broadcast' or auth.uid() = '{insider}'")
    socket, _ = join(realtime, insider, presence={"enabled": True})
    receive(socket)
    send(socket, "1", None, ROOM, "access_token", {"access_token": realtime.token(outsider)})
    said, closed = receive(socket), receive(socket)

    assert said[3]["message"] == "You no longer have permission to read from this Channel topic: room"
    assert closed[2] == "phx_close"


def test_a_fresh_token_that_allows_the_same_is_taken_in_silence(realtime: RealtimeUnderTest) -> None:
    """And what may be said is asked anew: the fresh token's caller may not speak."""
    speaker, listener = realtime.user(), realtime.user()
    allow(realtime, "select", "true")
    allow(realtime, "insert", f"auth.uid() = '{speaker}'")
    socket, _ = join(realtime, speaker, broadcast={"ack": True})
    said = {"type": "broadcast", "event": "x", "payload": {}}
    send(socket, "1", "2", ROOM, "broadcast", said)
    acknowledged = receive(socket)
    send(socket, "1", None, ROOM, "access_token", {"access_token": realtime.token(listener)})
    send(socket, "1", "3", ROOM, "broadcast", said)
    assert_silent(socket)

    assert acknowledged == ["1", "2", "phx_reply", OK]


def test_messages_are_taken_in_order_while_policies_are_asked(realtime: RealtimeUnderTest) -> None:
    """Everything sent behind a join is answered behind its answer."""
    allow(realtime, "select", "true")
    socket = realtime.socket()
    payload = {"config": {"private": True}, "access_token": realtime.token(realtime.user())}
    send(socket, "1", "1", ROOM, "phx_join", payload)
    send(socket, "2", "2", ROOM, "phx_join", payload)
    send(socket, None, "3", "phoenix", "heartbeat", {})
    send(socket, "2", "4", ROOM, "phx_leave", {})
    answers = [receive(socket)[:3] for _ in range(6)]

    assert answers == [
        ["1", "1", "phx_reply"],
        ["2", "2", "phx_reply"],
        ["1", "1", "phx_close"],
        [None, "3", "phx_reply"],
        ["2", "4", "phx_reply"],
        ["2", "2", "phx_close"],
    ]


def test_the_past_of_a_topic_is_replayed_to_who_may_hear_it(realtime: RealtimeUnderTest) -> None:
    """The newest, oldest first, right after the answer; not other topics, and not presence."""
    allow(realtime, "select", "true")
    for number, (topic, extension) in enumerate([("room", "broadcast")] * 3 + [("other", "broadcast"), ("room", "x")]):
        realtime.execute(
            "insert into realtime.messages (topic, extension, event, payload, private, inserted_at)"
            " values (%s, %s, 'e', jsonb_build_object('n', %s::int), true,"
            " now() at time zone 'utc' + %s * interval '1 s')",
            topic, extension, number, number,
        )  # fmt: skip
    socket, answer = join(realtime, realtime.user(), broadcast={"replay": {"since": 0, "limit": 2}})
    replayed = [receive(socket) for _ in range(2)]

    assert answer["status"] == "ok"
    assert [(one[0], one[2], one[3]["payload"], one[3]["meta"]["replayed"]) for one in replayed] == [
        ("1", "broadcast", {"n": 1}, True),
        ("1", "broadcast", {"n": 2}, True),
    ]


@pytest.mark.parametrize("replay", [{"since": "yesterday"}, {"since": 1, "limit": 1.5}])
def test_a_replay_that_cannot_be_understood_is_refused(realtime: RealtimeUnderTest, replay: dict[str, Any]) -> None:
    """Numbers are whole milliseconds and messages."""
    allow(realtime, "select", "true")
    _, answer = join(realtime, realtime.user(), broadcast={"replay": replay})

    assert answer["response"] == {"reason": "UnableToReplayMessages: Replay params are not valid"}


def test_lost_connections_of_the_policies_come_back(realtime: RealtimeUnderTest) -> None:
    """A session that ended while idle does not end anything else."""
    allow(realtime, "select", "true")
    join(realtime, realtime.user())
    realtime.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where application_name = 'realtime_connect' and datname = current_database()"
    )

    assert join(realtime, realtime.user())[1]["status"] == "ok"


@pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0, private_only=True)])
@pytest.mark.parametrize("vsn", list(Vsn))
def test_a_project_may_have_private_channels_only(realtime: RealtimeUnderTest, vsn: Vsn) -> None:
    """Public ones are refused before anything else is looked at."""
    socket = realtime.socket(vsn)
    socket.send(Message(topic=ROOM, event="phx_join", payload={"access_token": "none"}, ref="1", join_ref="1"))
    refused = socket.receive()

    assert refused == phoenix.Reply(
        topic=ROOM, ref="1", ok=False, response={"reason": "PrivateOnly: This project only allows private channels"}
    )
