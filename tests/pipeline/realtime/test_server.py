"""The whole server against a real database: who hears what, and what happens when something ends."""

import signal
import socket as sockets
import time
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from loadtests.processes.spawn import Child, ChildError
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Binding, ChannelClosed, Reply, System, Vsn
from tests.pipeline.realtime.world import SECRET, RealtimeUnderTest, open_and_never_read, organization_binding

pytestmark = pytest.mark.e2e
TOPIC = "realtime:org-events"


def wait_until(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Poll until the condition holds."""
    deadline_ns = time.monotonic_ns() + round(deadline_s * 1e9)
    while not condition():
        assert time.monotonic_ns() < deadline_ns, "the condition did not come true in time"
        time.sleep(0.02)


def join_and_never_read(realtime: RealtimeUnderTest, join: bytes) -> sockets.socket:
    """Return a client's socket with a small buffer that has sent a join; nobody reads from it."""
    client = open_and_never_read(realtime)
    # A masked text frame whose mask is zero, with a length of two bytes.
    client.sendall(b"\x81\xfe" + len(join).to_bytes(2) + bytes(4) + join)
    return client


@pytest.mark.parametrize("vsn", list(Vsn))
def test_member_receives_and_outsider_does_not(realtime: RealtimeUnderTest, vsn: Vsn) -> None:
    """Both ask for the organization's rows; row-level security lets only the member have them."""
    member, outsider = realtime.user(), realtime.user()
    organization = realtime.organization(member)
    hearing, deaf = realtime.socket(vsn), realtime.socket(vsn)
    hearing.join(TOPIC, realtime.token(member), organization_binding(organization))
    deaf.join(TOPIC, realtime.token(outsider), organization_binding(organization))
    event = realtime.emit(organization, request_id="r-1")
    change = hearing.receive()
    deaf.ping()

    assert isinstance(change, Change)
    assert (change.event_id, change.organization_id, change.request_id) == (event, organization, "r-1")
    assert (change.type, change.entity_type, change.errors) == ("INSERT", "job", ())


def test_each_organization_hears_its_own_rows_in_order(realtime: RealtimeUnderTest) -> None:
    """Two organizations written in turns: each subscriber gets its own, in commit order, once."""
    users = [realtime.user(), realtime.user()]
    organizations = [realtime.organization(user) for user in users]
    subscribers = [realtime.socket() for _ in users]
    for user, organization, subscriber in zip(users, organizations, subscribers, strict=True):
        subscriber.join(TOPIC, realtime.token(user), organization_binding(organization))
    written: list[list[str]] = [[], []]
    for number in range(20):
        written[number % 2].append(realtime.emit(organizations[number % 2]))
    heard = [[subscriber.receive() for _ in range(10)] for subscriber in subscribers]
    for subscriber in subscribers:
        subscriber.ping()

    assert [[one.event_id for one in changes if isinstance(one, Change)] for changes in heard] == written


def test_commit_time_is_the_databases(realtime: RealtimeUnderTest) -> None:
    """`commit_timestamp` is the transaction's, cut to milliseconds."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    event = realtime.emit(organization)
    change = subscriber.receive()
    ((microseconds,),) = realtime.execute(
        "select (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint"
        " from realtime_events where id = %s",
        event,
    )

    assert isinstance(change, Change)
    assert change.commit_timestamp_ns == microseconds // 1000 * 1_000_000


def test_membership_counts_at_the_time_of_the_row(realtime: RealtimeUnderTest) -> None:
    """Who loses the membership hears no further row, though the subscription stays."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    realtime.execute("delete from organization_members where user_id = %s", member)
    realtime.emit(organization, "hidden")
    wait_until(lambda: realtime.metric("realtime_rls_checks") == 1)
    realtime.execute(
        "insert into organization_members (organization_id, user_id) values (%s, %s)", organization, member
    )
    realtime.emit(organization, "shown")
    change = subscriber.receive()

    assert isinstance(change, Change)
    assert change.entity_id == "shown"


def test_policy_that_raises_hides_the_row_from_that_caller_alone(realtime: RealtimeUnderTest) -> None:
    """A subject that is no UUID makes the policy fail; the others of the batch still hear."""
    member = realtime.user()
    organization = realtime.organization(member)
    broken, hearing = realtime.socket(), realtime.socket()
    broken.join(TOPIC, realtime.token("not-a-uuid"), organization_binding(organization))
    hearing.join(TOPIC, realtime.token(member), organization_binding(organization))
    realtime.emit(organization)
    change = hearing.receive()
    broken.ping()

    assert isinstance(change, Change)
    assert realtime.metric("realtime_rls_policy_failures") == 1


def test_row_deleted_at_once_delays_nobody(realtime: RealtimeUnderTest) -> None:
    """A row that is gone when it is checked is withheld, and the next one comes."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    realtime.execute(
        "with gone as (insert into realtime_events (organization_id, event_type, entity_type)"
        " values (%s, 'a', 'b') returning id) select id from gone",
        organization,
    )
    realtime.execute("delete from realtime_events")
    event = realtime.emit(organization)
    changes = [subscriber.receive()]
    while isinstance(changes[-1], Change) and changes[-1].event_id != event:
        changes.append(subscriber.receive())  # the first row came before it was deleted: that is allowed

    assert isinstance(changes[-1], Change)


def test_fresh_token_is_confirmed_and_its_claims_count(realtime: RealtimeUnderTest) -> None:
    """No reply, another "Subscribed to PostgreSQL"; from then on rows are checked for the new user."""
    outsider, member = realtime.user(), realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(outsider), organization_binding(organization))
    subscriber.send(phoenix.access_token(topic=TOPIC, join_ref="1", ref="2", token=realtime.token(member)))
    system = subscriber.receive()
    event = realtime.emit(organization)
    change = subscriber.receive()

    assert isinstance(system, System)
    assert system.is_subscribed
    assert isinstance(change, Change)
    assert change.event_id == event


def test_expired_token_closes_the_channel(realtime: RealtimeUnderTest) -> None:
    """At its `exp`: system error, close, no further row; the socket stays open."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member, lives_s=2), organization_binding(organization))
    system, closed = subscriber.receive(), subscriber.receive()
    realtime.emit(organization)
    subscriber.ping()

    assert system == System(topic=TOPIC, ok=False, extension="system", message="Token has expired 0 seconds ago")
    assert closed == ChannelClosed(topic=TOPIC, join_ref="1", crashed=False)


def test_left_channel_hears_nothing_and_can_be_joined_again(realtime: RealtimeUnderTest) -> None:
    """Reply, close, silence; a second join works."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    subscriber.send(phoenix.leave(topic=TOPIC, join_ref="1", ref="2"))
    reply, closed = subscriber.receive(), subscriber.receive()
    realtime.emit(organization)
    subscriber.ping()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization), ref="3")

    assert isinstance(reply, Reply)
    assert closed == ChannelClosed(topic=TOPIC, join_ref="1", crashed=False)


def test_unpublished_table_is_refused_after_the_join(realtime: RealtimeUnderTest) -> None:
    """The join is answered ok, the error is a system message, and no retry follows."""
    subscriber = realtime.socket()
    binding = Binding(event="INSERT", schema="public", table="organizations")
    token = realtime.token(realtime.user())
    subscriber.send(phoenix.join(topic=TOPIC, ref="1", bindings=[binding], access_token=token))
    reply, system = subscriber.receive(), subscriber.receive()

    assert isinstance(reply, Reply)
    assert reply.ok
    assert isinstance(system, System)
    assert system.message == (
        "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given "
        "connect parameters: [event: INSERT, schema: public, table: organizations, filters: [], select: nil]"
    )


def test_bad_filter_value_is_refused_with_the_databases_error(realtime: RealtimeUnderTest) -> None:
    """A value that is not of the column's type is an error of PostgreSQL, printed as the real server prints it."""
    subscriber = realtime.socket()
    token = realtime.token(realtime.user())
    subscriber.send(phoenix.join(topic=TOPIC, ref="1", bindings=[organization_binding("abc")], access_token=token))
    _reply, system = subscriber.receive(), subscriber.receive()

    assert isinstance(system, System)
    assert system.message.endswith(
        'Exception: ERROR 22P02 (invalid_text_representation) invalid input syntax for type uuid: "abc"'
    )


def test_lost_feed_comes_back(realtime: RealtimeUnderTest) -> None:
    """When the walsender is ended, a new one takes over and the same subscription hears new rows."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    realtime.execute("select pg_terminate_backend(pid) from pg_stat_replication")
    wait_until(lambda: realtime.metric("realtime_replication_reconnects") == 1)
    wait_until(lambda: realtime.execute("select 1 from pg_stat_replication where state = 'streaming'") != [])
    event = realtime.emit(organization)
    change = subscriber.receive()

    assert isinstance(change, Change)
    assert change.event_id == event


def test_lost_connections_of_the_checks_come_back(realtime: RealtimeUnderTest) -> None:
    """Row-level security and the catalog reconnect, and no row is lost meanwhile."""
    member = realtime.user()
    organization = realtime.organization(member)
    subscriber = realtime.socket()
    subscriber.join(TOPIC, realtime.token(member), organization_binding(organization))
    first = realtime.emit(organization)
    realtime.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name in ('realtime_rls', 'realtime_catalog') and datname = current_database()"
    )
    second = realtime.emit(organization)
    changes = [subscriber.receive(), subscriber.receive()]
    subscriber.join("realtime:again", realtime.token(member), organization_binding(organization))

    assert [one.event_id for one in changes if isinstance(one, Change)] == [first, second]


def test_any_published_table_is_served(realtime: RealtimeUnderTest) -> None:
    """A table made later, with a key of two columns and other types, without row-level security."""
    realtime.execute(
        "create table readings (sensor int, at timestamptz, value numeric, tags text[], primary key (sensor, at))"
    )
    realtime.execute("grant select on readings to authenticated")
    realtime.execute("alter publication supabase_realtime add table readings")
    subscriber = realtime.socket()
    binding = Binding(event="*", schema="public", table="readings", filter="value=eq.1.50")
    subscriber.join(TOPIC, realtime.token(realtime.user()), binding)
    realtime.execute("insert into readings values (7, '2026-01-31 12:00:00.5+00', 1.5, '{a,\"b c\"}')")
    frame = subscriber.connection.recv(10, decode=False)

    assert b'"record":{"at": "2026-01-31T12:00:00.5+00:00", "tags": ["a", "b c"], "value": 1.5, "sensor": 7}' in frame
    assert b'{"name": "tags", "type": "_text"}' in frame


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/realtime/v1/websocket", 401),
        ("/socket/websocket?apikey=garbage&vsn=2.0.0", 401),
        ("/realtime/v1/websocket?vsn=3.0.0", 403),
        ("/elsewhere", 404),
    ],
)
def test_refused_handshakes_are_http(realtime: RealtimeUnderTest, path: str, status: int) -> None:
    """No WebSocket without a good key, a known path and a known serialization."""
    with pytest.raises(InvalidStatus) as refused:
        connect(realtime.url + path)

    assert refused.value.response.status_code == status


def test_fragments_pings_and_nonsense_are_taken_in_stride(realtime: RealtimeUnderTest) -> None:
    """A message in two frames is one message; text that is no message is dropped; a ping is answered."""
    subscriber = realtime.socket(Vsn.V1)
    subscriber.connection.send("no json")
    subscriber.connection.send(b"\x00\x01")
    subscriber.connection.send(['{"topic":"phoenix","event":"heartbeat",', '"payload":{},"ref":"5"}'])
    reply = subscriber.receive()

    assert subscriber.connection.ping().wait(10)
    assert reply == Reply(topic="phoenix", ref="5", ok=True, response={})
    assert realtime.metric("realtime_malformed_messages") == 2


def test_slow_reader_is_cut_off_and_counted(realtime: RealtimeUnderTest) -> None:
    """Who does not read costs a bounded amount of memory; others are not disturbed."""
    member = realtime.user()
    organization = realtime.organization(member)
    binding = organization_binding(organization)
    join = phoenix.join(topic=TOPIC, ref="1", bindings=[binding], access_token=realtime.token(member))
    sleeper = join_and_never_read(realtime, phoenix.encode_client(join, Vsn.V2))
    wait_until(lambda: realtime.metric("realtime_subscriptions_manager_subscribers") == 1)
    hearing = realtime.socket()
    hearing.join(TOPIC, realtime.token(member), binding)

    def flood() -> bool:
        realtime.execute(
            "insert into realtime_events (organization_id, event_type, entity_type, payload)"
            " select %s, 'a', 'b', jsonb_build_object('x', repeat('x', 1900)) from generate_series(1, 400)",
            organization,
        )
        for _ in range(400):
            assert isinstance(hearing.receive(), Change)
        return realtime.metric("realtime_slow_readers_closed") == 1

    wait_until(flood, 30)
    hearing.ping()
    sleeper.close()

    assert realtime.metric("realtime_subscriptions_manager_subscribers") == 1


def test_sigterm_closes_every_socket_with_1012(realtime: RealtimeUnderTest) -> None:
    """Clients are told that the service restarts, and the process ends by itself."""
    subscriber = realtime.socket()
    subscriber.ping()
    realtime.child._process.send_signal(signal.SIGTERM)
    with pytest.raises(ConnectionClosed) as closed:
        subscriber.receive()
    code = realtime.child._process.wait(10)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, code) == (1012, 0)


def test_hung_up_server_ends(realtime: RealtimeUnderTest) -> None:
    """When its parent is gone the server ends by itself, without an error."""
    realtime.child.hang_up()

    assert realtime.child._process.wait(10) == 0


def test_unreachable_database_is_said(database: str, realtime: RealtimeUnderTest) -> None:
    """A server that cannot start says why instead of dying silently."""
    hello = RealtimeHello(database_url=database.rsplit("/", 1)[0] + "/nowhere", jwt_secret=SECRET)
    child = Child.start("loadtests.pipeline.realtime", name="Realtime", log=realtime.child.log, hello=hello.to_json())
    with pytest.raises(ChildError, match="nowhere"):
        child.wait_for("ready", 20)

    assert child.stop() == 1


@pytest.mark.parametrize("options", [RealtimeOptions(heartbeat_timeout_s=1.0)])
def test_silent_socket_is_closed_normally(realtime: RealtimeUnderTest) -> None:
    """No frame from the client for the whole time, here a second: close code 1000."""
    subscriber = realtime.socket()
    with pytest.raises(ConnectionClosed) as closed:
        subscriber.receive()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
