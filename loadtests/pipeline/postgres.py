"""One private PostgreSQL server: made from a folder of programs, on a free loopback port, gone with its parent.

No shell, no `pg_ctl`, no Python layer of a wheel, no root. Knows nothing of what the databases hold.
"""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

from loadtests.pipeline.account import process_identity, unprivileged_account
from loadtests.pipeline.binaries import Binaries, find_binaries, within_reach
from loadtests.pipeline.settings import LOOPBACK

_OWNER = "postgres"
_LOG_TAIL_BYTES = 4000
_PR_SET_PDEATHSIG = 1
_LONGEST_SOCKET_PATH = 100
"""Systems allow between 103 and 107 bytes."""

_CONFIGURATION: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "max_connections": "200",
    # The change feed: logical decoding, with each commit's time for those who ask how late it was.
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "track_commit_timestamp": "on",
    # A walsender sends only what was flushed: `off` would delay every change by the WAL writer's pause.
    "synchronous_commit": "on",
    # The cluster is thrown away, so nobody needs it to survive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "2GB",
    "shared_buffers": "128MB",
    # Short statements only: compiling them costs more than it saves.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


class PostgresError(RuntimeError):
    """PostgreSQL could not be made or started. The text holds what it said."""


class PostgresServer:
    """A cluster of our own in `directory`, and the server that runs it; a context manager that stops it."""

    name = "postgres"

    def __init__(
        self, directory: Path, *, binaries: Binaries | None = None, configuration: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.log = directory / "postgres.log"
        self.port = 0
        self._cluster = directory / "cluster"
        self._account = unprivileged_account()
        self._binaries = binaries if binaries is not None else find_binaries()
        self._socket_directory = directory if _may_hold_a_socket(directory) else None
        sockets = {"unix_socket_directories": str(self._socket_directory or "")}
        self._configuration = {**_CONFIGURATION, **sockets, **(configuration or {})}
        if self._binaries.version >= 18:
            # The default keeps three more processes for asynchronous reads of a cluster that fits in memory.
            self._configuration.setdefault("io_method", "sync")
        # Everybody on this machine can connect to a loopback port: hence a password.
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(
        cls, directory: Path, *, binaries: Binaries | None = None, configuration: Mapping[str, str] | None = None
    ) -> Self:
        """Make a new cluster in `directory`, a folder that does not exist yet, and start its server.

        Raises:
            PostgresError: it did not start.
            BinariesNotFoundError: there is no PostgreSQL on this machine.

        """
        server = cls(directory, binaries=binaries, configuration=configuration)
        server._make_cluster()
        server.start()
        return server

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """The postmaster's exit code, or None while it runs."""
        return self._running().poll()

    def url(self, database: str = "postgres") -> str:
        """Return the owner's connection string for `database`."""
        return f"postgresql://{_OWNER}:{quote(self._password)}@{LOOPBACK}:{self.port}/{quote(database)}"

    def local_url(self, database: str = "postgres") -> str:
        """Return the owner's connection string for processes of our own, which read the server's folder.

        A Unix socket spares them and the server a third of a short statement's cost.
        """
        if self._socket_directory is None:
            return self.url(database)
        where = urlencode({"host": self._socket_directory, "port": self.port})
        return f"postgresql://{_OWNER}:{quote(self._password)}@/{quote(database)}?{where}"

    def start(self, timeout_s: float = 30.0) -> None:
        """Start the server and wait until it accepts connections; after a stop on the port it had before.

        A free port may be taken by somebody else before PostgreSQL opens it, so that is tried a second time.

        Raises:
            PostgresError: it ended, or was not ready within `timeout_s`.

        """
        chosen = self.port
        for attempts_left in (1, 0):
            self.port = chosen or _free_port()
            log_start = self.log.stat().st_size if self.log.exists() else 0
            self._process = self._spawn()
            if self._wait_ready(timeout_s):
                return
            said = self.log.read_bytes()[log_start:].decode(errors="replace")
            taken = "Address already in use" in said
            if chosen or not taken or not attempts_left:
                self.stop()
                raise PostgresError(f"PostgreSQL did not start ({self._binaries.directory}); it said:\n{said.strip()}")

    def stop(self, timeout_s: float = 10.0) -> None:
        """Shut down, disconnecting whoever is still there; after `timeout_s` less and less politely."""
        if self._process is None or self._process.poll() is not None:
            return
        for how, wait_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            self._process.send_signal(how)
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                continue
            return
        raise PostgresError(f"PostgreSQL (pid {self._process.pid}) survived SIGKILL")

    def obituary(self) -> str:
        """Say how the server ended, with the last lines of its log."""
        code = self.exit_code
        how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with {code}"
        tail = self.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        return f"{self.name} (pid {self.pid}) {how}" + (f"; its last words:\n{tail}" if tail else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the server was never started"
        return self._process

    def _make_cluster(self) -> None:
        self.directory.mkdir(mode=0o700)
        self._binaries = within_reach(self._binaries, self._account, self.directory / "programs")
        password_file = self.directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._account is not None:
            self._account.own(self.directory, password_file)
        command = [
            *(str(self._binaries.initdb), "--pgdata", str(self._cluster), "--username", _OWNER),
            *("--auth", "scram-sha-256", "--pwfile", str(password_file)),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        ]
        made = subprocess.run(  # noqa: S603 - the command is ours
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            **process_identity(self._account),
        )
        password_file.unlink()
        if made.returncode != 0:
            said = made.stdout.decode(errors="replace").strip()
            raise PostgresError(f"initdb could not make a cluster in {self._cluster}; it said:\n{said}")

    def _spawn(self) -> "subprocess.Popen[bytes]":
        # The kernel ties a parent-death signal to the thread that forked: in any other thread than the main
        # one, PostgreSQL would end when that thread ends.
        assert threading.current_thread() is threading.main_thread(), "start PostgreSQL from the main thread"
        command = [str(self._binaries.postgres), "-D", str(self._cluster), "-p", str(self.port)]
        for key, value in self._configuration.items():
            command += ["-c", f"{key}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, prepared before the fork
                **process_identity(self._account),
            )

    def _wait_ready(self, timeout_s: float) -> bool:
        """Wait for the postmaster to report itself ready; False when it ended or did not in time."""
        status = self._cluster / "postmaster.pid"
        process = self._running()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            lines = status.read_text().splitlines() if status.exists() else []
            # The eighth line is the state; the first tells this start's file from an earlier one's.
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            return False
        return False


def _environment() -> dict[str, str]:
    """Return our environment without the variables that would steer PostgreSQL, and with English messages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _may_hold_a_socket(directory: Path) -> bool:
    # PostgreSQL takes a list of directories, and the path of a socket has a limit that a long one breaks.
    path = str(directory.resolve() / ".s.PGSQL.65535")
    return len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not set(path) & set(',"')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_parent() -> Callable[[], None] | None:
    """Return what the forked process does so that the kernel shuts it down when its parent dies (Linux only).

    PostgreSQL has no lifeline of ours to read, and elsewhere the next start's sweep ends what was left behind.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def die_with_parent() -> None:
        # An immediate shutdown, which waits for no one: nothing in the cluster is worth keeping then.
        prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent
