"""The feed that polls, against a real database: what it delays and what it loses, as the real server does."""

import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Reply, System
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket, organization_binding

TOPIC = "realtime:org-events"
pytestmark = pytest.mark.e2e
SLOT_IS_HELD = "select 1 from pg_replication_slots where starts_with(slot_name, 'realtime_poll')"


@pytest.fixture
def options() -> RealtimeOptions:
    """Return the options of a server that polls; a test may parametrize them."""
    return RealtimeOptions(feed="supabase")


def wait_until(condition: Callable[[], bool], deadline_s: float = 15.0) -> None:
    """Poll until the condition holds."""
    deadline_ns = time.monotonic_ns() + round(deadline_s * 1e9)
    while not condition():
        assert time.monotonic_ns() < deadline_ns, "the condition did not come true in time"
        time.sleep(0.02)


def subscriber(realtime: RealtimeUnderTest, user: str, organization: str) -> Socket:
    """Return a live subscriber."""
    socket = realtime.socket()
    socket.join(TOPIC, realtime.token(user), organization_binding(organization))
    return socket


def heard(socket: Socket, last: str) -> list[str]:
    """Return the ids of the rows that come, up to and with the last one."""
    ids: list[str] = []
    while not ids or ids[-1] != last:
        change = socket.receive()
        assert isinstance(change, Change), change
        ids.append(change.event_id or "")
    return ids


def test_first_subscriber_waits_and_loses_the_rows_of_the_gap(realtime: RealtimeUnderTest) -> None:
    """The join is answered at once, the subscription comes seconds later, and nothing is made up for."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = realtime.socket()
    binding = organization_binding(organization)
    socket.send(phoenix.join(topic=TOPIC, ref="1", bindings=[binding], access_token=realtime.token(user)))
    reply, replied_ns = socket.receive(), time.monotonic_ns()
    realtime.emit(organization)
    slots_at_the_reply = realtime.execute(SLOT_IS_HELD)
    system, live_ns = socket.receive(), time.monotonic_ns()
    told = realtime.emit(organization)

    assert isinstance(reply, Reply)
    assert isinstance(system, System)
    assert system.is_subscribed
    assert slots_at_the_reply == []
    assert live_ns - replied_ns > 1.4e9  # a deliberate delay, counted from the join
    assert heard(socket, told) == [told]


def test_later_subscribers_do_not_wait(realtime: RealtimeUnderTest) -> None:
    """And hear rows that were committed before they came and polled after."""
    user = realtime.user()
    organization = realtime.organization(user)
    subscriber(realtime, user, organization)
    for _ in range(20):
        early = realtime.emit(organization)
        late_socket = subscriber(realtime, user, organization)
        told = realtime.emit(organization)
        if heard(late_socket, told) == [early, told]:
            return

    pytest.fail("in twenty attempts no poll came after the join")


def test_rows_deleted_before_the_poll_are_withheld(realtime: RealtimeUnderTest) -> None:
    """Row-level security looks at the live row, so a deleted one is hidden from everybody."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = subscriber(realtime, user, organization)
    # One transaction: no poll can come between the rows and their end.
    with psycopg.connect(realtime.database) as owner:
        owner.execute(
            "insert into realtime_events (organization_id, event_type, entity_type)"
            " select %s, 'job.updated', 'job' from generate_series(1, 5)",
            (organization,),
        )
        owner.execute("delete from realtime_events")
    told = realtime.emit(organization)

    assert heard(socket, told) == [told]
    assert realtime.metric("realtime_rls_checks") == 6


def test_old_claims_stay_in_force_for_a_while_after_a_fresh_token(realtime: RealtimeUnderTest) -> None:
    """The token's new owner may not read the rows, the old one could; a second message says when that changes."""
    member, outsider = realtime.user(), realtime.user()
    organization = realtime.organization(member)
    socket = subscriber(realtime, member, organization)
    socket.send(phoenix.access_token(topic=TOPIC, ref="2", join_ref="1", token=realtime.token(outsider)))
    told = realtime.emit(organization)
    first, second = socket.receive(), socket.receive()
    realtime.emit(organization)
    wait_until(lambda: realtime.metric("realtime_rls_checks") == 2)
    socket.ping()

    assert isinstance(first, Change)
    assert first.event_id == told
    assert isinstance(second, System)
    assert second.is_subscribed


def test_rows_between_two_slots_are_lost(realtime: RealtimeUnderTest) -> None:
    """The slot ends with its connection; the channel is told nothing and hears the rows after the next slot."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = subscriber(realtime, user, organization)
    realtime.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'realtime_poll'"
    )
    realtime.emit(organization)
    wait_until(lambda: realtime.metric("realtime_replication_reconnects") == 1)
    wait_until(lambda: bool(realtime.execute(SLOT_IS_HELD)))
    told = realtime.emit(organization)

    assert heard(socket, told) == [told]


def test_channels_are_deaf_once_the_poller_has_given_up(realtime: RealtimeUnderTest) -> None:
    """Six failures in a row end it, nobody is told, and a fresh token brings the changes back."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = subscriber(realtime, user, organization)
    name = realtime.database.rsplit("/", 1)[1]
    elsewhere = replace(realtime, database=realtime.database.replace(name, "postgres"))
    elsewhere.execute(f"alter database {name} allow_connections false")
    elsewhere.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'realtime_poll'"
        " and datname = %s",
        name,
    )
    wait_until(lambda: realtime.metric("realtime_subscriptions_manager_subscribers") == 0, deadline_s=40)
    elsewhere.execute(f"alter database {name} allow_connections true")
    realtime.emit(organization)
    socket.ping()
    socket.send(phoenix.access_token(topic=TOPIC, ref="2", join_ref="1", token=realtime.token(user, lives_s=1200)))
    system = socket.receive()
    told = realtime.emit(organization)

    assert isinstance(system, System)
    assert system.is_subscribed
    assert heard(socket, told) == [told]


def test_no_row_is_lost_to_a_snapshot_that_is_too_old(realtime: RealtimeUnderTest) -> None:
    """Every row of a stream of small transactions and a large one arrives once and in order."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = subscriber(realtime, user, organization)
    ids = [realtime.emit(organization) for _ in range(120)]
    rows = realtime.execute(
        "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload)"
        " select %s, 'job.updated', 'job', n::text, '{}' from generate_series(1, 250) n returning id::text",
        organization,
    )
    expected = [*ids, *(row[0] for row in rows)]

    assert heard(socket, expected[-1]) == expected


@pytest.mark.parametrize("options", [RealtimeOptions(feed="supabase", plan="free", rls_check_us=0)], ids=["free"])
def test_beyond_the_messages_limit_changes_are_discarded_and_nobody_told(realtime: RealtimeUnderTest) -> None:
    """A burst above 100 a second is delivered; what follows while the mean is too high is only counted."""
    user = realtime.user()
    organization = realtime.organization(user)
    socket = subscriber(realtime, user, organization)
    rows = realtime.execute(
        "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload)"
        " select %s, 'job.updated', 'job', n::text, '{}' from generate_series(1, 6000) n returning id::text",
        organization,
    )
    burst = heard(socket, rows[-1][0])
    skipped = 'realtime_replication_poller_changes_skip{reason="rate_limited"}'
    written = []

    def is_discarding() -> bool:
        written.append(realtime.emit(organization))
        return realtime.metric(skipped) > 0

    wait_until(is_discarding)
    socket.send(phoenix.heartbeat(ref="ping"))
    received = 0
    while not isinstance(socket.receive(), Reply):
        received += 1

    assert len(burst) == 6000
    assert received < len(written)
