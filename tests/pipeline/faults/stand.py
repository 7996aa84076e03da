"""A running pipeline as a test of its faults sees it: the control endpoint, organizations, sockets, requests."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from loadtests.pipeline.settings import StackSettings
from loadtests.processes.spawn import Child
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.phoenix import Vsn
from loadtests.wire.tokens import mint
from tests.pipeline.realtime.world import Socket, organization_binding

DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Device:
    """A subscriber who has joined."""

    user: str
    organization: str
    socket: Socket

    def drain(self) -> list[Change]:
        """Return the changes received before the answer to a heartbeat that is sent now."""
        self.socket.send(phoenix.heartbeat(ref="drain"))
        received: list[Change] = []
        while True:
            message = self.socket.receive(DEADLINE_S)
            if isinstance(message, phoenix.Reply):
                return received
            if isinstance(message, Change):
                received.append(message)

    def close_code(self) -> int | None:
        """Return the code with which the server closes the socket; None if it just ends."""
        try:
            while True:
                self.socket.receive(DEADLINE_S)
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """The pipeline."""

    endpoint: Endpoint
    supervisor: Child

    # ---- faults

    def plant(self, kind: str, **parameters: object) -> int:
        """Begin a fault and return its id."""
        response = httpx.post(
            f"{self.endpoint.control_url}/faults", json={"kind": kind, **parameters}, timeout=DEADLINE_S
        )
        assert response.status_code == 200, response.text
        return int(response.json()["id"])

    def end(self, number: int) -> None:
        """End a fault."""
        response = httpx.delete(f"{self.endpoint.control_url}/faults/{number}", timeout=DEADLINE_S)
        assert response.status_code == 200, response.text

    def truth(self, number: int) -> dict[str, Any]:
        """Return what a fault did."""
        faults = httpx.get(f"{self.endpoint.control_url}/faults", timeout=DEADLINE_S).json()["faults"]
        return next(fault for fault in faults if fault["id"] == number)

    def ended(self, number: int) -> dict[str, Any]:
        """Wait for a fault's end and return what it did."""
        return self.until(lambda: self.truth(number), lambda truth: truth["ended_ns"] is not None)

    @contextmanager
    def planted(self, kind: str, **parameters: object) -> Iterator[int]:
        """Have a fault within the block."""
        number = self.plant(kind, **parameters)
        try:
            yield number
        finally:
            self.end(number)

    @staticmethod
    def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        """Look until it holds; return what was seen."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds(seen := look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.02)
        return seen

    # ---- the world

    def execute(self, statement: str, *parameters: object) -> list[Any]:
        """Run one statement as the owner and commit; return its rows."""
        with psycopg.connect(self.endpoint.database_url, autocommit=True) as owner:
            cursor = owner.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def organization(self, members: int) -> tuple[str, list[str]]:
        """Return a new organization and its members."""
        organization, users = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(members)]
        self.execute("insert into organizations (id, name) values (%s, 'one')", organization)
        for user in users:
            self.execute("insert into auth.users (id, email) values (%s, %s)", user, f"{user}@example.test")
            self.execute(
                "insert into users (id, email, full_name, organization_id) values (%s, %s, 'A Person', %s)",
                user, f"{user}@example.test", organization,
            )  # fmt: skip
            self.execute(
                "insert into organization_members (organization_id, user_id, role) values (%s, %s, 'owner')",
                organization, user,
            )  # fmt: skip
        return organization, users

    def token(self, user: str) -> str:
        """Return a user's token."""
        expires_at_s = time.time_ns() // 10**9 + 600
        return mint(self.endpoint.jwt_secret, role="authenticated", expires_at_s=expires_at_s, subject=user)

    def connect(self) -> Socket:
        """Return a new socket."""
        url = f"{self.endpoint.realtime_url}?apikey={self.endpoint.anon_key}&vsn={Vsn.V2}"
        return Socket(connect(url, max_size=None, open_timeout=DEADLINE_S), Vsn.V2)

    def device(self, organization: str, user: str) -> Device:
        """Return a subscriber who has joined."""
        socket = self.connect()
        topic = f"realtime:org-{organization}-events"
        socket.join(topic, self.token(user), organization_binding(organization))
        return Device(user, organization, socket)

    @contextmanager
    def devices(self, *sizes: int) -> Iterator[list[Device]]:
        """Have the members of new organizations of these sizes subscribed within the block."""
        with ExitStack() as stack:
            devices = []
            for size in sizes:
                organization, users = self.organization(size)
                for user in users:
                    device = self.device(organization, user)
                    stack.callback(device.socket.connection.close)
                    devices.append(device)
            yield devices

    def emit(self, organization: str, count: int, *, jobs: int = 3) -> list[str]:
        """Commit so many events about a few jobs, each by itself; return their ids in order."""
        events = []
        with psycopg.connect(self.endpoint.database_url, autocommit=True) as owner:
            for number in range(count):
                payload = f'{{"job_id": "job-{number % jobs}", "request_id": "{uuid.uuid4()}", "pad": "{"x" * 80}"}}'
                row = owner.execute(
                    "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload)"
                    " values (%s, 'job.updated', 'job', %s, %s) returning id::text",
                    (organization, f"job-{number % jobs}", payload),
                ).fetchone()
                assert row is not None
                events.append(row[0])
        return events

    def settle(self, devices: Sequence[Device], wanted: int, received: list[list[Change]] | None = None) -> Any:
        """Return each device's changes once all together have this many."""
        lists = [[] for _ in devices] if received is None else received
        deadline = time.monotonic() + DEADLINE_S
        while sum(map(len, lists)) < wanted:
            assert time.monotonic() < deadline, [len(one) for one in lists]
            for one, device in zip(lists, devices, strict=True):
                one.extend(device.drain())
        return lists

    def ask(self, method: str, path: str, user: str, **more: Any) -> httpx.Response:
        """Send one request to the jobs API."""
        headers = {"Authorization": f"Bearer {self.token(user)}", **more.pop("headers", {})}
        return httpx.request(method, f"{self.endpoint.api_url}{path}", headers=headers, timeout=DEADLINE_S, **more)

    def new_job(self, user: str) -> httpx.Response:
        """Create a job."""
        body = {"client_name": "Client", "client_type": "commercial", "job_type": "repair", "location": "Here"}
        return self.ask("POST", "/api/jobs", user, json=body)


@contextmanager
def running_stand(log: Path, settings: StackSettings) -> Iterator[Stand]:
    """Have a pipeline run within the block."""
    supervisor = Child.start("loadtests.pipeline", name="pipeline", log=log, hello=settings.to_json())
    try:
        ready = supervisor.wait_for("ready", 60)
        yield Stand(endpoint=Endpoint.from_json(ready["endpoint"]), supervisor=supervisor)
    finally:
        supervisor.stop()
