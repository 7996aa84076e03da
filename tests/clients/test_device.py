"""A device's life: what a person does with it, what it hears, and what it fetches because of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection, Link, Manners
from loadtests.clients.device import PAUSED, Device, Place, Stage
from loadtests.clients.effects import Dial, Effects, Flushed, HangUp, Mark, Record, Request, Send, Skip
from loadtests.clients.endings import DownCause, Leaving, NotFetched
from loadtests.clients.fetching import Fetch, FetchDesk
from loadtests.clients.gathering import ASKS_NOTHING, SUPPRESSED, Gatherer
from loadtests.clients.models import Screen, client_model
from loadtests.clients.requests import Cause, RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.devices import Background, Refresh
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel, Step
from loadtests.wire.phoenix import ChannelClosed, Reply, System

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


LIST = RequestKey.job_list(limit=25).path


def test_as_designed_it_subscribes_first_and_fetches_when_live() -> None:
    """Whatever was committed before is in the answer, whatever comes after is pushed."""
    one = stand()

    assert one.do(Step.LOGIN) == [Record(Mark.LOGIN, cause=0), Dial()]
    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]


def test_fetching_first_leaves_the_subscription_for_later() -> None:
    """It connects when the answer is there: the gap between the two is the price."""
    one = stand(background=Background(order="fetch-first"))

    assert requested(one.do(Step.LOGIN)) == [(Cause.CATCH_UP, LIST)]
    assert one.answer_all() == [Dial()]
    assert requested(one.connect()) == []


def test_ten_signals_are_one_flush() -> None:
    """Half a second after the last of them."""
    one = live()
    for tenth in range(10):
        assert one.at(10 + tenth / 10).signal("a") > 0
    effects = one.flush()

    assert one.now_ns == round(11.4 * S)
    assert effects[0] == Flushed(1, 10)
    assert requested(effects) == [(Cause.FLUSH, LIST)]


def test_in_the_background_signals_are_received_and_not_acted_on() -> None:
    """What was gathered is dropped with its reason; the return catches up."""
    one = live()
    one.at(10).signal("a")
    effects = one.at(10.1).do(Step.BACKGROUND)

    assert skipped(effects) == [NotFetched.BACKGROUND]
    assert Record(Mark.BACKGROUND, cause=1) in effects
    assert one.signal("b") == PAUSED
    assert one.device.flush_due_ns() is None
    assert requested(one.at(60).do(Step.FOREGROUND)) == [(Cause.CATCH_UP, LIST)]


def test_a_catch_up_that_is_not_needed_is_written_down() -> None:
    """An event was seen a minute ago, and the scenario wants five minutes of silence."""
    one = live(background=Background(catch_up_after_s=300))
    one.at(10).do(Step.BACKGROUND)
    one.at(50).signal("a")

    assert skipped(one.at(110).do(Step.FOREGROUND)) == [NotFetched.NOTHING_MISSED]
    one.at(120).do(Step.BACKGROUND)
    assert requested(one.at(420).do(Step.FOREGROUND)) == [(Cause.CATCH_UP, LIST)]


def test_a_socket_that_is_closed_in_the_background_is_opened_on_the_way_back() -> None:
    """And the fetch waits until it is live."""
    one = live(background=Background(socket="close"))
    away = one.at(10).do(Step.BACKGROUND)

    assert Record(Mark.DOWN, cause=DownCause.BACKGROUND) in away
    assert HangUp(is_orderly=True, is_final=True) in away
    assert one.at(60).do(Step.FOREGROUND) == [Record(Mark.FOREGROUND), Dial()]
    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]


def test_as_built_the_ios_app_never_comes_back() -> None:
    """After its first time in the background it neither subscribes nor catches up, until the next login."""
    one = live(DeviceModel.IOS_AS_BUILT)
    one.at(10).do(Step.BACKGROUND)

    assert one.at(60).do(Step.FOREGROUND) == [Record(Mark.FOREGROUND)]
    one.do(Step.LOGOUT)
    assert Dial() in one.at(70).do(Step.LOGIN)


def test_as_built_the_web_fetches_nothing_for_a_signal() -> None:
    """The keys that it invalidates match none that is mounted."""
    one = live(DeviceModel.WEB_AS_BUILT)

    assert one.at(10).signal("a") == ASKS_NOTHING


def test_logging_out_ends_everything() -> None:
    """What was gathered is dropped with its reason, no timer stays, and late answers mean nothing."""
    one = live()
    one.at(10).signal("a")
    one.flush()
    one.at(11).signal("b")
    effects = one.do(Step.LOGOUT)

    assert skipped(effects) == [NotFetched.ENDED]
    assert marks(effects) == [Mark.DOWN, Mark.LOGOUT]
    assert one.answer_all() == []
    assert one.device.due_ns() is None
    assert one.device.flush_due_ns() is None


def test_a_killed_app_leaves_without_a_word_and_can_be_opened_again() -> None:
    """No leave on the wire; a login begins a new life with a new token."""
    one = live()
    effects = one.do(Step.KILL)

    assert [effect for effect in effects if isinstance(effect, Send)] == []
    assert effects[-1] == Record(Mark.LOGOUT, cause=Leaving.KILLED)
    one.at(20).do(Step.LOGIN)
    one.connect()
    assert one.device.token == "token-2"


def test_switching_is_a_logout_and_a_login_on_the_same_socket() -> None:
    """The other organization's screen names it in its requests; going back does not."""
    one = live()
    effects = one.at(10).do(Step.SWITCH)

    assert marks(effects) == [Mark.DOWN, Mark.LOGOUT, Mark.LOGIN]
    assert [effect.message.event for effect in effects if isinstance(effect, Send)] == ["phx_leave", "phx_join"]
    assert requested(one.subscribe()) == [(Cause.CATCH_UP, f"{LIST}&organization_id=1")]
    one.at(20).do(Step.SWITCH)
    assert requested(one.subscribe()) == [(Cause.CATCH_UP, LIST)]


