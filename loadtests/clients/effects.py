"""What a device's state machines ask of whoever drives them: to connect, to send, to fetch, to write something down.

Values only. A driver carries them out in their order; a test compares them.
"""

from dataclasses import dataclass
from enum import IntEnum

from loadtests.clients.fetching import Fetch, Skipped
from loadtests.wire.phoenix import Message


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a WebSocket; `opened` or `failed` is heard of it."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the WebSocket, or the attempt to open one."""

    is_orderly: bool
    is_final: bool
    """Whether the machine is done with it: it does not hear `lost` any more."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message on the WebSocket."""

    message: Message


class Mark(IntEnum):
    """What is written down of a device's life."""

    LOGIN = 1
    OPENED = 2
    JOINED = 3
    LIVE = 4
    DOWN = 5
    LOGOUT = 6
    REFUSED = 7
    BACKGROUND = 8
    FOREGROUND = 9
    TOKEN = 10


@dataclass(frozen=True, slots=True)
class Record:
    """Write down that something happened."""

    mark: Mark
    cause: int = 0
    """DOWN: a `DownCause`; LOGOUT: a `Leaving`; BACKGROUND: 1 if the socket is kept; LOGIN: the organization."""
    value: int = 0
    """DOWN: close code; REFUSED: HTTP status; OPENED: when it began to connect; TOKEN: seconds that were left."""
    text: str = ""
    """REFUSED: the reason."""


@dataclass(frozen=True, slots=True)
class BecameLive:
    """Changes flow from here on; `again`: the server said so to a device that was live already."""

    again: bool


@dataclass(frozen=True, slots=True)
class Flushed:
    """A window ended."""

    batch: int
    signals: int


@dataclass(frozen=True, slots=True)
class Request:
    """Request this; `answered` is heard of it."""

    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Skip:
    """Write down that this was asked for and is not requested."""

    skipped: Skipped


Effect = Dial | HangUp | Send | Record | BecameLive | Flushed | Request | Skip
Effects = list[Effect]
