"""Ctrl-C: once, end the load in an orderly way and report, or leave before it; twice, leave at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - a wish of the user's, no error
    """The user wants to leave before the load began."""


class Interrupt:
    """Whether the user, or whoever may end this process, has asked for the end."""

    def __init__(self) -> None:
        self.asked = False
        self._is_granted_at_once = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise wherever the block stands when the end is asked for: before the load, for what takes long.

        Raises:
            Interrupted: it was.

        """
        self.check()
        self._is_granted_at_once = True
        try:
            yield
        finally:
            self._is_granted_at_once = False

    def check(self) -> None:
        """Raise if the end was asked for; for the time before the load.

        Raises:
            Interrupted: it was.

        """
        if self.asked:
            raise Interrupted

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if self._is_granted_at_once:
            raise Interrupted


@contextmanager
def listen_for_interrupt() -> Iterator[Interrupt]:
    """Catch SIGINT and SIGTERM while the block runs."""
    interrupt = Interrupt()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupt._on_signal) for number in numbers}  # noqa: SLF001 - its own module
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
