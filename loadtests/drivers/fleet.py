"""All devices of one process, from login to logout.

Builds subscribers and pollers from the population and gives them what they share. Knows nothing of the process
around it, nor of its parent.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final

from loadtests.clients.models import Screen
from loadtests.drivers.arrivals import Arrivals
from loadtests.drivers.casting import Casting
from loadtests.drivers.dialling import Dialler
from loadtests.drivers.fetch import FetchPool
from loadtests.drivers.pollers import Poller
from loadtests.drivers.refreshes import Refresher
from loadtests.drivers.run_input import RunInput
from loadtests.drivers.shard import Shard
from loadtests.drivers.subscribers import Crowd, Subscriber
from loadtests.drivers.timers import TimerQueue
from loadtests.drivers.wallet import Wallet
from loadtests.history.ledger import Ledger
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.revisions import Revisions

_LOOK_S: Final = 0.02
_LEAVE_S: Final = 2.0
_REQUEST_TIMEOUT_NS: Final = 30_000_000_000
"""What the iOS app gives a request."""
_POLLERS_TOKEN_LIFETIME_S: Final = 30 * 24 * 3600
"""Beyond the longest run: the baseline's tokens do not expire."""


class NobodyLiveError(RuntimeError):
    """The target let no subscriber become live. The text says what it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What devices need of the process that they live in."""

    loop: asyncio.AbstractEventLoop
    ledger: Ledger
    wallet: Wallet
    connections_max: int
    """How many connections re-fetches may use at once."""
    fail: Callable[[BaseException], None]
    """Ends the process: something of ours broke."""


