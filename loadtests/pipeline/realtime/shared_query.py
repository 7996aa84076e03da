"""One query for everybody who asks the same at the same time, and never an answer from before the question.

A storm of joins asks the catalog the same thing thousands of times a second; a cache would answer with
privileges that have since been revoked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class SharedQuery(Generic[Key, Answer]):
    """Ask once for all who wait: who asks while a query runs is answered by the next one."""

    def __init__(self, ask: Callable[[Key], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._running: dict[Key, asyncio.Task[Answer]] = {}
        self._next: dict[Key, asyncio.Task[Answer]] = {}

    async def get(self, key: Key) -> Answer:
        """Return the answer; raises what the query raises."""
        query = self._next.get(key)
        if query is None:
            query = asyncio.get_running_loop().create_task(self._run(key, after=self._running.get(key)))
            self._next[key] = query
        return await asyncio.shield(query)

    async def _run(self, key: Key, *, after: "asyncio.Task[Answer] | None") -> Answer:
        if after is not None:
            await asyncio.wait((after,))
        query = self._running[key] = self._next.pop(key)
        try:
            return await self._ask(key)
        finally:
            if self._running.get(key) is query:
                del self._running[key]
