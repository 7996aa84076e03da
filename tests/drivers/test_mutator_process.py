"""The mutators' own process, spoken to as the runner speaks to it, against a real pipeline."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtests.drivers.run_input import RunInput
from loadtests.history.directory import RunDirectory
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.processes.spawn import Child, ChildError
from loadtests.runner.manifest import make_manifest
from loadtests.scenario.reader import read_scenario
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from tests.drivers.tls_proxy import Authority, tls_proxy

PATIENCE_S = 30
SCENARIO = """
name = "any"
question = "What do the mutators do?"
[organizations]
count = 3
jobs = 4
[mutators]
users = 4
timeout_s = 5
[[phases]]
name = "load"
duration_s = 1
mutations_per_s = 30
arrivals = "even"
"""
RUNS = itertools.count()
Prepare = Callable[..., Child]


@pytest.fixture
def prepare(stack: Endpoint, tmp_path: Path) -> Iterator[Prepare]:
    """Return a function that starts the process for a run of its own, up to the word that it is ready."""
    children: list[Child] = []
    (tmp_path / "any.toml").write_text(SCENARIO, encoding="utf-8")

    def start(*overrides: str, **elsewhere: str) -> Child:
        source = read_scenario(str(tmp_path / "any.toml"), overrides)
        directory = RunDirectory.create(tmp_path / "run")
        run_id = f"mutator process {next(RUNS)}"
        manifest = make_manifest(source, run_id=run_id, gates=(), started_at=datetime.now(UTC))
        directory.write_json(directory.manifest_file, manifest)
        provision(stack.database_url, RunInput.read(directory.path).population)
        hello = {"run": str(directory.path), "web_port": None}
        child = Child.start("loadtests.drivers.mutator_process", name="mutators", log=directory.log_file, hello=hello)
        children.append(child)
        child.send({"do": "prepare", "endpoint": stack.to_json() | elsewhere})
        assert child.wait_for("ready", PATIENCE_S)["users"] == 4
        return child

    yield start
    for child in children:
        child.stop(0.1)


def go(child: Child) -> int:
    """Start the load; return when it started."""
    start_ns = time.monotonic_ns() + 100_000_000
    child.send({"do": "go", "at_ns": start_ns})
    return start_ns


def test_the_whole_schedule_is_carried_out(prepare: Prepare, tmp_path: Path) -> None:
    """Each mutation is sent once and acknowledged by the real jobs API, and the process says so."""
    child = prepare()
    start_ns = go(child)
    dispatched = child.wait_for("dispatched", PATIENCE_S)
    child.send({"do": "stop"})
    child.wait_for("done", PATIENCE_S)
    history = History.read(tmp_path / "run")
    due = history.of(Kind.DUE)

    assert (dispatched["due"], dispatched["acked"], dispatched["failed"]) == (30, 30, 0)
    assert [len(history.of(kind)) for kind in (Kind.DUE, Kind.SENT, Kind.ACKED)] == [30, 30, 30]
    assert due["due_ns"].min() == start_ns
    assert child.stop() == 0


def test_a_pool_that_is_too_small_gives_up_before_the_drain(prepare: Prepare, tmp_path: Path) -> None:
    """When it says that all is dispatched, nothing more is written: devices have the whole drain to see it."""
    child = prepare("mutators.users=4", "mutators.timeout_s=0.2", "phases.0.mutations_per_s=5000")
    go(child)
    child.wait_for("dispatched", PATIENCE_S)
    told_ns = time.monotonic_ns()
    child.wait_for("progress", PATIENCE_S)
    child.send({"do": "stop"})
    child.wait_for("done", PATIENCE_S)
    history = History.read(tmp_path / "run")

    assert len(history.of(Kind.UNSENT)) > 0
    assert history.of(Kind.SENT)["at_ns"].max() < told_ns
    assert len(history.of(Kind.SENT)) + len(history.of(Kind.UNSENT)) == len(history.of(Kind.DUE))


class Elsewhere(ThreadingHTTPServer):
    """A server that counts who asks it, and sends everybody to another one if it is told where that is."""

    def __init__(self, location: str = "") -> None:
        self.location, self.asked = location, 0
        super().__init__(("127.0.0.1", 0), _Redirect)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Redirect(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Elsewhere

    def _answer(self) -> None:
        self.server.asked += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(307 if self.server.location else 200)
        self.send_header("location", self.server.location + self.path)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_redirect_leads_nowhere(prepare: Prepare) -> None:
    """The guard has not seen where it leads, and the token is not meant for that host: the mutation has failed."""
    with Elsewhere() as stranger, Elsewhere(stranger.url) as target:
        child = prepare("phases.0.duration_s=0.3", api_url=target.url)
        go(child)
        dispatched = child.wait_for("dispatched", PATIENCE_S)
        target.shutdown()
        stranger.shutdown()

    assert (dispatched["due"], dispatched["failed"], target.asked) == (9, 9, 9)
    assert stranger.asked == 0


def test_a_halt_begins_nothing_more(prepare: Prepare, tmp_path: Path) -> None:
    """What was handed out before is still answered."""
    child = prepare("phases.0.duration_s=60")
    go(child)
    while child.wait_for("progress", PATIENCE_S)["acked"] < 10:
        continue
    child.send({"do": "halt"})
    halted_ns = time.monotonic_ns()
    for _ in range(3):
        child.wait_for("progress", PATIENCE_S)
    child.send({"do": "stop"})
    done = child.wait_for("done", PATIENCE_S)
    history = History.read(tmp_path / "run")

    assert history.of(Kind.DUE)["at_ns"].max() < halted_ns + 500_000_000
    assert done["acked"] == done["due"] == len(history.of(Kind.ACKED))


def test_a_full_ledger_is_told_and_ends_the_process(prepare: Prepare, tmp_path: Path) -> None:
    """Also when it is a user who finds it full: Locust would log that and go on."""
    child = prepare("ledger_rows=12")
    go(child)

    with pytest.raises(ChildError, match=r"mutators failed: mutators-0\.ledger is full after 12 rows"):
        child.wait_for("dispatched", PATIENCE_S)
    assert child.stop() == 1
    assert len(History.read(tmp_path / "run").rows) == 12


def test_a_parent_that_hangs_up_ends_the_process(prepare: Prepare) -> None:
    """In the middle of the load, at once."""
    child = prepare("phases.0.duration_s=60")
    go(child)
    child.wait_for("progress", PATIENCE_S)

    assert child.stop(5) == 1


def test_a_target_that_is_not_there_makes_every_outcome_unknown(prepare: Prepare, tmp_path: Path) -> None:
    """No response is neither success nor refusal."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    child = prepare(api_url=nowhere)
    go(child)
    child.wait_for("dispatched", PATIENCE_S)
    child.send({"do": "stop"})
    done = child.wait_for("done", PATIENCE_S)
    history = History.read(tmp_path / "run")

    assert done["acked"] == 0
    assert len(history.of(Kind.UNKNOWN)) == len(history.of(Kind.SENT)) > 0


