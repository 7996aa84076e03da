"""The parent's side: start a Python module of ours as a clean process and talk to it.

`subprocess`, not `multiprocessing`: a spawned interpreter must not re-import its parent's main module, because
Locust would monkey-patch the child too. Each child is a session of its own, so that Ctrl-C at the terminal
reaches the parent alone, which then ends its children in an order it chooses.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import orjson

from loadtests.processes.lifeline import Message

_LOG_TAIL_BYTES = 4000
_DIRECTLY = {"NO_PROXY": "*", "no_proxy": "*"}
"""No client of a child goes through a proxy, whosever library it is: what is measured is the target."""
_DRAIN_S = 1.0
"""How long to wait for the last words of a process that has ended; they are in the pipe already."""


class ChildError(RuntimeError):
    """A child process died, said that it failed, or did not answer in time. The text says which and why."""


class Child:
    """One child process, its mailbox and its log file (None: it logs to our own standard error)."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path | None) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls,
        module: str,
        *args: str,
        name: str,
        log: Path | None,
        hello: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start `python -m module args` and send it `hello`; its standard error is appended to `log`, if any."""
        command: Sequence[str] = [sys.executable, "-m", module, *args]
        with nullcontext() if log is None else log.open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, **_DIRECTLY, **(environment or {})},
            )
        child = cls(name, process, log)
        child.send(hello)
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while the process runs."""
        return self._process.poll()

    def has_ended(self) -> bool:
        """Whether the process is gone and all that it said has been fetched: then only the obituary is left."""
        if self.exit_code is None:
            return False
        self._reader.join(_DRAIN_S)
        return self._inbox.empty()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a child that is already gone is noticed when it is next waited for."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(orjson.dumps(message) + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return

    def messages(self) -> list[Message]:
        """Return what the child has said since the last call, without waiting."""
        heard = []
        while not self._inbox.empty():
            heard.append(self._inbox.get_nowait())
        return heard

    def next_message(self, timeout_s: float) -> Message | None:
        """Wait up to `timeout_s` for one message; None when none came."""
        try:
            return self._inbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def wait_for(self, what: str, timeout_s: float) -> Message:
        """Return the first message whose key `is` equals `what`; others before it are dropped.

        Raises:
            ChildError: the child died, said `{"is": "failed", "why": …}`, or `timeout_s` passed.

        """
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            message = self.next_message(min(left, 0.05))
            if message is not None and message.get("is") == what:
                return message
            if message is not None and message.get("is") == "failed":
                raise ChildError(f"{self.name} failed: {message.get('why')}")
            if message is None and self.has_ended():
                raise ChildError(self.obituary())
        hint = "" if self.log is None else f"; see {self.log}"
        raise ChildError(f"{self.name} did not say '{what}' within {timeout_s:g} s{hint}")

    def obituary(self) -> str:
        """Say how the child ended, with the last lines of its log."""
        code = self.exit_code
        how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with {code}"
        tail = self.log_tail()
        return f"{self.name} (pid {self.pid}) {how}" + (f"; the end of its log:\n{tail}" if tail else "")

    def log_tail(self) -> str:
        """Return the end of the log file, which other children may share; nothing when there is none."""
        if self.log is None:
            return ""
        return self.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()

    def hang_up(self) -> None:
        """Close the lifeline: the child begins to end by itself."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                return

    def stop(self, timeout_s: float = 10.0) -> int:
        """Hang up, wait, then terminate, then kill. Return the exit code."""
        self.hang_up()
        for wait_s, escalate in (
            (timeout_s, self._process.terminate),
            (3.0, self._process.kill),
            (3.0, None),
        ):
            try:
                code = self._process.wait(wait_s)
                break
            except subprocess.TimeoutExpired:
                if escalate is not None:
                    escalate()
        else:
            raise ChildError(f"{self.name} (pid {self.pid}) survived SIGKILL")
        self._reader.join(_DRAIN_S)
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._inbox.put(_parse(line))
        self._process.stdout.close()


def _parse(line: bytes) -> Message:
    """Return a line as a message; what is none, because some library prints, becomes one of kind `noise`."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        message = None
    return message if isinstance(message, dict) else {"is": "noise", "text": line.decode(errors="replace").rstrip()}