class Fleet:
    """The devices of one shard."""

    def __init__(self, run: RunInput, shard: Shard, endpoint: Endpoint, host: Host) -> None:
        scenario = run.scenario
        self._run = run
        self._shard = shard
        self._loop = host.loop
        self._ledger = host.ledger
        self._timers = TimerQueue(host.loop)
        self._live_within_s = scenario.subscribers.live_within_s
        self._dialler = Dialler(
            endpoint, handshake_timeout_s=self._live_within_s, respects_retry_after=scenario.respect_retry_after
        )
        self._wallet = host.wallet
        # Numbers are unique over all shards, because analysis sees them merged: shard 1 of 3 counts 2, 5, 8, …
        self._crowd = Crowd(
            ledger=host.ledger,
            timers=self._timers,
            refresher=Refresher(
                ledger=host.ledger,
                routes=endpoint.route_table,
                pool=FetchPool(
                    endpoint.api_url,
                    connections_max=host.connections_max,
                    timeout_ns=_REQUEST_TIMEOUT_NS,
                    timers=self._timers,
                    ca_file=endpoint.ca_file,
                ),
                numbers=count(shard.number + 1, shard.of),
                revisions=Revisions(run.population.began_at),
                timers=self._timers if scenario.respect_retry_after else None,
            ),
            arrivals=Arrivals(host.ledger, run.population.organization_indices, run.population.mutation_index),
            dial=self._dialler.dial,
            fail=host.fail,
        )
        self._subscribers = self._create_subscribers()
        self._pollers = self._create_pollers()

    # ---- the life of a fleet

    async def log_in(self) -> None:
        """Bring all devices to life, spread over time, and wait until each has its first screen.

        Devices that are not live in time are not waited for: they go on trying.

        Raises:
            NobodyLiveError: not one subscriber became live.

        """
        early = self._early_subscribers()
        devices: list[Subscriber | Poller] = [*early, *self._pollers]
        gap_ns = self._shard.of / self._run.scenario.subscribers.connects_per_s * 1e9
        begin_ns = time.monotonic_ns()
        for place, device in enumerate(devices):
            self._timers.at(begin_ns + round(place * gap_ns), device.log_in)
        last_login = self._loop.time() + len(devices) * gap_ns / 1e9
        await self._wait_prepared(len(early), last_login=last_login, deadline=last_login + self._live_within_s)
        if early and not self._crowd.live:
            refusals = "; ".join(f"{reason} ({times} times)" for reason, times in self._crowd.refusals.items())
            raise NobodyLiveError(
                f"none of {len(early)} subscribers was live within {self._live_within_s:g} s: "
                f"{refusals or 'no WebSocket could be opened'}"
            )

    def begin(self, start_ns: int) -> None:
        """Let the pollers poll and the people behind the subscribers do what they do, from `start_ns` on."""
        for poller in self._pollers:
            poller.begin(start_ns)
        itineraries = self._run.population.itineraries
        for role, subscriber in zip(self._shard.subscribers, self._subscribers, strict=True):
            for planned in itineraries.of(role.index, role.model):
                self._timers.at(start_ns + planned.at_ns, partial(subscriber.step, planned.step))

    async def log_out(self) -> None:
        """End all devices in the orderly way."""
        self._timers.stop()
        self._crowd.refresher.close()
        devices: list[Subscriber | Poller] = [*self._pollers, *self._subscribers]
        for device in devices:
            device.log_out()
        await self._wait_left(deadline=self._loop.time() + _LEAVE_S)
        self._dialler.close()

    def counts(self) -> dict[str, Any]:
        """Return how things stand."""
        crowd = self._crowd
        fetched = crowd.refresher.counts
        return {
            "subscribers": len(self._subscribers),
            "pollers": len(self._pollers),
            "live": crowd.live,
            "signals": crowd.signals,
            "refreshes": fetched.refreshes,
            "polls": fetched.polls,
            "errors": fetched.errors,
            "limited": fetched.limited,
            "under_way": fetched.under_way,
            "rows": self._ledger.rows,
        }

    def refusals(self) -> dict[str, int]:
        """Return how often the target refused a connection, join or subscription, by reason."""
        return dict(self._crowd.refusals)

    # ---- inside

    def _early_subscribers(self) -> list[Subscriber]:
        """Return those that log in before the load."""
        itineraries = self._run.population.itineraries
        return [
            subscriber
            for role, subscriber in zip(self._shard.subscribers, self._subscribers, strict=True)
            if itineraries.begins_logged_in(role.index, role.model)
        ]

    async def _wait_prepared(self, expected: int, *, last_login: float, deadline: float) -> None:
        while self._loop.time() < deadline:
            everybody_is_live = self._crowd.live == expected
            counts = self._crowd.refresher.counts
            if self._loop.time() > last_login and everybody_is_live and not counts.under_way and not counts.held:
                return
            await asyncio.sleep(_LOOK_S)

    async def _wait_left(self, *, deadline: float) -> None:
        while self._crowd.sockets:
            if self._loop.time() > deadline:
                for subscriber in self._subscribers:
                    subscriber.hang_up()
                return
            await asyncio.sleep(_LOOK_S)

    def _create_subscribers(self) -> tuple[Subscriber, ...]:
        population, shard = self._run.population, self._shard
        casting = Casting(
            population,
            mint=self._wallet.minter(self._run.scenario.subscribers.connection.token_lifetime_s),
            random=Random(f"{population.seed}/{shard.number}"),  # noqa: S311 - jitter, no secret
            batches=count(shard.number + 1, shard.of),
            is_told=self._wallet.is_given,
        )
        subscribers = []
        for role in shard.subscribers:
            subscriber = Subscriber(role.index, role.model, crowd=self._crowd, device=casting.device(role))
            self._wallet.listen(role.user_id, subscriber.told)
            subscribers.append(subscriber)
        return tuple(subscribers)

    def _create_pollers(self) -> tuple[Poller, ...]:
        mint = self._wallet.minter(_POLLERS_TOKEN_LIFETIME_S)
        (key,) = Screen().jobs
        pollers = []
        for role in self._shard.pollers:
            poller = Poller(
                role,
                mint=partial(mint, role.user_id),
                key=key,
                refresher=self._crowd.refresher,
                timers=self._timers,
            )
            self._wallet.listen(role.user_id, poller.told)
            pollers.append(poller)
        return tuple(pollers)
