"""The faults of the jobs API: requests that take long or fail, events that are not stored, answers from the past.

Asked at one place each, and no more than a look at an empty table while there is no fault.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.pipeline.api.events import RealtimeEvent
from loadtests.pipeline.api.stale_replica import StaleReplica
from loadtests.pipeline.faults.choice import Choice
from loadtests.pipeline.faults.desk import End, Running
from loadtests.pipeline.faults.kinds import EmissionFails, Errors, Latency, Route, StaleReads

_READS: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A running fault that hits some."""

    running: Running
    choice: Choice

    def takes(self, **detail: object) -> bool:
        """Whether it hits this one, which then is accounted for."""
        if not self.choice.takes():
            return False
        self.running.note(**detail)
        if self.choice.is_over:
            self.running.end()
        return True


class Misbehaviour:
    """The faults in force."""

    def __init__(self, database_url: str = "") -> None:
        """`database_url` is needed for answers from the past alone."""
        self._database_url = database_url
        self._spoiling: dict[int, _Chosen] = {}
        self._tampering: dict[int, tuple[Latency | Errors, _Chosen]] = {}
        self.replica: StaleReplica | None = None
        """Answers from the past, while there are any."""

    def begin(self, running: Running) -> End:
        """Put a fault in force; return what undoes it."""
        number = running.number
        match running.fault:
            case EmissionFails(seed=seed, share=share, count=count):
                self._spoiling[number] = _Chosen(running, Choice(seed=seed, share=share, count=count))
                return lambda: _forget(self._spoiling, number)
            case Latency(seed=seed, share=share, count=count) | Errors(seed=seed, share=share, count=count) as fault:
                self._tampering[number] = (fault, _Chosen(running, Choice(seed=seed, share=share, count=count)))
                return lambda: _forget(self._tampering, number)
            case StaleReads() as fault:
                return self._read_the_past(fault, running)
            case other:
                raise AssertionError(other)

    def spoils(self, event: RealtimeEvent) -> bool:
        """Whether an event is not to be stored."""
        return any(
            chosen.takes(request_id=event.payload.get("request_id"), event_type=event.event_type)
            for chosen in tuple(self._spoiling.values())
        )

    def is_idle(self) -> bool:
        """Whether every request is handled as ever."""
        return not self._tampering

    def hits(self, scope: Scope) -> list[Latency | Errors]:
        """Return the faults that hit a request."""
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"").decode("latin-1")
        return [
            fault
            for fault, chosen in tuple(self._tampering.values())
            if _concerns(fault.route, scope["method"])
            and chosen.takes(request_id=request_id, method=scope["method"], path=scope["path"])
        ]

    def close(self) -> None:
        """Let go of what faults hold."""
        if self.replica is not None:
            self.replica.close()

    def _read_the_past(self, fault: StaleReads, running: Running) -> End:
        if self.replica is not None:
            self.replica.close()  # the newest one counts
        replica = self.replica = StaleReplica(
            self._database_url, fault, note=running.note, exhausted=running.end, now_ns=_loop_ns
        )

        def end() -> None:
            replica.close()
            if self.replica is replica:
                self.replica = None

        return end


@dataclass(frozen=True, slots=True)
class Tampered:
    """The application, with the faults before it."""

    app: ASGIApp
    misbehaviour: Misbehaviour

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request, perhaps later, perhaps not at all."""
        if self.misbehaviour.is_idle() or scope["type"] != "http":
            return self.app(scope, receive, send)
        return self._tampered(scope, receive, send)

    async def _tampered(self, scope: Scope, receive: Receive, send: Send) -> None:
        for fault in self.misbehaviour.hits(scope):
            if isinstance(fault, Errors):
                await _fail(fault.status, send)
                return
            await asyncio.sleep(fault.ms / 1000)
        await self.app(scope, receive, send)


def _concerns(route: Route, method: str) -> bool:
    return route == "all" or (route == "read") == (method in _READS)


async def _fail(status: int, send: Send) -> None:
    body = orjson.dumps({"message": "A fault on command"})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _loop_ns() -> int:
    return round(asyncio.get_running_loop().time() * 1e9)


def _forget(running: dict[int, Any], number: int) -> None:
    del running[number]