def test_live_again_is_a_possible_gap() -> None:
    """After a reconnect, and whenever the server says "subscribed" once more."""
    one = live()
    one.at(10).lose()
    one.tick()

    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]
    one.answer_all()
    assert requested(one.subscribed()) == [(Cause.CATCH_UP, LIST)]


def test_live_again_in_the_background_is_left_to_the_return() -> None:
    """Nobody looks: the catch-up is written down and not made."""
    one = live()
    one.at(10).do(Step.BACKGROUND)

    assert skipped(one.subscribed()) == [NotFetched.BACKGROUND]


def test_the_ios_app_logs_out_when_its_token_is_not_taken() -> None:
    """On every 401, whatever its reason."""
    one = live()
    one.at(10).signal("a")
    one.flush()

    assert one.answer_all(401)[-1] == Record(Mark.LOGOUT, cause=Leaving.UNAUTHORIZED)
    assert one.device.stage is Stage.OUT


def test_the_web_asks_once_more_with_a_fresh_token() -> None:
    """Once: a second 401 is an answer."""
    one = live(DeviceModel.WEB)
    one.at(10).signal("a")
    one.flush()
    effects = one.answer_all(401)

    assert requested(effects) == [(Cause.RETRY, LIST)]
    assert one.device.token == "token-2"


def test_a_hybrid_polls_when_nothing_was_fetched_for_a_while() -> None:
    """And not while nobody looks."""
    one = live(DeviceModel.HYBRID)
    polls = 0
    while one.now_ns < 200 * S:
        effects = one.tick()
        polls += requested(effects) == [(Cause.SAFETY_POLL, LIST)]
        if any(isinstance(effect, Send) and effect.message.topic == "phoenix" for effect in effects):
            one.device.hear(Reply(topic="phoenix", ref="1", ok=True, response={}), one.now_ns)
        one.answer_all()
    one.do(Step.BACKGROUND)

    assert polls == 3
    assert one.device._poll_ns == 0


@pytest.mark.parametrize("step", [Step.LOGOUT, Step.KILL, Step.SWITCH, Step.BACKGROUND, Step.FOREGROUND])
def test_a_step_that_makes_no_sense_does_nothing(step: Step) -> None:
    """Before the login, nothing else happens."""
    assert stand().do(step) == []


