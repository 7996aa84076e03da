"""What comes and goes while a socket waits: for the end of a refused join, or for what policies say.

The real server's socket does nothing else then: it reads nothing, and what others send to it waits too.
"""

from collections.abc import Callable
from typing import Final

Incoming = tuple[bytes, bool]
"""A message and whether its frame was binary."""
MAX_INCOMING_BYTES: Final = 10_000_000
"""Two of the largest messages: more is not read meanwhile, but what had been read already may be so much."""


class Wait:
    """A socket's messages in both directions, kept in order."""

    __slots__ = ("_end", "incoming", "incoming_bytes", "outgoing", "outgoing_bytes")

    def __init__(self, end: Callable[[], object]) -> None:
        """`end` ends the wait before its time: the socket has gone."""
        self._end = end
        self.incoming: list[Incoming] = []
        self.incoming_bytes = 0
        self.outgoing: list[bytes] = []
        self.outgoing_bytes = 0

    def take(self, text: bytes, *, binary: bool) -> bool:
        """Keep a message from the client; return whether that was still bearable."""
        self.incoming.append((text, binary))
        self.incoming_bytes += len(text)
        return self.incoming_bytes <= MAX_INCOMING_BYTES

    def write(self, frames: list[bytes]) -> None:
        """Keep frames for the client."""
        self.outgoing += frames
        self.outgoing_bytes += sum(map(len, frames))

    def cancel(self) -> None:
        """Wait no longer."""
        self._end()
