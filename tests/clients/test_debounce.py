"""The debounce with literal histories, and that no signal is ever forgotten."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients import models
from loadtests.clients.debounce import Debouncer, Flush
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.signals import Signal, Subject

MS = 1_000_000
WINDOW_NS = 500 * MS
SCREEN = Screen(open_job_id="j0", open_audit=True)
LIST, JOB_0, AUDIT = SCREEN.jobs[0], SCREEN.jobs_and_detail[1], SCREEN.audit[0]
IOS = models.ios(window_ns=WINDOW_NS)
WEB = models.web(window_ns=WINDOW_NS)


def job(number: int) -> Signal:
    """Return a signal about a job."""
    return Signal(subject=Subject.JOB, is_upload=False, entity=f"job:j{number}", entity_id=f"j{number}")


AUDIT_SIGNAL = Signal(subject=Subject.AUDIT, is_upload=False, entity="audit:a", entity_id="a")


def replay(model: ClientModel, history: list[tuple[int, Signal]]) -> list[tuple[int, Flush]]:
    """Return each flush with its time, for signals at ascending times and a driver that looks when it is due."""
    debouncer = Debouncer(model.policy, count(1))
    flushes = []

    def flush_until(now_ns: int | None) -> None:
        while (due_ns := debouncer.due_ns()) is not None and (now_ns is None or due_ns <= now_ns):
            flush = debouncer.take(due_ns)
            assert flush is not None
            flushes.append((due_ns, flush))

    for at_ns, signal in history:
        flush_until(at_ns)
        debouncer.signal(signal, model.affected(signal, SCREEN), at_ns)
    flush_until(None)
    return flushes


def test_ten_events_for_one_job_in_a_second_are_one_refresh() -> None:
    """The design's promise, on both clients: one flush, half a second after the last, one refresh of the list."""
    history = [(number * 100 * MS, job(1)) for number in range(10)]

    for model in (IOS, WEB):
        assert replay(model, history) == [(1_400 * MS, Flush(batch=1, signals=10, refreshes=(LIST,)))]


def test_ten_jobs_are_ten_refreshes_on_ios_and_one_on_the_web() -> None:
    """The iOS app coalesces by entity although each refresh fetches the same page; the web app by request key."""
    history = [(number * 10 * MS, job(number + 1)) for number in range(10)]

    assert replay(IOS, history) == [(590 * MS, Flush(batch=1, signals=10, refreshes=(LIST,) * 10))]
    assert replay(WEB, history) == [(590 * MS, Flush(batch=1, signals=10, refreshes=(LIST,)))]


def test_each_event_restarts_the_window() -> None:
    """Events 499 ms apart never flush in between; the next one 500 ms later finds the window over."""
    history = [(0, job(1)), (499 * MS, job(1)), (998 * MS, job(1)), (1_498 * MS, job(1))]

    assert [(at_ns, flush.signals) for at_ns, flush in replay(IOS, history)] == [(1_498 * MS, 3), (1_998 * MS, 1)]


def test_the_web_app_refreshes_each_stale_key_once() -> None:
    """The open job, another job and the audit feed come to three keys, in the order in which they became stale."""
    history = [(0, job(0)), (1, job(1)), (2, AUDIT_SIGNAL), (3, job(0))]

    assert [flush.refreshes for _, flush in replay(WEB, history)] == [(LIST, JOB_0, AUDIT)]


def test_an_event_that_asks_for_nothing_makes_no_flush() -> None:
    """The iOS app logs audit events only: no batch, nothing pending, nothing to take."""
    debouncer = Debouncer(IOS.policy, count(1))

    assert debouncer.signal(AUDIT_SIGNAL, IOS.affected(AUDIT_SIGNAL, SCREEN), 0) == 0
    assert not debouncer.is_pending
    assert debouncer.due_ns() is None
    assert debouncer.take(10 * WINDOW_NS) is None


def test_an_event_that_asks_for_nothing_still_restarts_a_window() -> None:
    """The design's timer knows no event types: what an event is good for is decided at the flush."""
    flushes = replay(IOS, [(0, job(1)), (400 * MS, AUDIT_SIGNAL)])

    assert flushes == [(900 * MS, Flush(batch=1, signals=1, refreshes=(LIST,)))]


def test_what_is_forgotten_does_not_come_back() -> None:
    """After a logout there is nothing to flush."""
    debouncer = Debouncer(WEB.policy, count(1))
    debouncer.signal(job(1), SCREEN.jobs, 0)
    debouncer.forget()

    assert debouncer.due_ns() is None
    assert debouncer.take(WINDOW_NS) is None


def test_devices_that_share_the_numbers_have_no_batch_in_common() -> None:
    """Two devices with one source of numbers."""
    batches = count(1)
    first, second = Debouncer(WEB.policy, batches), Debouncer(WEB.policy, batches)

    assert [device.signal(job(1), SCREEN.jobs, 0) for device in (first, second, first)] == [1, 2, 1]


SIGNALS = st.one_of(st.builds(job, st.integers(0, 5)), st.just(AUDIT_SIGNAL))
GAPS_NS = st.integers(0, 2 * WINDOW_NS)
HISTORIES = st.lists(st.tuples(GAPS_NS, SIGNALS), max_size=50)
POLICIES = st.builds(RefreshPolicy, st.integers(0, 2 * WINDOW_NS), st.sampled_from(Coalescing))


@given(gaps=HISTORIES, policy=POLICIES, lateness_ns=st.integers(0, WINDOW_NS))
def test_no_signal_is_ever_forgotten(gaps: list[tuple[int, Signal]], policy: RefreshPolicy, lateness_ns: int) -> None:
    """Each signal that asks is in exactly one flush, at least a window later, which refreshes all its keys."""
    debouncer = Debouncer(policy, count(1))
    asked: dict[int, list[tuple[int, Signal]]] = {}
    flushed: dict[int, tuple[int, Flush]] = {}
    now_ns = 0

    def look(at_ns: int) -> None:
        due_ns = debouncer.due_ns()
        if due_ns is not None and due_ns + lateness_ns <= at_ns:
            flush = debouncer.take(due_ns + lateness_ns)
            assert flush is not None
            assert flush.batch not in flushed
            flushed[flush.batch] = (due_ns + lateness_ns, flush)

    for gap_ns, signal in gaps:
        now_ns += gap_ns
        look(now_ns)
        batch = debouncer.signal(signal, WEB.affected(signal, SCREEN), now_ns)
        asked.setdefault(batch, []).append((now_ns, signal))
    look(now_ns + policy.window_ns + lateness_ns)

    assert not debouncer.is_pending
    assert asked.keys() == flushed.keys()
    for batch, signals in asked.items():
        at_ns, flush = flushed[batch]
        assert flush.signals == len(signals)
        assert {key for _, signal in signals for key in WEB.affected(signal, SCREEN)} == set(flush.refreshes)
        assert max(received_ns for received_ns, _ in signals) + policy.window_ns <= at_ns


@given(gaps=HISTORIES, policy=POLICIES)
def test_the_due_time_only_moves_later(gaps: list[tuple[int, Signal]], policy: RefreshPolicy) -> None:
    """A driver may look again at the old due time: until it flushes, a signal never makes it due earlier."""
    debouncer = Debouncer(policy, count(1))
    now_ns = 0
    due_ns = 0
    for gap_ns, signal in gaps:
        now_ns += gap_ns
        debouncer.signal(signal, WEB.affected(signal, SCREEN), now_ns)
        moved_ns = debouncer.due_ns()

        assert moved_ns is not None
        assert moved_ns >= due_ns
        due_ns = moved_ns
