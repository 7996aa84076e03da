"""One change on its way through the whole pipeline: request, rows, change feed, socket."""

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

JOB = {"client_name": "Ada", "client_type": "residential", "job_type": "repair", "location": "Bern"}
TIMEOUT_S = 15


def member_of_a_new_organization(stack: Endpoint) -> tuple[str, str]:
    """Return the organization's id and the access token of its owner."""
    organization, user = str(uuid.uuid4()), str(uuid.uuid4())
    with psycopg.connect(stack.database_url) as owner:
        owner.execute("insert into auth.users (id, email) values (%s, %s)", (user, f"{user}@example.org"))
        owner.execute("insert into organizations (id, name) values (%s, 'test')", (organization,))
        owner.execute(
            "insert into public.users (id, organization_id, role) values (%s, %s, 'owner')", (user, organization)
        )
        owner.execute(
            "insert into organization_members (user_id, organization_id, role) values (%s, %s, 'owner')",
            (user, organization),
        )
    expires_at_s = int(datetime.now(tz=UTC).timestamp()) + 600
    return organization, mint(stack.jwt_secret, role="authenticated", subject=user, expires_at_s=expires_at_s)


def frames(socket: Connection) -> Iterator[dict[str, Any]]:
    """Yield what the socket receives."""
    while True:
        yield orjson.loads(socket.recv(timeout=TIMEOUT_S))


def subscribe(socket: Connection, organization: str, token: str) -> None:
    """Join the organization's channel and wait until it is live."""
    binding = {
        "event": "INSERT",
        "schema": "public",
        "table": "realtime_events",
        "filter": f"organization_id=eq.{organization}",
    }
    join = {
        "topic": f"realtime:org-{organization}-events",
        "event": "phx_join",
        "payload": {"config": {"postgres_changes": [binding]}, "access_token": token},
        "ref": "1",
        "join_ref": "1",
    }
    socket.send(orjson.dumps(join), text=True)
    live = next(frame for frame in itertools.islice(frames(socket), 10) if frame["event"] == "system")
    assert live["payload"]["status"] == "ok", live


@pytest.mark.e2e
def test_members_receive_a_change_and_nobody_else_does(stack: Endpoint) -> None:
    """A job created over HTTP arrives at the own organization's socket, and not at a stranger's."""
    organization, token = member_of_a_new_organization(stack)
    other_organization, other_token = member_of_a_new_organization(stack)
    url = f"{stack.realtime_url}?apikey={stack.anon_key}&vsn=1.0.0"
    with connect(url) as ours, connect(url) as theirs:
        subscribe(ours, organization, token)
        subscribe(theirs, other_organization, other_token)
        created = [
            httpx.post(f"{stack.api_url}/api/jobs", json=JOB, headers={"Authorization": f"Bearer {bearer}"})
            for bearer in (token, other_token)
        ]
        received = [
            next(frame for frame in frames(socket) if frame["event"] == "postgres_changes") for socket in (ours, theirs)
        ]

    assert [response.status_code for response in created] == [201, 201], created[0].text
    expected = [response.json()["data"]["id"] for response in created]
    records = [frame["payload"]["data"]["record"] for frame in received]
    assert [record["entity_id"] for record in records] == expected
    assert [record["organization_id"] for record in records] == [organization, other_organization]
    assert [record["event_type"] for record in records] == ["job.created", "job.created"]
