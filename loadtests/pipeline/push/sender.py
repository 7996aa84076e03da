"""The sender: takes deliveries from the outbox, makes them, and writes down what became of each.

At least once, under one name: a delivery whose outcome could not be written is sent again with the same `apns-id`.
Clocks and randomness are passed in.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from loadtests.pipeline.push import apns
from loadtests.pipeline.push.channel import Channel, ChannelError
from loadtests.pipeline.push.outbox import UNAVAILABLE, Claimed, Outbox, Said
from loadtests.pipeline.settings import PushOptions

_LONGEST_RETRY_AFTER_S = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the sender takes from outside."""

    monotonic_ns: Callable[[], int]
    wall_ns: Callable[[], int]
    random: Callable[[], float]


class Sender:
    """Sends from one outbox to one service."""

    def __init__(
        self, outbox: Outbox, channel: Channel, *, options: PushOptions, secret: str, surroundings: Surroundings
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self._options = options
        self._secret = secret
        self._around = surroundings
        self._paused_until_ns = 0
        self._bearer = ""
        self._bearer_since_s = -apns.TOKEN_LIFETIME_S
        self._in_flight: set[asyncio.Task[None]] = set()
        # Beyond every answer that can still come: the time-out of a request, and writing down what it said.
        self._lease = timedelta(milliseconds=2 * options.request_timeout_ms + 1000)

    async def run(self) -> None:
        """Send for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                claimed = await self._claim()
                for each in claimed:
                    task = group.create_task(self._deliver(each))
                    self._in_flight.add(task)
                    task.add_done_callback(self._in_flight.discard)
                await self._rest(idle=not claimed)

    async def _claim(self) -> "list[Claimed]":
        room = self._options.batch - len(self._in_flight)
        if room <= 0 or self._around.monotonic_ns() < self._paused_until_ns:
            return []
        try:
            return list(await self._outbox.claim(room, lease=self._lease))
        except UNAVAILABLE as error:
            _log.warning("the outbox is out of reach: %s", str(error) or type(error).__name__)
            return []

    async def _rest(self, *, idle: bool) -> None:
        """Wait until there may be something to do."""
        if len(self._in_flight) >= self._options.batch:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
        elif idle:
            pause_s = max(0, self._paused_until_ns - self._around.monotonic_ns()) / 1e9
            await asyncio.sleep(max(pause_s, self._options.poll_ms / 1000))

    async def _deliver(self, claimed: Claimed) -> None:
        notification = claimed.notification
        headers = apns.request_headers(
            notification, authority=self._channel.authority, topic=self._options.topic, bearer=self._token()
        )
        try:
            response = await self._channel.request(headers, apns.request_body(notification))
        except ChannelError as error:
            outcome: apns.Outcome = apns.Later(retry_after_s=None, everybody=False)
            said = Said(None, str(error))
        else:
            outcome = apns.outcome_of(response.status, response.headers, response.body)
            said = Said(response.status, apns.reason_of(response.body))
        try:
            await self._settle(claimed, outcome, said)
        except UNAVAILABLE as error:
            # The lease runs out and it is sent again, under the same name.
            _log.warning("%s: outcome not recorded: %s", notification.apns_id, str(error) or type(error).__name__)

    async def _settle(self, claimed: Claimed, outcome: apns.Outcome, said: Said) -> None:
        notification = claimed.notification
        match outcome:
            case apns.Delivered():
                await self._outbox.delivered(notification, said)
            case apns.TokenGone(since_s):
                await self._outbox.forget(notification, said, since_s=since_s)
            case apns.Refused():
                _log.error("%s refused for good: %s %s", notification.apns_id, said.status, said.reason)
                await self._outbox.give_up(notification, said)
            case apns.Later():
                if claimed.attempt >= self._options.max_attempts:
                    await self._outbox.give_up(notification, said)
                else:
                    await self._outbox.postpone(notification, said, pause=self._pause(claimed.attempt, outcome, said))

    def _pause(self, attempt: int, later: apns.Later, said: Said) -> timedelta:
        """Return how long a delivery waits; if the whole service is busy, everything waits."""
        if said.reason == "ExpiredProviderToken":
            self._bearer_since_s = -apns.TOKEN_LIFETIME_S
        pause_ms = apns.backoff_ms(
            attempt,
            first_ms=self._options.first_backoff_ms,
            longest_ms=self._options.longest_backoff_ms,
            random=self._around.random(),
        )
        if later.retry_after_s is not None:
            pause_ms = max(pause_ms, min(later.retry_after_s, _LONGEST_RETRY_AFTER_S) * 1000)
        if later.everybody:
            until_ns = self._around.monotonic_ns() + int(pause_ms * 1e6)
            self._paused_until_ns = max(self._paused_until_ns, until_ns)
        return timedelta(milliseconds=pause_ms)

    def _token(self) -> str:
        now_s = self._around.wall_ns() // 10**9
        if now_s - self._bearer_since_s >= apns.TOKEN_LIFETIME_S:
            self._bearer, self._bearer_since_s = apns.provider_token(self._secret, issued_at_s=now_s), now_s
        return self._bearer
