"""A device on a stand: its socket, server and API do at once what they are told to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection
from loadtests.clients.device import Device, Place
from loadtests.clients.effects import Effects, Mark, Record, Request, Skip
from loadtests.clients.endings import NotFetched
from loadtests.clients.fetching import Fetch, FetchDesk
from loadtests.clients.gathering import Gatherer
from loadtests.clients.manners import Manners
from loadtests.clients.models import Screen, client_model
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.devices import Background, Refresh
from loadtests.scenario.vocabulary import DeviceModel, Step
from loadtests.wire.phoenix import Reply, System

S = 1_000_000_000
OK = 200


@dataclass
class Stand:
    """A device whose socket, server and API do at once what they are told to."""

    device: Device
    now_ns: int = 0
    under_way: list[Fetch] = field(default_factory=list)

    def at(self, at_s: float) -> "Stand":
        """Let it be so many seconds."""
        self.now_ns = round(at_s * S)
        return self

    def do(self, step: Step) -> Effects:
        """Let the person do something."""
        return self._hear(self.device.step(step, self.now_ns))

    def connect(self) -> Effects:
        """Open the socket, and let the server join and subscribe."""
        self._hear(self.device.opened(self.now_ns))
        return self.subscribe()

    def subscribe(self) -> Effects:
        """Let the server join and subscribe."""
        connection = self.device.connection
        reply = Reply(topic=connection.topic, ref=str(connection._join_ref), ok=True, response={})
        self._hear(self.device.hear(reply, self.now_ns))
        return self.subscribed()

    def subscribed(self) -> Effects:
        """Let the server say that changes flow."""
        topic = self.device.connection.topic
        told = System(topic=topic, ok=True, extension="postgres_changes", message="Subscribed to PostgreSQL")
        return self._hear(self.device.hear(told, self.now_ns))

    def answer_all(self, status: int = OK) -> Effects:
        """Answer everything that is under way, and what follows."""
        effects: Effects = []
        while self.under_way:
            effects += self._hear(self.device.answered(self.under_way.pop(0), status, self.now_ns))
        return effects

    def signal(self, job: str) -> int:
        """Let the device receive an update of a job."""
        return self.device.signal(job_event(job), self.now_ns)

    def flush(self) -> Effects:
        """Let its window end."""
        due_ns = self.device.flush_due_ns()
        assert due_ns is not None
        self.now_ns = due_ns
        return self._hear(self.device.flush(due_ns))

    def tick(self) -> Effects:
        """Let what is due next happen."""
        due_ns = self.device.due_ns()
        assert due_ns is not None
        self.now_ns = due_ns
        return self._hear(self.device.tick(due_ns))

    def lose(self, code: int = 1006) -> Effects:
        """Let the socket break."""
        return self._hear(self.device.lost(self.now_ns, code))

    def _hear(self, effects: Effects) -> Effects:
        self.under_way += [effect.fetch for effect in effects if isinstance(effect, Request)]
        return effects


def job_event(job: str) -> Signal:
    """Return an update of a job as a device understands it."""
    return Signal(subject=Subject.JOB, is_upload=False, entity=f"job:{job}", entity_id=job)


def stand(
    model: DeviceModel = DeviceModel.IOS,
    *,
    refresh: Refresh | None = None,
    background: Background | None = None,
    batches: Iterator[int] | None = None,
) -> Stand:
    """Return a device of a model, with two organizations, whose chance is always a half."""
    client = client_model(model, window_ns=S // 2, refresh=refresh, background=background)
    home = Place(organization=0, channel=Channel.of_organization("0"), screen=client.screen())
    other = Place(organization=1, channel=Channel.of_organization("1"), screen=Screen(organization_id="1"))
    tokens = count(1)
    return Stand(
        Device(
            client,
            (home, other),
            connection=Connection(
                home.channel,
                Manners(live_within_ns=30 * S),
                mint=lambda: f"token-{next(tokens)}",
                chance=lambda: 0.5,
                phase=0.5,
            ),
            gatherer=Gatherer(client.policy, batches or count(1), lambda: 0.5),
            desk=FetchDesk(client.discipline),
        ),
        now_ns=S,
    )


def live(model: DeviceModel = DeviceModel.IOS, **changes: Background | Refresh | None) -> Stand:
    """Return a device that is live, with a screen."""
    one = stand(model, **changes)  # type: ignore[arg-type]
    one.do(Step.LOGIN)
    one.answer_all()
    one.connect()
    one.answer_all()
    assert one.device.connection.is_live
    return one


def requested(effects: Effects) -> list[tuple[Cause, str]]:
    """Return why and what is requested."""
    return [(effect.fetch.cause, effect.fetch.key.path) for effect in effects if isinstance(effect, Request)]


def skipped(effects: Effects) -> list[NotFetched]:
    """Return why something is not requested."""
    return [effect.skipped.why for effect in effects if isinstance(effect, Skip)]


def marks(effects: Effects) -> list[Mark]:
    """Return what is written down."""
    return [effect.mark for effect in effects if isinstance(effect, Record)]
