"""The whole pipeline under its supervisor: ready, watched, and gone without a trace however it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import psycopg
import pytest

from loadtests.pipeline.directory import sweep
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import StackSettings
from loadtests.pipeline.stack import StackError, check_port
from loadtests.processes.spawn import Child, ChildError
from loadtests.wire.endpoint import Endpoint

PARTS = {"postgres", "jobs API", "Realtime", "gateway"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A pipeline that a test may kill."""

    supervisor: Child
    endpoint: Endpoint
    directory: Path
    pids: dict[str, int]
    family: list[psutil.Process]
    """The supervisor and all its descendants."""

    def assert_gone(self) -> int:
        """Wait for the whole family to end; return the supervisor's exit code."""
        code = self.supervisor._process.wait(15)
        _, alive = psutil.wait_procs(self.family, 15)

        assert alive == []
        return code


@contextmanager
def running(log: Path, settings: StackSettings | None = None) -> Iterator[Running]:
    """Start a pipeline and stop what is left of it."""
    hello = (settings or StackSettings()).to_json()
    supervisor = Child.start("loadtests.pipeline", name="pipeline", log=log, hello=hello)
    try:
        yield described(supervisor, supervisor.wait_for("ready", 60))
    finally:
        supervisor.stop()


def described(supervisor: Child, ready: dict[str, Any]) -> Running:
    """Return what the ready message says, and the processes that the machine has."""
    process = psutil.Process(supervisor.pid)
    return Running(
        supervisor=supervisor,
        endpoint=Endpoint.from_json(ready["endpoint"]),
        directory=Path(ready["directory"]),
        pids=ready["pids"],
        family=[process, *process.children(recursive=True)],
    )


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Running]:
    """Return a pipeline of the test's own."""
    with running(tmp_path / "pipeline.log") as started:
        yield started


def accepts_connections(url: str) -> bool:
    """Tell whether somebody listens at the host and port of `url`."""
    host, port = url.split("/")[2].split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_free_port_passes_and_a_taken_one_is_named() -> None:
    """The error names the port, its purpose, and the command that shows who has it."""
    check_port(0, "jobs API")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(StackError, match=rf"port {port}, wanted for jobs API.*ss -ltnp"):
            check_port(port, "jobs API")
    check_port(port, "jobs API")


@pytest.mark.e2e
def test_the_pipeline_is_ready_when_it_says_so(pipeline: Running) -> None:
    """Each part answers at its address, and the schema is there."""
    health = httpx.get(f"{pipeline.endpoint.api_url}/health")
    accounts = httpx.get(
        f"{pipeline.endpoint.supabase_url}/auth/v1/health", headers={"apikey": pipeline.endpoint.anon_key}
    )
    with psycopg.connect(pipeline.endpoint.database_url) as connection:
        row = connection.execute("select count(*) from realtime_events").fetchone()

    assert health.status_code == accounts.status_code == 200
    assert accepts_connections(pipeline.endpoint.realtime_url)
    assert row == (0,)
    assert set(pipeline.pids) == PARTS
    assert set(pipeline.pids.values()) <= {process.pid for process in pipeline.family}


@pytest.mark.e2e
def test_a_termination_signal_ends_everything(pipeline: Running) -> None:
    """The supervisor on its own, told to end by whoever runs it."""
    os.kill(pipeline.supervisor.pid, signal.SIGTERM)

    assert pipeline.assert_gone() == 0
    assert not pipeline.directory.exists()