def carried_out(child: Child) -> dict[str, int]:
    """Let the whole schedule be carried out; return the counts that the process tells at the end."""
    go(child)
    counts = child.wait_for("dispatched", PATIENCE_S)
    child.send({"do": "stop"})
    child.wait_for("done", PATIENCE_S)
    return {name: int(counts[name]) for name in ("due", "acked", "failed")}


def test_a_proxy_that_closes_what_is_idle_costs_no_mutation(prepare: Prepare, stack: Endpoint, tmp_path: Path) -> None:
    """Over TLS, through a proxy that closes each connection behind its answer: no request meets a dead end."""
    authority = Authority.make(tmp_path)
    upstream = urlsplit(stack.api_url).port
    assert upstream is not None
    with tls_proxy(authority.context_for("127.0.0.1"), upstream, answers_once=True) as proxy:
        counts = carried_out(prepare(api_url=f"https://127.0.0.1:{proxy.port}", ca_file=str(authority.ca_file)))

        assert counts == {"due": 30, "acked": 30, "failed": 0}
        assert len(proxy.accepted) == 30


def test_a_certificate_that_is_not_trusted_lets_no_mutation_pass(
    prepare: Prepare, stack: Endpoint, tmp_path: Path
) -> None:
    """Locust's HTTP client would not look at it unless it is told to."""
    authority = Authority.make(tmp_path)
    upstream = urlsplit(stack.api_url).port
    assert upstream is not None
    with tls_proxy(authority.context_for("127.0.0.1"), upstream) as proxy:
        counts = carried_out(prepare("mutators.timeout_s=1", api_url=f"https://127.0.0.1:{proxy.port}"))

    assert counts["acked"] == 0
    assert counts["failed"] > 0
