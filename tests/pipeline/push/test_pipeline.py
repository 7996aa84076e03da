"""One flag on its way through the whole pipeline: request, outbox, sender, push service."""

import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from loadtests.pipeline.settings import PushOptions, StackSettings
from loadtests.processes.spawn import Child
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

JOB = {"client_name": "Ada", "client_type": "residential", "job_type": "repair", "location": "Bern"}


def member(endpoint: Endpoint, sql: psycopg.Connection, organization: str) -> httpx.Client:
    """Add an owner to the organization and return a client that acts for them."""
    user = str(uuid.uuid4())
    sql.execute("insert into auth.users (id) values (%s)", (user,))
    sql.execute("insert into public.users (id, organization_id) values (%s, %s)", (user, organization))
    sql.execute(
        "insert into organization_members (user_id, organization_id, role) values (%s, %s, 'owner')",
        (user, organization),
    )
    expires_at_s = int(time.time_ns() / 1e9) + 600
    token = mint(endpoint.jwt_secret, role="authenticated", subject=user, expires_at_s=expires_at_s)
    return httpx.Client(base_url=endpoint.api_url, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.e2e
def test_a_flag_reaches_the_colleagues_device(sink: Any, tmp_path: Path) -> None:
    """And not the device of whoever flagged; the sender is a part of the pipeline and ends with it."""
    settings = StackSettings(push=PushOptions(endpoint_url=sink.url))
    supervisor = Child.start("loadtests.pipeline", name="pipeline", log=tmp_path / "p.log", hello=settings.to_json())
    try:
        ready = supervisor.wait_for("ready", 60)
        endpoint = Endpoint.from_json(ready["endpoint"])
        with psycopg.connect(endpoint.database_url, autocommit=True) as sql:
            organization = str(uuid.uuid4())
            sql.execute("insert into organizations (id, name) values (%s, 'test')", (organization,))
            with member(endpoint, sql, organization) as ada, member(endpoint, sql, organization) as bob:
                for person, token in ((ada, "aa" * 32), (bob, "bb" * 32)):
                    assert person.post("/api/devices", json={"token": token}).status_code == 201
                job = ada.post("/api/jobs", json=JOB).json()["data"]["id"]
                ada.patch(f"/api/jobs/{job}/flag", json={"flagged": True})
        accepted = _first_accepted(sink)
    finally:
        code = supervisor.stop()

    assert "push sender" in ready["pids"]
    assert [(each["token"], each["payload"]["job_id"]) for each in accepted] == [("bb" * 32, job)]
    assert code == 0


def _first_accepted(sink: Any) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while not (accepted := sink.tell("list")["accepted"]):
        assert time.monotonic() < deadline
    return accepted
