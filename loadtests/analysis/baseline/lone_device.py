"""A device on its own: the clients' own state machine, told a stream of signals, with a server that does all at once.

No pipeline, no run, no clock: time is that of the signals. Dialling, joining and heartbeats are answered in the same
instant, requests after a fixed time. What a device does is decided in `loadtests.clients.device`, here as in a run.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection
from loadtests.clients.device import Device, Place
from loadtests.clients.effects import Dial, Effects, Request, Send
from loadtests.clients.fetching import Fetch, FetchDesk
from loadtests.clients.gathering import Gatherer
from loadtests.clients.manners import Manners
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal
from loadtests.scenario.vocabulary import Step
from loadtests.wire.phoenix import HEARTBEAT_TOPIC, Reply, System

_OK: Final = 200
_S: Final = 1_000_000_000
_CHANNEL: Final = Channel.of_organization("0")
_MANNERS: Final = Manners(live_within_ns=30 * _S, token_lifetime_ns=10**9 * _S)
_SUBSCRIBED: Final = System(
    topic=_CHANNEL.topic, ok=True, extension="postgres_changes", message="Subscribed to PostgreSQL"
)


class Heard(NamedTuple):
    """One signal."""

    at_ns: int
    signal: Signal


class Requested(NamedTuple):
    """One request."""

    at_ns: int
    cause: Cause


def live_through(
    model: ClientModel,
    screen: Screen,
    heard: Sequence[Heard],
    *,
    end_ns: int,
    fetch_ns: int,
    chance: Callable[[], float],
) -> list[Requested]:
    """Return what a device requests that logs in at 1 ns, is looked at all the time, and hears `heard` in their order.

    Each answer takes `fetch_ns`; `chance` in [0, 1) is what jitters are drawn with. Requests after `end_ns` are not
    lived; the catch-up of the login is among those returned.
    """
    life = _Life(model, screen, fetch_ns, chance)
    life.log_in(1)
    for at_ns, signal in heard:
        life.advance(at_ns)
        life.device.signal(signal, at_ns)
    life.advance(end_ns)
    return life.requested


class _Life:
    """The device, and what is under way."""

    __slots__ = ("_answers", "_fetch_ns", "_now_ns", "device", "requested")

    def __init__(self, model: ClientModel, screen: Screen, fetch_ns: int, chance: Callable[[], float]) -> None:
        connection = Connection(_CHANNEL, _MANNERS, mint=lambda: "token", chance=chance, phase=chance())
        self.device = Device(
            model,
            (Place(organization=0, channel=_CHANNEL, screen=screen),),
            connection=connection,
            gatherer=Gatherer(model.policy, count(1), chance),
            desk=FetchDesk(model.discipline),
        )
        self._fetch_ns = fetch_ns
        self._now_ns = 0
        self._answers: list[tuple[int, int, Fetch]] = []
        """When each request under way is answered; a fetch's number keeps the order of equal stamps."""
        self.requested: list[Requested] = []

    def log_in(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._follow(self.device.step(Step.LOGIN, now_ns))

    def advance(self, until_ns: int) -> None:
        """Do in its order what becomes due up to a stamp: it comes before what happens then."""
        device, answers = self.device, self._answers
        while True:
            flush_ns, tick_ns = device.flush_due_ns(), device.due_ns()
            answer_ns = answers[0][0] if answers else None
            due_ns = min((due for due in (flush_ns, tick_ns, answer_ns) if due is not None), default=until_ns + 1)
            if due_ns > until_ns:
                return
            self._now_ns = due_ns
            if due_ns == flush_ns:
                self._follow(device.flush(due_ns))
            elif due_ns == answer_ns:
                self._follow(device.answered(heappop(answers)[2], _OK, due_ns))
            else:
                self._follow(device.tick(due_ns))

    def _follow(self, effects: Effects) -> None:
        now_ns = self._now_ns
        for effect in effects:
            if isinstance(effect, Request):
                self.requested.append(Requested(now_ns, effect.fetch.cause))
                heappush(self._answers, (now_ns + self._fetch_ns, effect.fetch.number, effect.fetch))
            elif isinstance(effect, Dial):
                self._follow(self.device.opened(now_ns))
            elif isinstance(effect, Send):
                self._answer(effect)

    def _answer(self, sent: Send) -> None:
        """Be the server: a heartbeat is answered, a join granted and subscribed."""
        topic, ref, now_ns = sent.message.topic, sent.message.ref, self._now_ns
        self._follow(self.device.hear(Reply(topic=topic, ref=ref, ok=True, response={}), now_ns))
        if topic != HEARTBEAT_TOPIC and not self.device.connection.is_live:
            self._follow(self.device.hear(_SUBSCRIBED, now_ns))