@pytest.mark.e2e
def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the process that started the pipeline: no clean-up runs there, and still nothing stays."""
    program = (
        "import sys, pathlib, orjson\n"
        "from loadtests.pipeline.settings import StackSettings\n"
        "from loadtests.processes.spawn import Child\n"
        "log = pathlib.Path(sys.argv[1])\n"
        "child = Child.start('loadtests.pipeline', name='pipeline', log=log, hello=StackSettings().to_json())\n"
        "sys.stdout.buffer.write(orjson.dumps([child.pid, child.wait_for('ready', 60)]) + b'\\n')\n"
        "sys.stdout.flush(); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pipeline.log")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        supervisor, ready = orjson.loads(parent.stdout.readline())
        family = [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]
        parent.kill()
    _, alive = psutil.wait_procs(family, 15)

    assert {process.pid for process in family} >= set(ready["pids"].values())
    assert alive == []
    assert not Path(ready["directory"]).exists()


@pytest.mark.e2e
def test_the_next_start_removes_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    """SIGKILL of the supervisor: the parts end by themselves, and the sweep takes the directory."""
    with running(tmp_path / "pipeline.log") as killed:
        os.kill(killed.supervisor.pid, signal.SIGKILL)
        killed.assert_gone()
        sweep(killed.directory.parent)

    # Nobody looks before: whoever starts another pipeline on this machine sweeps, too.
    assert not killed.directory.exists()


@pytest.mark.e2e
@pytest.mark.parametrize("part", sorted(PARTS))
def test_the_death_of_a_part_is_told_and_ends_the_others(pipeline: Running, part: str) -> None:
    """The run learns which part died and how; nothing is left half alive."""
    os.kill(pipeline.pids[part], signal.SIGKILL)

    with pytest.raises(ChildError, match=rf"{part}.*SIGKILL"):
        pipeline.supervisor.wait_for("something that is never said", 15)
    assert pipeline.assert_gone() == 1
    assert not pipeline.directory.exists()


@pytest.mark.e2e
def test_two_pipelines_at_once_leave_each_other_alone(pipeline: Running, tmp_path: Path) -> None:
    """Own ports, own secrets, own directory; hanging up ends one, without a trace, and not the other."""
    with running(tmp_path / "second.log") as second:
        assert second.directory != pipeline.directory
        assert second.endpoint.jwt_secret != pipeline.endpoint.jwt_secret
        assert second.endpoint.api_url != pipeline.endpoint.api_url
        second.supervisor.hang_up()

        assert second.assert_gone() == 0
        assert not second.directory.exists()

    assert httpx.get(f"{pipeline.endpoint.api_url}/health").status_code == 200


@pytest.mark.e2e
def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    """No database is made for a pipeline that cannot open its port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        hello = StackSettings(realtime_port=port).to_json()
        supervisor = Child.start("loadtests.pipeline", name="pipeline", log=tmp_path / "log", hello=hello)
        with pytest.raises(ChildError, match=rf"pipeline failed: port {port}, wanted for Realtime"):
            supervisor.wait_for("ready", 30)

        assert supervisor.stop() == 1


@pytest.mark.e2e
def test_fixed_ports_are_used_and_a_gateway_can_be_left_out(tmp_path: Path) -> None:
    """Whoever asks for a port gets that one; runs whose drivers need no gateway start none."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        api_port, realtime_port = first.getsockname()[1], second.getsockname()[1]
    settings = StackSettings(api_port=api_port, realtime_port=realtime_port, gateway=False)
    with running(tmp_path / "log", settings) as started:
        assert started.endpoint.api_url == f"http://127.0.0.1:{api_port}"
        assert started.endpoint.realtime_url.startswith(f"ws://127.0.0.1:{realtime_port}/")
        assert set(started.pids) == PARTS - {"gateway"}
        assert started.endpoint.supabase_url == ""


@pytest.mark.e2e
def test_a_parent_that_leaves_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    """Hanging up at once interrupts the start between two steps."""
    parent, elsewhere = tmp_path / "parent", tmp_path / "elsewhere"
    parent.mkdir()
    elsewhere.mkdir()
    hello = StackSettings(directory_parent=str(parent)).to_json()
    environment = {"TMPDIR": str(elsewhere)}
    supervisor = Child.start(
        "loadtests.pipeline", name="pipeline", log=tmp_path / "log", hello=hello, environment=environment
    )

    assert supervisor.stop(30) == 0
    assert list(parent.iterdir()) == []
    assert list(elsewhere.iterdir()) == []


@pytest.mark.e2e
def test_a_running_server_can_carry_the_pipeline(postgres: PostgresServer, tmp_path: Path) -> None:
    """With a database's address, PostgreSQL is not started, and nothing stays on that server."""
    with running(tmp_path / "log", StackSettings(database_url=postgres.url())) as started:
        assert set(started.pids) == PARTS - {"postgres"}
        assert httpx.get(f"{started.endpoint.api_url}/health").status_code == 200
    with psycopg.connect(postgres.url()) as connection:
        rows = connection.execute("select datname from pg_database where datname like 'push\\_pipeline\\_%'").fetchall()
        slots = connection.execute("select count(*) from pg_replication_slots").fetchone()

    assert rows == []
    assert slots == (0,)


@pytest.mark.e2e
def test_an_address_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """The reason reaches whoever wanted the pipeline."""
    hello = StackSettings(database_url="postgresql://owner:secret@127.0.0.1:1/app").to_json()
    supervisor = Child.start("loadtests.pipeline", name="pipeline", log=tmp_path / "log", hello=hello)
    with pytest.raises(ChildError, match=r"cannot connect to the server at 127\.0\.0\.1:1") as failure:
        supervisor.wait_for("ready", 30)

    assert "secret" not in str(failure.value)
    assert supervisor.stop() == 1
