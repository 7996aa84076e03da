"""One channel as those see it who write to it: the audiences of changes, and the rooms."""

from typing import TYPE_CHECKING

from loadtests.wire.phoenix import Vsn

if TYPE_CHECKING:
    from loadtests.pipeline.realtime.connection import Connection


class ChannelListener:
    """One channel on an open socket."""

    __slots__ = ("_connection", "_number", "vsn")

    def __init__(self, connection: "Connection", number: int, vsn: Vsn) -> None:
        self._connection = connection
        self._number = number
        self.vsn = vsn

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` finished WebSocket frames at once."""
        self._connection.deliver(frames, count)

    def tell(self, frame: bytes) -> None:
        """Write one finished WebSocket frame."""
        self._connection.tell(frame)

    def hear(self, frame: bytes) -> None:
        """Write a broadcast; one too many is the channel's last."""
        self._connection.tell(frame)
        self._connection.count_broadcast(self._number)
