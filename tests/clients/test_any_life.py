"""Any life of a device, in any order: no signal is forgotten, no timer stays, nothing breaks."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.connection import Link
from loadtests.clients.device import PAUSED
from loadtests.clients.effects import Effects, Request, Skip
from loadtests.clients.gathering import ASKS_NOTHING, SUPPRESSED
from loadtests.clients.requests import Cause
from loadtests.scenario.devices import Background, Refresh
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel, Step
from loadtests.wire.phoenix import ChannelClosed
from tests.clients.stand import S, Stand, stand

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
