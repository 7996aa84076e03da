"""Very many clients at once on one thread: a burst of connects, with half handshakes and idle readers among them.

Raw sockets, because a client library would spend more on a connect than the server does. Says what became of each
attempt and how many received a row; knows nothing of who may. As a process it is told
`{"storm": {…}, "stay_s": …}`, and says `{"is": "over", …}` with the outcome.
"""

import resource
import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import msgspec

from loadtests.processes.lifeline import read_hello, say

_END = b"\r\n\r\n"
_CHUNK = 65536


class Fate(StrEnum):
    """What became of one connect."""

    LIVE = "live"
    """Subscribed."""
    REFUSED = "refused"
    """Answered with an error, by HTTP or in reply to the join."""
    DROPPED = "dropped"
    """Closed or reset without an answer."""
    HALF = "half"
    """Never finished its request, by intent."""
    IDLE = "idle"
    """Never read a byte, by intent."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Who connects how."""

    port: int
    path: str
    """With its query."""
    join: str
    """The text frame that each sends once it is connected."""
    marker: str
    """A text that tells a row from all else that is received."""
    attempts: int
    within_s: float
    every_half: int = 20
    """One in so many never finishes its request."""
    every_idle: int = 25
    """One in so many of the others never reads."""
    patience_s: float = 30.0
    """An attempt that has no answer then never had one."""
    source: str = "127.0.0.1"
    """The address to connect from: each has some 28,000 ports."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a storm."""

    fates: Counter[str] = field(default_factory=Counter)
    reached: int = 0
    """Clients that received a row."""
    attempted_s: float = 0.0
    """When the last connect was begun, from the first."""
    answered_s: float = 0.0
    """When the last answer came."""


class _Client:
    """One connection."""

    def __init__(self, weather: "Weather", number: int) -> None:
        storm = weather.storm
        is_half = number % storm.every_half == 0
        is_idle = not is_half and number % storm.every_idle == 0
        self._weather = weather
        self._received = bytearray()
        self._has_joined = False
        self.fate = Fate.HALF if is_half else Fate.IDLE if is_idle else Fate.UNANSWERED
        self.has_heard = False
        self.socket = socket.socket()
        self.socket.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
        self.socket.bind((storm.source, 0))
        self.socket.connect_ex(("127.0.0.1", storm.port))

    def proceed(self, events: int) -> None:
        """Send or receive what can be."""
        try:
            if events & selectors.EVENT_WRITE:
                self._begin()
            if events & selectors.EVENT_READ:
                self._receive()
        except OSError:
            self._end()

    def _begin(self) -> None:
        """Send the request as soon as there is a connection."""
        weather = self._weather
        match self.fate:
            case Fate.HALF:
                self.socket.send(weather.request[:40])
            case Fate.IDLE:
                self.socket.send(weather.request + weather.join)
                weather.forget(self)
                return
            case _:
                self.socket.send(weather.request)
        weather.expect(self)

    def _receive(self) -> None:
        data = self.socket.recv(_CHUNK)
        if not data:
            self._end()
            return
        self._received += data
        self.has_heard = self.has_heard or self._weather.marker in self._received
        if self.fate is Fate.UNANSWERED:
            self._judge()
        if self.fate is not Fate.UNANSWERED:
            del self._received[: -len(self._weather.marker)]

    def _judge(self) -> None:
        received = self._received
        if not self._has_joined and _END in received:
            if not received.startswith(b"HTTP/1.1 101"):
                self._answered(Fate.REFUSED)
                return
            self._has_joined = True
            self.socket.send(self._weather.join)
        if b'"status":"error"' in received:
            self._answered(Fate.REFUSED)
        elif b"Subscribed to PostgreSQL" in received:
            self._answered(Fate.LIVE)

    def _answered(self, fate: Fate) -> None:
        self.fate = fate
        self._weather.answered()

    def _end(self) -> None:
        if self.fate is Fate.UNANSWERED:
            self._answered(Fate.DROPPED)
        self._weather.forget(self)


class Weather:
    """The clients of one storm; closed as a context manager."""

    def __init__(self, storm: Storm) -> None:
        allow_many_sockets()
        self.storm = storm
        self.request = (
            f"GET {storm.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self.join = masked_text(storm.join.encode())
        self.marker = storm.marker.encode()
        self._selector = selectors.DefaultSelector()
        self._clients: list[_Client] = []
        self._waiting = 0
        self._began_s = time.monotonic()
        self._outcome = Outcome()

    def __enter__(self) -> Self:
        """Begin nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every socket."""
        self._selector.close()
        for client in self._clients:
            client.socket.close()

    def blow(self) -> None:
        """Make all attempts, and return when each has its answer or has waited too long."""
        storm = self.storm
        self._began_s = time.monotonic()
        while len(self._clients) < storm.attempts or (self._waiting and self._elapsed_s < storm.patience_s):
            due = min(storm.attempts, int(self._elapsed_s / storm.within_s * storm.attempts) + 1)
            for number in range(len(self._clients), due):
                self._attempt(number)
                self._outcome.attempted_s = self._elapsed_s
            self._turn(0.001 if due < storm.attempts else 0.05)

    def drain(self) -> None:
        """Receive all that has come."""
        while self._turn(0.0):
            pass

    def stay(self, duration_s: float) -> None:
        """Keep receiving for so long."""
        until_s = time.monotonic() + duration_s
        while time.monotonic() < until_s:
            self._turn(0.05)

    def outcome(self) -> Outcome:
        """Return what has come of it until now."""
        outcome = self._outcome
        outcome.fates = Counter(str(client.fate) for client in self._clients)
        outcome.reached = sum(client.has_heard for client in self._clients)
        return outcome

    def answered(self) -> None:
        """Count one that waits no longer."""
        self._waiting -= 1
        self._outcome.answered_s = self._elapsed_s

    def expect(self, client: _Client) -> None:
        """Wait for what is received."""
        self._selector.modify(client.socket, selectors.EVENT_READ, client)

    def forget(self, client: _Client) -> None:
        """Look after a client no longer; its socket stays open."""
        self._selector.unregister(client.socket)

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def _attempt(self, number: int) -> None:
        client = _Client(self, number)
        self._clients.append(client)
        self._waiting += client.fate is Fate.UNANSWERED
        self._selector.register(client.socket, selectors.EVENT_WRITE, client)

    def _turn(self, timeout_s: float) -> int:
        ready = self._selector.select(timeout_s)
        for key, events in ready:
            key.data.proceed(events)
        return len(ready)


def masked_text(payload: bytes) -> bytes:
    """Return a client's text frame; its mask of zeros leaves the payload as it is (RFC 6455, 5.3)."""
    assert 126 <= len(payload) < 1 << 16, len(payload)
    return b"\x81\xfe" + len(payload).to_bytes(2) + bytes(4) + payload


def allow_many_sockets() -> None:
    """Raise this process's own limit of open files as far as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Be one process of a storm."""
    hello = read_hello()
    with Weather(msgspec.convert(hello["storm"], Storm)) as weather:
        weather.blow()
        weather.stay(hello["stay_s"])
        outcome = weather.outcome()
        say(
            {
                "is": "over",
                "fates": dict(outcome.fates),
                "reached": outcome.reached,
                "attempted_s": outcome.attempted_s,
                "answered_s": outcome.answered_s,
            }
        )


if __name__ == "__main__":
    main()