# ---- any life


happenings = st.lists(
    st.tuples(
        st.sampled_from([
            *Step,
            "connect", "fail", "lose", "subscribe", "again", "close", "crash", "signal", "signal", "signal",
            "answer", "unauthorized", "no answer", "flush", "tick",
        ]),
        st.integers(1, 40_000),
    ),
    max_size=60,
)  # fmt: skip
policies = st.builds(
    Refresh,
    edge=st.sampled_from([None, "trailing", "leading", "leading-and-trailing", "fixed-window", "none"]),
    max_wait_ms=st.sampled_from([None, 700]),
    coalescing=st.sampled_from([None, "entity", "request-key", "none"]),
    jitter_ms=st.sampled_from([None, 300]),
)


@dataclass
class Account:
    """What signals asked for, and what became of it."""

    batches: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    fetched: set[int] = field(default_factory=set)

    def book(self, effects: Effects) -> None:
        """Take in what the device did."""
        for effect in effects:
            if isinstance(effect, Request) and effect.fetch.cause is Cause.FLUSH:
                self.fetched.add(effect.fetch.batch)
            if isinstance(effect, Skip) and effect.skipped.batch:
                self.ended.add(effect.skipped.batch)


@given(
    model=st.sampled_from(PUSHED_MODELS),
    refresh=policies,
    socket=st.sampled_from([None, "keep", "close"]),
    order=st.sampled_from([None, "subscribe-first", "fetch-first"]),
    life=happenings,
)
def test_no_signal_is_ever_forgotten(
    model: DeviceModel, refresh: Refresh, socket: str | None, order: str | None, life: list[tuple[object, int]]
) -> None:
    """Whatever happens in whatever order, each batch ends in a request or in a reason, and no timer stays."""
    one = stand(model, refresh=refresh, background=Background.model_validate({"socket": socket, "order": order}))
    account = Account()
    for happening, later_ms in life:
        one.now_ns += later_ms * 1_000_000
        account.book(_happen(one, happening, account))
    one.now_ns += 10 * S
    account.book(one.do(Step.LOGOUT))
    one.answer_all()

    assert account.batches <= account.fetched | account.ended
    assert one.device.flush_due_ns() is None
    assert one.device.due_ns() is None
    assert not one.device.connection.has_socket


def _happen(one: Stand, happening: object, account: Account) -> Effects:
    """Let something happen, if it can."""
    device, link = one.device, one.device.connection.link
    effects: Effects = []
    match happening:
        case Step():
            effects = one.do(happening)
        case "connect" | "fail" if link is Link.CONNECTING:
            effects = one._hear(device.opened(one.now_ns) if happening == "connect" else device.failed(one.now_ns))
        case "signal" if link is Link.LIVE:
            batch = one.signal("a")
            assert batch > 0 or batch in {ASKS_NOTHING, SUPPRESSED, PAUSED}
            account.batches |= {batch} if batch > 0 else set()
        case "answer" | "unauthorized" | "no answer" if one.under_way:
            status = {"answer": 200, "unauthorized": 401, "no answer": 0}[str(happening)]
            effects = one._hear(device.answered(one.under_way.pop(0), status, one.now_ns))
        case "flush" | "tick":
            effects = one._hear(device.flush(one.now_ns) if happening == "flush" else device.tick(one.now_ns))
        case str() if link >= Link.APART:
            effects = _hear_server(one, happening)
    return effects


def _hear_server(one: Stand, happening: str) -> Effects:
    """Let the server of an open socket do something."""
    connection = one.device.connection
    match happening:
        case "lose":
            return one.lose()
        case "subscribe" if connection.link is Link.JOINING:
            return one.subscribe()
        case "again":
            return one.subscribed()
        case "close" | "crash":
            is_crash = happening == "crash"
            told = ChannelClosed(topic=connection.topic, join_ref=str(connection._join_ref), crashed=is_crash)
            return one._hear(one.device.hear(told, one.now_ns))
        case _:
            return []
