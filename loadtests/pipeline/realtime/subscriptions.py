"""Put a channel's bindings in force: check them against the catalog, wait for the feed, then let rows in.

What "Subscribed to PostgreSQL" promises is made true here, before it is said.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from loadtests.pipeline.realtime.audiences import AudienceKey, Audiences, Listener, TableBinding
from loadtests.pipeline.realtime.bindings import BindingRefused
from loadtests.pipeline.realtime.catalog import Catalog
from loadtests.pipeline.realtime.database import until_reachable
from loadtests.pipeline.realtime.effects import Subscribe
from loadtests.pipeline.realtime.feed import Feed
from loadtests.wire.phoenix import Vsn

Done = Callable[[str | None], None]
"""Called once the subscription is in force (None) or refused (with the text for the subscriber)."""


class Subscriptions:
    """The subscriptions wanted and, of those, the ones in force."""

    def __init__(self, *, audiences: Audiences, catalog: Catalog, feed: Feed) -> None:
        self._audiences = audiences
        self._catalog = catalog
        self._feed = feed
        self._wanted: dict[Listener, Subscribe] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def are_quick(self) -> bool:
        """Whether a subscription takes no longer than a query, because changes are being read."""
        return self._feed.live.is_set()

    def put(self, listener: Listener, wanted: Subscribe, vsn: Vsn, done: Done) -> None:
        """Subscribe a channel in place of what it had, which stays in force until then."""
        is_refresh = listener in self._wanted
        self._wanted[listener] = wanted
        check = self._check(listener, wanted, vsn, done, is_refresh=is_refresh)
        task = asyncio.get_running_loop().create_task(check)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self, listener: Listener) -> None:
        """End a channel's subscription, in force or not."""
        self._wanted.pop(listener, None)
        self._audiences.drop(listener)

    async def _check(self, listener: Listener, wanted: Subscribe, vsn: Vsn, done: Done, *, is_refresh: bool) -> None:
        await self._feed.admit(is_refresh=is_refresh)
        if self._wanted.get(listener) is not wanted:
            return  # meanwhile the channel has left, or sent a fresh token
        ask = partial(self._catalog.check, wanted.claims.role, wanted.bindings)
        refusal: str | None = None
        bindings: tuple[TableBinding, ...] = ()
        try:
            bindings = await until_reachable(ask, "a subscription")
        except BindingRefused as refused:
            refusal = str(refused)
        while not self._feed.live.is_set():  # lost while the catalog was asked
            await self._feed.admit(is_refresh=False)
        if self._wanted.get(listener) is not wanted:
            return
        if refusal is None:
            self._enforce(listener, wanted, bindings, vsn)
        else:
            self._audiences.drop(listener)
        done(refusal)

    def _enforce(self, listener: Listener, wanted: Subscribe, bindings: tuple[TableBinding, ...], vsn: Vsn) -> None:
        key = AudienceKey(
            topic=wanted.topic, vsn=vsn, bindings=bindings, claims=wanted.claims, is_legacy=wanted.is_legacy
        )
        self._audiences.put(listener, key)
