"""The child processes of the pipeline: started together, ended together, and one of them killed on command.

Knows how processes begin and end, nothing of what they do.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from loadtests.processes.lifeline import Message
from loadtests.processes.spawn import Child, ChildError

_START_TIMEOUT_S: Final = 20.0
_STOP_TIMEOUT_S: Final = 5.0


class StackError(RuntimeError):
    """The pipeline could not be started. The text says which part, why, and what to do."""


@dataclass(slots=True, kw_only=True)
class _Post:
    """A process and how to start it again."""

    module: str
    hello: dict[str, Any]
    child: Child
    ready: Message | None = None
    """What it said when it was ready."""


class Crew:
    """The children; a context manager that ends them, all at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._posts: dict[str, _Post] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.hang_up()  # all begin to end before the first is waited for
        for child in reversed(self.children):
            child.stop(_STOP_TIMEOUT_S)

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes as they are now."""
        return tuple(post.child for post in self._posts.values())

    def start(self, name: str, module: str, hello: Mapping[str, Any]) -> None:
        """Start a process; it is not waited for."""
        child = self._spawn(name, module, hello)
        self._posts[name] = _Post(module=module, hello=dict(hello), child=child)

    def wait_ready(self) -> dict[str, Message]:
        """Wait for all; return what each said when it was ready.

        Raises:
            StackError: one of them did not start.

        """
        ready = {}
        for name, post in self._posts.items():
            if post.ready is None:
                post.ready = _wait_ready(post.child)
                if "port" in post.ready:
                    post.hello["port"] = post.ready["port"]
            ready[name] = post.ready
        return ready

    def tell(self, name: str, message: Mapping[str, Any]) -> None:
        """Send a message to one of them."""
        self._posts[name].child.send(message)

    def kill_and_restart(self, name: str) -> None:
        """Kill one of them without warning, and start it again on the port that it had.

        Raises:
            StackError: it did not start again.

        """
        post = self._posts[name]
        os.kill(post.child.pid, signal.SIGKILL)
        post.child.stop(_STOP_TIMEOUT_S)
        post.child = self._spawn(name, post.module, post.hello)
        _wait_ready(post.child)

    def _spawn(self, name: str, module: str, hello: Mapping[str, Any]) -> Child:
        log = self._directory / f"{name.lower().replace(' ', '-')}.log"
        return Child.start(module, name=name, log=log, hello=hello)


def _wait_ready(child: Child) -> Message:
    try:
        return child.wait_for("ready", _START_TIMEOUT_S)
    except ChildError as error:
        if child.exit_code is not None:
            raise StackError(str(error)) from error
        # The log is about to be removed with the directory: what it says must be said here.
        said = child.log_tail()
        raise StackError(f"{error}" + (f"; it wrote:\n{said}" if said else "")) from error
