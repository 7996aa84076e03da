"""What the benchmarks of the Realtime server share: the server, its people, and crowds of lean subscribers."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from loadtests.processes.spawn import Child
from loadtests.wire.phoenix import Binding
from loadtests.wire.tokens import mint

SECRET = "a secret of at least thirty-two bytes"
LIVE_S = 60.0
PYTHON_PATH = ":".join([str(Path(__file__).parents[2]), str(Path(__file__).parent), *sys.path])
"""Lets a child import what stands beside the benchmarks and the tests."""
INSERT_EVENT = """
insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload)
values (%s, 'job.updated', 'job', %s, '{}')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running Realtime server."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        """Where to connect."""
        return f"ws://127.0.0.1:{self.port}{self.path}"

    @property
    def path(self) -> str:
        """Its path, with the anonymous key."""
        return f"/realtime/v1/websocket?apikey={token('anon', None)}&vsn=2.0.0"


@contextmanager
def realtime(database: str, options: RealtimeOptions, log: Path) -> Iterator[Server]:
    """Serve a database within the block."""
    hello = RealtimeHello(database_url=database, jwt_secret=SECRET, options=options).to_json()
    child = Child.start("loadtests.pipeline.realtime", name="Realtime", log=log, hello=hello)
    try:
        yield Server(child=child, port=child.wait_for("ready", LIVE_S)["port"])
    finally:
        child.stop()


def subscribe(url: str, organization: str, users: Sequence[str], *, log: Path, source: str | None = None) -> Child:
    """Start a process with a subscriber for each of these users, all of one organization."""
    hello = {
        "url": url,
        "topic": f"realtime:org-{organization}-events",
        "binding": asdict(binding_of(organization)),
        "tokens": [token("authenticated", user) for user in users],
        "connects_at_once": 50,
        "source": source,
    }
    environment = {"PYTHONPATH": PYTHON_PATH}
    return Child.start("lean_subscribers", name="subscribers", log=log, hello=hello, environment=environment)


def binding_of(organization: str) -> Binding:
    """Return what a subscriber asks for."""
    return Binding(
        event="INSERT", schema="public", table="realtime_events", filter=f"organization_id=eq.{organization}"
    )


def populate(database: str, organization: str, users: Sequence[str]) -> None:
    """Create an organization and its members."""
    with psycopg.connect(database) as owner:
        owner.execute("insert into organizations (id, name) values (%s, 'benchmark')", (organization,))
        owner.execute("insert into auth.users (id) select unnest(%s::uuid[])", (list(users),))
        owner.execute(
            "insert into organization_members (organization_id, user_id) select %s, unnest(%s::uuid[])",
            (organization, list(users)),
        )


def token(role: str, user: str | None) -> str:
    """Return a token for an hour."""
    return mint(SECRET, role=role, expires_at_s=time.time_ns() // 10**9 + 3600, subject=user)
