"""Rows committed all the while a channel is joined: which of them arrive."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.sockets import Closed, Frame, Socket

_AFTERWARDS_S = 2.0
_LONGEST_S = 30.0
_MS = 1_000_000

Insert = Callable[[list[Mapping[str, Any]]], Awaitable[None]]


@dataclass(slots=True)
class Observed:
    """What came of a stream; times in milliseconds since the join was sent."""

    committed_ms: dict[int, float] = field(default_factory=dict)
    delivered: list[int] = field(default_factory=list)
    reply_ms: float | None = None
    subscribed_ms: float | None = None

    @property
    def lost(self) -> list[int]:
        """The numbers of the rows that never came."""
        return [number for number in self.committed_ms if number not in set(self.delivered)]

    def figures(self) -> dict[str, float | None]:
        """Return what the recording gives ranges for."""
        lost = self.lost
        return {
            "reply_ms": self.reply_ms,
            "subscribed_ms": self.subscribed_ms,
            "lost": len(lost),
            "first_delivered_committed_ms": self.committed_ms[self.delivered[0]] if self.delivered else None,
            "last_lost_committed_ms": self.committed_ms[lost[-1]] if lost else None,
        }

    def fault(self, expected: Mapping[str, Any]) -> str | None:
        """Return what is not as recorded."""
        figures = self.figures()
        for name, (low, high) in expected["ranges"].items():
            figure = figures[name]
            if figure is None and name != "last_lost_committed_ms":
                return f"{name} never came"
            if figure is not None and not low <= figure <= high:
                return f"{name} is {figure:.0f}, outside {low} to {high}"
        if self.delivered != sorted(set(self.delivered)):
            return f"not in order, or twice: {self.delivered}"
        if self.lost != list(self.committed_ms)[: len(self.lost)]:
            return f"the lost rows {self.lost} are not the first ones"
        return None


async def observe(socket: Socket, stream: Mapping[str, Any], join: Any, insert: Insert) -> Observed:
    """Send the join and commit rows from that moment until some time after the subscription; return what came."""
    observed = Observed()
    began_ns = time.monotonic_ns()
    writing = asyncio.create_task(_write(stream, observed, insert, began_ns))
    await socket.send(join)
    listening = asyncio.create_task(_listen(socket, observed, began_ns))
    try:
        await asyncio.wait_for(writing, _LONGEST_S)
        await asyncio.sleep(_AFTERWARDS_S)
    finally:
        writing.cancel()
        listening.cancel()
    return observed


async def _write(stream: Mapping[str, Any], observed: Observed, insert: Insert, began_ns: int) -> None:
    every_ms, stop_ms = stream["every_ms"], stream["stop_ms_after_subscribed"]
    for number in itertools.count(1):
        row = {**stream["row"], "id": f"$uuid{number}", "payload": {"n": number}}
        await insert([row])
        now_ms = (time.monotonic_ns() - began_ns) / _MS
        observed.committed_ms[number] = now_ms
        if observed.subscribed_ms is not None and now_ms >= observed.subscribed_ms + stop_ms:
            return
        await asyncio.sleep(max(0.0, (number * every_ms - now_ms) / 1000))


async def _listen(socket: Socket, observed: Observed, began_ns: int) -> None:
    while True:
        item: Frame | Closed = await socket.inbox.get()
        assert isinstance(item, Frame), "the socket was closed under the stream"
        event, payload = _parts(item.message)
        at_ms = (item.at_ns - began_ns) / _MS
        if event == "phx_reply":
            assert payload["status"] == "ok", payload
            observed.reply_ms = at_ms
        elif event == "system":
            assert payload["message"] == "Subscribed to PostgreSQL", payload
            observed.subscribed_ms = at_ms
        else:
            observed.delivered.append(payload["data"]["record"]["payload"]["n"])


def _parts(message: Any) -> tuple[str, Any]:
    return (message[3], message[4]) if isinstance(message, list) else (message["event"], message["payload"])
