"""Drives the official Python client, unmodified: JSON lines in say what to do, JSON lines out what it was told.

The words are those of `drive_javascript.mjs`, so that one test serves both. The one argument names the package
whose client it is, `realtime` or `supabase`. Ends when standard input does. Knows nothing of this project.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient
from realtime.types import RealtimeAcknowledgementStatus as Answer

Command = Mapping[str, Any]


def say(**message: object) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def say_change(topic: str, change: Mapping[str, Any]) -> None:
    """Tell the test of a change; a row that the client was not sent is an empty one."""
    row, old = change.get("record") or {}, change.get("old_record") or {}
    say(**{"is": "change", "topic": topic, "type": change["type"], "row": row, "old": old})


class Complaints(logging.Handler):
    """Whatever the client logs as a warning or worse."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the test."""
        say(**{"is": "complaint", "text": record.getMessage()})


class Driver:
    """One client and its channels."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._channels: dict[str, AsyncRealtimeChannel] = {}
        self._client: AsyncRealtimeClient

    async def do(self, command: Command) -> None:
        """Obey one command."""
        await getattr(self, str(command["do"]))(command)

    async def open(self, command: Command) -> None:
        """Make the client and give it the user's token."""
        url, key = str(command["url"]), str(command["key"])
        if self._package == "supabase":
            # It takes four times as long to import as the other, of which it is made.
            from supabase import acreate_client  # noqa: PLC0415

            self._client = (await acreate_client(url, key)).realtime
        else:
            self._client = AsyncRealtimeClient(f"{url}/realtime/v1", key)
        await self._client.set_auth(command["token"])
        say(**{"is": "ready"})

    async def subscribe(self, command: Command) -> None:
        """Join a channel with everything it may carry."""
        topic, key = command["topic"], command["presence_key"]
        channel = self._client.channel(
            topic,
            {
                "config": {
                    "broadcast": {"ack": True, "self": True},
                    "presence": {"key": key or "", "enabled": key is not None},
                    "private": False,
                }
            },
        )
        self._channels[topic] = channel
        if command["event"] is not None:
            channel.on_postgres_changes(
                command["event"],
                schema="public",
                table="realtime_events",
                filter=command["filter"],
                callback=lambda change: say_change(topic, change["data"]),
            )
        if key is not None:
            channel.on_presence_sync(
                lambda: say(**{"is": "present", "topic": topic, "state": channel.presence_state()})
            )
        channel.on_system(
            lambda told: say(**{"is": "system", "topic": topic, "status": told.status, "message": told.message})
        )
        channel.on_broadcast(
            "greeting",
            lambda told: say(**{"is": "broadcast", "topic": topic, "event": told["event"], "payload": told["payload"]}),
        )
        await channel.subscribe(
            lambda status, why: say(**{"is": "status", "topic": topic, "status": status.value, "why": str(why or "")})
        )

    async def refresh(self, command: Command) -> None:
        """Give the client a new token, which it sends to its channels."""
        await self._client.set_auth(command["token"])

    async def track(self, command: Command) -> None:
        """Be present."""
        await self._push(command, "presence", {"event": "track", "payload": command["state"]})

    async def untrack(self, command: Command) -> None:
        """Be present no more."""
        await self._push(command, "presence", {"event": "untrack", "payload": {}})

    async def broadcast(self, command: Command) -> None:
        """Send to all who joined the topic."""
        event, payload = command["event"], command["payload"]
        await self._push(command, "broadcast", {"type": "broadcast", "event": event, "payload": payload})

    async def leave(self, command: Command) -> None:
        """Leave a channel."""
        await self._client.remove_channel(self._channels[command["topic"]])
        say(**{"is": "answer", "to": "leave", "status": "ok"})

    async def _push(self, command: Command, event: str, payload: dict[str, Any]) -> None:
        """Send what `track`, `untrack` and `send_broadcast` send, and tell of the answer, which they do not return."""
        push = await self._channels[command["topic"]].push(event, payload)
        for answer in (Answer.Ok, Answer.Error, Answer.Timeout):
            push.receive(
                answer,
                lambda *_, status=answer.value: say(**{"is": "answer", "to": command["do"], "status": status}),
            )


async def main() -> None:
    """Obey until standard input ends."""
    logging.getLogger().addHandler(Complaints(logging.WARNING))
    driver = Driver(sys.argv[1])
    say(**{"is": "up"})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await driver.do(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
