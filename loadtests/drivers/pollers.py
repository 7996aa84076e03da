"""The polling baseline: devices without a WebSocket that fetch the jobs list at a fixed interval, each in its phase.

Open loop: a poll is due whether or not the one before has been answered. A conditional one names the answer that it
has, and is then answered that nothing has changed.
"""

from collections.abc import Callable
from time import monotonic_ns

from loadtests.clients.fetching import Fetch
from loadtests.clients.requests import Cause, RequestKey
from loadtests.drivers.refreshes import Memory, Refresher
from loadtests.drivers.timers import TimerQueue
from loadtests.history.kinds import Kind, NotFetched
from loadtests.scenario.population import Device


class Poller:
    """One device of the baseline."""

    __slots__ = ("_device", "_interval_ns", "_key", "_memory", "_mint", "_refresher", "_timers", "bearer", "index")

    def __init__(
        self, device: Device, *, mint: Callable[[], str], key: RequestKey, refresher: Refresher, timers: TimerQueue
    ) -> None:
        self.index = device.index
        self.bearer = mint()
        self._mint = mint
        self._device = device
        self._key = key
        self._refresher = refresher
        self._timers = timers
        self._memory = Memory() if device.is_conditional else None
        self._interval_ns = round(device.interval_s * 1e9)

    def log_in(self, due_ns: int) -> None:
        """Begin the device's lifetime with a first fetch, so that it has a screen before the load starts."""
        device = self._device
        self._refresher.ledger.record(
            Kind.LOGIN, monotonic_ns(), actor=device.index, value=device.organization, flag=device.model
        )
        self._fetch(Cause.CATCH_UP, due_ns)

    def begin(self, start_ns: int) -> None:
        """Poll at phase · interval after `start_ns`, and every interval from there on."""
        self._timers.at(start_ns + round(self._device.phase * self._interval_ns), self._poll)

    def log_out(self) -> None:
        """End the device's lifetime; the timers must be stopped by then."""
        self._refresher.ledger.record(Kind.LOGOUT, monotonic_ns(), actor=self._device.index)

    def told(self, _left_ns: int) -> None:
        """Hear that a fresh token is there: the next poll carries it."""
        self.bearer = self._mint()

    def _poll(self, due_ns: int) -> None:
        now_ns = monotonic_ns()
        if self._refresher.is_held(self.index, now_ns):
            ledger = self._refresher.ledger
            ledger.record(
                Kind.NOT_FETCHED,
                now_ns,
                actor=self.index,
                entity=ledger.name(self._key.path),
                revision=Cause.POLL,
                flag=NotFetched.HELD_OFF,
            )
        else:
            self._fetch(Cause.POLL, due_ns)
        self._timers.at(due_ns + self._interval_ns, self._poll)

    def awaits(self, fetch: Fetch) -> bool:
        """Return whether it waits for a poll of its own: always, for it has one life."""
        return fetch.key == self._key

    def answered(self, fetch: Fetch, status: int, at_ns: int) -> None:
        """Hear that a poll is over: the next one is due when it is due."""

    def _fetch(self, cause: Cause, wanted_ns: int) -> None:
        fetch = Fetch(number=0, cause=cause, batch=0, key=self._key, wanted_ns=wanted_ns)
        self._refresher.start(fetch, self, self._memory)
