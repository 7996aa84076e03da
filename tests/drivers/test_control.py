"""The control group as its parent sees it: a real process against a real pipeline, judged by the ledger it leaves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic_ns
from typing import Any

import psycopg
import pytest

from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.history.ledger import LEDGER_SUFFIX
from loadtests.processes.spawn import Child
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from tests.drivers.driver_process import DEADLINE_S, NOWHERE, new_run, started

SCENARIO: dict[str, Any] = {
    "name": "control-test",
    "question": "Does the control group write down what official clients are told?",
    "organizations": {"count": 2, "jobs": 1},
    "subscribers": {"count": 4, "control": 2},
    "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 4}],
}


@contextmanager
def prepared(path: Path, endpoint: Endpoint) -> Iterator[Child]:
    """Start the process on the run at `path` and have it prepared; end it whatever happens."""
    with started("loadtests.drivers.control", path) as child:
        child.send({"do": "prepare", "endpoint": endpoint.to_json()})
        yield child


def emit(connection: psycopg.Connection, organization: str) -> str:
    """Insert an event; return its id."""
    row = connection.execute(
        "insert into realtime_events (organization_id, event_type, entity_type) values (%s, 'job.created', 'job') "
        "returning id::text",
        (organization,),
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.e2e
def test_each_official_client_writes_down_its_organizations_events_and_no_others(
    stack: Endpoint, tmp_path: Path
) -> None:
    """Subscribed, live, each event once with a stamp, and down when it leaves; one joins with its shadow's login."""
    login = {"at_s": 0.3, "step": "login", "share": 0.5}
    population = new_run(tmp_path / "run", {**SCENARIO, "lifecycle": [login]}, "control-hears")
    assert sorted(control.joins_ns or 0 for control in population.controls) == [0, 300_000_000]
    provision(stack.database_url, population)
    with (
        prepared(tmp_path / "run", stack) as child,
        psycopg.connect(stack.database_url, autocommit=True) as connection,
    ):
        child.wait_for("ready", DEADLINE_S)
        start_ns = monotonic_ns()
        child.send({"do": "go", "at_ns": start_ns})
        while len(History.read(tmp_path / "run").of(Kind.CONTROL_LIVE)) < len(population.controls):
            assert not child.has_ended(), child.obituary()
        events = [emit(connection, population.organization_id(control.organization)) for control in population.controls]
        names = tmp_path / "run" / "control.names"
        while not all(event in names.read_text() for event in events):
            assert not child.has_ended(), child.obituary()
        child.send({"do": "stop"})
        child.wait_for("done", DEADLINE_S)
    history = History.read(tmp_path / "run")
    told = [
        (int(row["actor"]), int(row["value"]), Kind(int(row["kind"])))
        for row in history.rows[history.rows["actor"].argsort(kind="stable")]
    ]
    heard = history.of(Kind.CONTROL_SIGNAL)

    for control in population.controls:
        (live_ns,) = [row["at_ns"] for row in history.of(Kind.CONTROL_LIVE) if row["actor"] == control.index]
        assert (live_ns < start_ns) if control.joins_ns is None else (live_ns > start_ns + control.joins_ns)
    assert told == [
        (control.index, control.shadows, kind)
        for control in population.controls
        for kind in (Kind.CONTROL_SUBSCRIBED, Kind.CONTROL_LIVE, Kind.CONTROL_SIGNAL, Kind.CONTROL_DOWN)
    ]
    assert {int(row["actor"]): history.names[row["entity"]] for row in heard} == dict(enumerate(events))


@pytest.mark.e2e
def test_a_target_that_lets_nobody_in_leaves_a_record_and_no_ruin(tmp_path: Path) -> None:
    """The run goes on; that there was no control group is for the analysis to say."""
    scenario = {**SCENARIO, "subscribers": {**SCENARIO["subscribers"], "live_within_s": 0.3}}
    new_run(tmp_path / "run", scenario, "control-nobody")
    with prepared(tmp_path / "run", NOWHERE) as child:
        child.wait_for("ready", DEADLINE_S)
        child.send({"do": "stop"})
        child.wait_for("done", DEADLINE_S)
    history = History.read(tmp_path / "run")

    assert (tmp_path / "run" / f"control{LEDGER_SUFFIX}").is_file()
    assert len(history.of(Kind.CONTROL_LIVE)) == 0
    assert {history.names[row["entity"]] for row in history.of(Kind.CONTROL_DOWN)} == {"left"}


class Canonical(BaseHTTPRequestHandler):
    """Redirects to the same place by another scheme, with the whole query, as front ends do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer an upgrade."""
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", f"http://{self.headers['Host']}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.mark.e2e
def test_what_an_official_client_says_of_a_redirect_is_written_down_without_the_key(tmp_path: Path) -> None:
    """Its error quotes the address that it was sent to, and that has the key in its query."""
    scenario = {**SCENARIO, "subscribers": {**SCENARIO["subscribers"], "live_within_s": 2}}
    new_run(tmp_path / "run", scenario, "control-redirected")
    with ThreadingHTTPServer(("127.0.0.1", 0), Canonical) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"ws://127.0.0.1:{server.server_port}/realtime/v1/websocket"
            with prepared(tmp_path / "run", replace(NOWHERE, realtime_url=url, anon_key="public-yet-secret")) as child:
                child.wait_for("ready", DEADLINE_S)
                child.send({"do": "stop"})
                child.wait_for("done", DEADLINE_S)
        finally:
            server.shutdown()
            thread.join()
    files = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}

    assert b"isn't a valid URI" in files["control.log"]
    assert [name for name, content in files.items() if b"public-yet-secret" in content] == []
