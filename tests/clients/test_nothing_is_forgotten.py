"""From signal to fetch: by every model, policy and discipline each signal has a consequence, or a reason for none.

A gatherer and a desk behind it, driven as a device drives them, with answers that take their time and an end at any
moment.
"""

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.fetching import Decision, Discipline, Fetch, FetchDesk, SingleFlight, Skipped, Wanted
from loadtests.clients.gathering import SUPPRESSED, Flush, Gatherer
from loadtests.clients.models import ClientModel, Screen, client_model
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import Cause, RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.vocabulary import DeviceModel
from tests.clients.gathered import MS, WINDOW_NS

SIGNALS = st.one_of(
    st.integers(0, 4).map(
        lambda n: Signal(subject=Subject.JOB, is_upload=False, entity=f"job:j{n}", entity_id=f"j{n}")
    ),
    st.builds(
        lambda n, is_upload: Signal(
            subject=Subject.EVIDENCE, is_upload=is_upload, entity=f"evidence:d{n}", entity_id=f"d{n}"
        ),
        st.integers(0, 4),
        st.booleans(),
    ),
    st.just(Signal(subject=Subject.AUDIT, is_upload=False, entity="audit:a", entity_id="a")),
)
POLICIES = st.builds(
    RefreshPolicy,
    st.integers(0, WINDOW_NS),
    st.sampled_from(Coalescing),
    st.sampled_from(Edge),
    st.none() | st.integers(0, 2 * WINDOW_NS),
    st.integers(0, WINDOW_NS),
)
DISCIPLINES = st.builds(
    Discipline,
    is_sequential=st.booleans(),
    single_flight=st.sampled_from(SingleFlight),
    single_flight_causes=st.sets(st.sampled_from(Cause)).map(tuple),
    dedupe_ns=st.integers(0, WINDOW_NS),
    deduped_causes=st.sets(st.sampled_from(Cause)).map(tuple),
)
AS_THEY_ARE = st.sampled_from(DeviceModel).map(lambda model: client_model(model, window_ns=WINDOW_NS))
MODELS = AS_THEY_ARE | st.builds(
    lambda model, policy, discipline: replace(model, policy=policy, discipline=discipline),
    AS_THEY_ARE,
    POLICIES,
    DISCIPLINES,
)
STEPS = st.lists(st.tuples(st.integers(0, WINDOW_NS), SIGNALS | st.sampled_from(["catch up", "answer"])), max_size=40)


@dataclass
class Device:
    """Wired as a driver wires them; every consequence is written down."""

    model: ClientModel
    screen: Screen
    chance: float
    now_ns: int = 0
    asked: list[tuple[int, int, frozenset[RequestKey]]] = field(default_factory=list)
    """Of each signal that asks: when it came, its batch, and its keys."""
    suppressed: int = 0
    flushed: dict[int, Flush] = field(default_factory=dict)
    forgotten: Flush | None = None
    requested: list[tuple[int, Fetch]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    under_way: list[Fetch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gatherer = Gatherer(self.model.policy, count(1), lambda: self.chance)
        self.desk = FetchDesk(self.model.discipline)

    def receive(self, signal: Signal) -> None:
        """Take in an event."""
        keys = self.model.affected(signal, self.screen)
        batch = self.gatherer.signal(signal, keys, self.now_ns)
        self.suppressed += batch == SUPPRESSED
        if batch > 0:
            self.asked.append((self.now_ns, batch, frozenset(keys)))
        self.look(self.now_ns)

    def look(self, until_ns: int) -> None:
        """Flush whatever is due until then, each batch at its time."""
        while (due_ns := self.gatherer.due_ns()) is not None and due_ns <= until_ns:
            self.now_ns = max(self.now_ns, due_ns)
            flush = self.gatherer.take(self.now_ns)
            assert flush is not None
            self.flushed[flush.batch] = flush
            self.want(Cause.FLUSH, flush.batch, flush.refreshes)
        self.now_ns = max(self.now_ns, until_ns)

    def want(self, cause: Cause, batch: int, keys: tuple[RequestKey, ...]) -> None:
        """Ask the desk."""
        self.heed(self.desk.want(Wanted(cause=cause, batch=batch, keys=keys, wanted_ns=self.now_ns), self.now_ns))

    def answer(self) -> None:
        """Let the oldest fetch be answered, if there is one."""
        if self.under_way:
            self.heed(self.desk.answered(self.under_way.pop(0), self.now_ns))

    def heed(self, decision: Decision) -> None:
        """Do what the desk says."""
        self.requested += [(self.now_ns, fetch) for fetch in decision.start]
        self.under_way += decision.start
        self.skipped += decision.skipped

    def end(self) -> None:
        """Log out."""
        self.forgotten = self.gatherer.forget()
        self.skipped += self.desk.forget()


@given(model=MODELS, steps=STEPS, chance=st.floats(0, 1, exclude_max=True), ends_early=st.booleans())
def test_each_signal_is_followed_by_a_refresh_or_by_a_reason(
    *, model: ClientModel, steps: list[tuple[int, Signal | str]], chance: float, ends_early: bool
) -> None:
    """Each key of each signal is requested after it, in its own batch, or named; in the end nothing is left over."""
    device = Device(model, model.screen(open_job_id="j0", open_audit=True), chance)
    for gap_ns, step in steps:
        device.look(device.now_ns + gap_ns)
        if isinstance(step, Signal):
            device.receive(step)
        elif step == "answer":
            device.answer()
        else:
            device.want(Cause.CATCH_UP, 0, device.screen.everything)
    if ends_early:
        device.end()
    else:
        device.look(device.now_ns + WINDOW_NS * 4)
        while device.under_way:
            device.now_ns += MS
            device.answer()

    assert device.gatherer.due_ns() is None
    assert device.desk.is_idle
    assert device.desk.forget() == ()
    assert not device.suppressed or model.policy.edge is Edge.LEADING
    for at_ns, batch, keys in device.asked:
        if device.forgotten is not None and device.forgotten.batch == batch:
            assert keys <= set(device.forgotten.refreshes)
            continue
        assert keys <= set(device.flushed[batch].refreshes)
        followed = {fetch.key for start_ns, fetch in device.requested if fetch.batch == batch and start_ns >= at_ns}
        assert keys <= followed | {skip.key for skip in device.skipped if skip.batch == batch}


@given(model=MODELS, steps=STEPS, chance=st.floats(0, 1, exclude_max=True))
def test_each_refresh_of_a_flush_is_settled_once(
    model: ClientModel, steps: list[tuple[int, Signal | str]], chance: float
) -> None:
    """So many refreshes as the flushes come to, no more and no fewer, are requested or named."""
    device = Device(model, model.screen(open_job_id="j0"), chance)
    for gap_ns, step in steps:
        device.look(device.now_ns + gap_ns)
        if isinstance(step, Signal):
            device.receive(step)
        else:
            device.answer()
    device.look(device.now_ns + WINDOW_NS * 4)
    while device.under_way:
        device.answer()

    settled = sorted([fetch.batch for _, fetch in device.requested] + [skip.batch for skip in device.skipped])
    assert settled == sorted(flush.batch for flush in device.flushed.values() for _ in flush.refreshes)
