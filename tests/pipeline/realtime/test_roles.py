"""A role that our database user may not take is its subscriber's trouble, and nobody else's."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from loadtests.processes.spawn import Child
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Reply, System
from loadtests.wire.tokens import mint
from tests.pipeline.realtime.world import SECRET, RealtimeUnderTest, organization_binding

pytestmark = pytest.mark.e2e

TOPIC = "realtime:org-events"
_ROLES = """
create role humble login password 'pw' replication;
grant anon, authenticated, service_role to humble;
create role unreachable nologin;
grant usage on schema public to unreachable;
grant select on public.realtime_events to unreachable;
"""
_NO_ROLES = """
drop owned by unreachable;
drop role unreachable;
drop owned by humble;
drop role humble;
"""


@pytest.fixture
def realtime(database: str, tmp_path: Path) -> Iterator[RealtimeUnderTest]:
    """Return a Realtime server that is no superuser, as on a database of somebody else's."""
    parts = urlsplit(database)
    humble = urlunsplit(parts._replace(netloc=f"humble:pw@{parts.hostname}:{parts.port}"))
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(_ROLES)
        hello = RealtimeHello(database_url=humble, jwt_secret=SECRET, options=RealtimeOptions(delay_scale=0.02))
        child = Child.start(
            "loadtests.pipeline.realtime", name="Realtime", log=tmp_path / "realtime.log", hello=hello.to_json()
        )
        try:
            port = child.wait_for("ready", 20)["port"]
            yield RealtimeUnderTest(url=f"ws://127.0.0.1:{port}", database=database, child=child)
        finally:
            child.stop()
            owner.execute(_NO_ROLES)


def unreachable_token() -> str:
    """Return a token, signed well, of a role that exists."""
    return mint(SECRET, role="unreachable", expires_at_s=time.time_ns() // 10**9 + 600, subject="nobody")


def test_whoever_names_such_a_role_is_told(realtime: RealtimeUnderTest) -> None:
    """The channel is joined, its subscription is refused with PostgreSQL's words, and the others go on."""
    member = realtime.user()
    organization = realtime.organization(member)
    hearing, refused = realtime.socket(), realtime.socket()
    hearing.join(TOPIC, realtime.token(member), organization_binding(organization))
    binding = organization_binding(organization)
    refused.send(phoenix.join(topic=TOPIC, ref="1", bindings=[binding], access_token=unreachable_token()))
    reply, system = refused.receive(), refused.receive()
    event = realtime.emit(organization)
    change = hearing.receive()

    assert isinstance(reply, Reply)
    assert reply.ok
    assert isinstance(system, System)
    assert not system.ok
    assert system.message.endswith(
        'Exception: ERROR 42501 (insufficient_privilege) permission denied to set role "unreachable"'
    )
    assert isinstance(change, Change)
    assert change.event_id == event


def test_a_role_that_is_taken_away_later_hides_the_rows_from_its_callers_alone(realtime: RealtimeUnderTest) -> None:
    """What could be taken at the join may be refused when a row comes; the server goes on."""
    member = realtime.user()
    organization = realtime.organization(member)
    hearing, robbed = realtime.socket(), realtime.socket()
    realtime.execute("grant unreachable to humble")
    hearing.join(TOPIC, realtime.token(member), organization_binding(organization))
    robbed.join(TOPIC, unreachable_token(), organization_binding(organization))
    realtime.execute("revoke unreachable from humble")
    event = realtime.emit(organization)
    change = hearing.receive()
    robbed.ping()

    assert isinstance(change, Change)
    assert change.event_id == event
    assert realtime.metric("realtime_rls_policy_failures") == 1
