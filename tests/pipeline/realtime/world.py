"""A Realtime server under test, clients that speak through the wire package, people and rows.

The fixture `realtime` makes it.
"""

import json
import socket as sockets
import time
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from websockets.sync.client import ClientConnection, connect

from loadtests.processes.spawn import Child
from loadtests.wire import phoenix
from loadtests.wire.changes import Change, decode_change
from loadtests.wire.phoenix import Binding, Message, Other, Reply, ServerMessage, System, Vsn
from loadtests.wire.tokens import mint

SECRET = "a secret of at least thirty-two bytes"
TIMEOUT_S = 10.0


def organization_binding(organization: str) -> Binding:
    """Return what the product's clients ask for."""
    return Binding(
        event="INSERT",
        schema="public",
        table="realtime_events",
        filter=f"organization_id=eq.{organization}",
    )


class Socket:
    """A client on one WebSocket, speaking through the wire package."""

    def __init__(self, connection: ClientConnection, vsn: Vsn) -> None:
        self.connection = connection
        self.vsn = vsn

    def send(self, message: Message) -> None:
        """Send one message."""
        self.connection.send(phoenix.encode_client(message, self.vsn).decode())

    def receive(self, timeout_s: float = TIMEOUT_S) -> ServerMessage | Change:
        """Return the next message; raises TimeoutError when none comes."""
        frame = self.connection.recv(timeout_s, decode=False)
        message = phoenix.read_server(frame, self.vsn)
        if isinstance(message, Other) and message.message.event == "postgres_changes":
            change = decode_change(frame)
            assert change is not None
            return change
        return message

    def ping(self) -> None:
        """Wait for the answer to a heartbeat, which everything sent before it precedes."""
        self.send(phoenix.heartbeat(ref="ping"))
        assert isinstance(self.receive(), Reply)

    def join(self, topic: str, token: str, *bindings: Binding, ref: str = "1") -> None:
        """Join and return once changes flow."""
        self.send(phoenix.join(topic=topic, ref=ref, bindings=bindings, access_token=token))
        reply, system = self.receive(), self.receive()
        assert isinstance(reply, Reply), reply
        assert reply.ok, reply
        assert isinstance(system, System), system
        assert system.is_subscribed, system


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeUnderTest:
    """A running server, its database and its child process."""

    url: str
    database: str
    child: Child

    def token(self, user: str, *, lives_s: int = 600) -> str:
        """Return a user's token."""
        expires_at_s = time.time_ns() // 10**9 + lives_s
        return mint(SECRET, role="authenticated", expires_at_s=expires_at_s, subject=user)

    @property
    def anon_key(self) -> str:
        """The key that every socket shows."""
        return mint(SECRET, role="anon", expires_at_s=time.time_ns() // 10**9 + 600)

    def metrics(self) -> str:
        """Return what `/metrics` answers to the service role."""
        key = mint(SECRET, role="service_role", expires_at_s=time.time_ns() // 10**9 + 600)
        url = self.url.replace("ws:", "http:") + "/metrics"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
            return str(answer.read().decode())

    def metric(self, name: str) -> int:
        """Return one of the server's counters, named with its label if it has one."""
        lines = dict(line.split() for line in self.metrics().splitlines() if not line.startswith("#"))
        return int(lines.get(name, 0))

    def socket(self, vsn: Vsn = Vsn.V2) -> Socket:
        """Return a new client."""
        url = f"{self.url}/realtime/v1/websocket?apikey={self.anon_key}&vsn={vsn}"
        return Socket(connect(url, max_size=None), vsn)

    def execute(self, statement: str, *parameters: object) -> list[Any]:
        """Run one statement as the owner and commit; return its rows."""
        with psycopg.connect(self.database, autocommit=True) as owner:
            cursor = owner.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def organization(self, *members: str) -> str:
        """Return a new organization with these users as members."""
        organization = str(uuid.uuid4())
        self.execute("insert into organizations (id, name) values (%s, 'one')", organization)
        for member in members:
            self.execute(
                "insert into organization_members (organization_id, user_id) values (%s, %s)", organization, member
            )
        return organization

    def user(self) -> str:
        """Return a new user."""
        user = str(uuid.uuid4())
        self.execute("insert into auth.users (id) values (%s)", user)
        return user

    def emit(self, organization: str, entity: str = "job-1", **payload: object) -> str:
        """Commit one event row and return its id."""
        ((event,),) = self.execute(
            "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload)"
            " values (%s, 'job.updated', 'job', %s, %s) returning id::text",
            organization, entity, json.dumps(payload),
        )  # fmt: skip
        return str(event)


def open_and_never_read(realtime: RealtimeUnderTest) -> sockets.socket:
    """Return a client's WebSocket with a small buffer, of which nobody reads any more."""
    client = sockets.socket()
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", int(realtime.url.rsplit(":", 1)[1])))
    client.sendall(
        f"GET /realtime/v1/websocket?apikey={realtime.anon_key}&vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    assert client.recv(4096).startswith(b"HTTP/1.1 101")
    return client
