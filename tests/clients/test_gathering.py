"""When signals become refreshes, and how many, by every policy: literal histories, times in ms."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.gathering import ASKS_NOTHING, SUPPRESSED, Flush, Gatherer
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from tests.clients.gathered import LIST, MS, NO_KEYS, WINDOW_NS, Step, detail, flushed_ms, job, jobs_at, replay

BURST = (0, 100, 200, 700, 1_000, 2_000)
"""Three events, one at the edge of their window, one shortly after it, and one long after."""


def policy(edge: Edge, *, max_wait_ms: int | None = None, jitter_ms: int = 0) -> RefreshPolicy:
    """Return a policy with a window of 500 ms that coalesces by request key."""
    max_wait_ns = None if max_wait_ms is None else max_wait_ms * MS
    return RefreshPolicy(WINDOW_NS, Coalescing.REQUEST_KEY, edge, max_wait_ns, jitter_ms * MS)


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (Edge.TRAILING, [(700, 3), (1_500, 2), (2_500, 1)]),
        (Edge.FIXED_WINDOW, [(500, 3), (1_200, 2), (2_500, 1)]),
        (Edge.LEADING, [(0, 1), (700, 1), (2_000, 1)]),
        (Edge.LEADING_AND_TRAILING, [(0, 1), (500, 2), (1_000, 1), (1_500, 1), (2_000, 1)]),
        (Edge.NONE, [(0, 1), (100, 1), (200, 1), (700, 1), (1_000, 1), (2_000, 1)]),
        (Edge.FLUSH_ON_CANCEL, [(100, 2), (200, 1), (1_000, 2), (2_500, 1)]),
    ],
    ids=lambda value: value.name if isinstance(value, Edge) else "",
)
def test_each_edge_flushes_in_its_own_way(edge: Edge, expected: list[tuple[int, int]]) -> None:
    """The same events by every edge. A driver in time takes at 700 what is due at 700, before it hears of the next."""
    assert flushed_ms(policy(edge), jobs_at(*BURST)) == expected


def test_trailing_never_flushes_while_events_keep_coming() -> None:
    """Events 499 ms apart starve it; a maximal wait of 1 s bounds that."""
    restless = jobs_at(*range(0, 5_000, 499))

    assert flushed_ms(policy(Edge.TRAILING), restless) == [(5_490, 11)]
    assert flushed_ms(policy(Edge.TRAILING, max_wait_ms=1_000), restless)[:2] == [(1_000, 3), (2_497, 3)]


def test_an_event_that_asks_for_nothing_makes_no_batch_and_restarts_the_window() -> None:
    """The design's timer knows no event types: what an event is good for is decided at the flush."""
    history: list[Step] = [(0, job(1), (LIST,)), (400 * MS, job(2), NO_KEYS), (5_000 * MS, job(2), NO_KEYS)]
    answers, flushes = replay(policy(Edge.TRAILING), history)

    assert answers == [1, ASKS_NOTHING, ASKS_NOTHING]
    assert flushes == [(900 * MS, Flush(batch=1, signals=1, refreshes=(LIST,)))]


def test_a_cancelled_sleep_flushes_what_was_added_before_it() -> None:
    """The iOS defect: ten events 100 ms apart are nine flushes, the first with two of them; the last timer is idle."""
    flushes = flushed_ms(policy(Edge.FLUSH_ON_CANCEL), jobs_at(*range(0, 1_000, 100)))

    assert flushes == [(100, 2), *((at_ms, 1) for at_ms in range(200, 1_000, 100))]


def test_a_cancelled_sleep_flushes_for_any_event() -> None:
    """An event that asks for nothing cancels the timer of the one before, and starts one that the next can cancel."""
    history: list[Step] = [(0, job(1), (LIST,)), (300 * MS, job(2), NO_KEYS), (799 * MS, job(3), (LIST,))]

    assert flushed_ms(policy(Edge.FLUSH_ON_CANCEL), history) == [(300, 1), (799, 1)]


def test_a_timer_of_the_ios_app_runs_for_a_window_after_the_last_event() -> None:
    """An event exactly a window later finds no timer to cancel, and waits for its own."""
    assert flushed_ms(policy(Edge.FLUSH_ON_CANCEL), jobs_at(0, 100, 600)) == [(100, 2), (1_100, 1)]


def test_a_leading_edge_names_what_it_drops() -> None:
    """What comes inside the window is suppressed; what asks for nothing is not said to be."""
    history: list[Step] = [*jobs_at(0, 100), (200 * MS, job(2), NO_KEYS), *jobs_at(499, 500)]
    answers, flushes = replay(policy(Edge.LEADING), history)

    assert answers == [1, SUPPRESSED, ASKS_NOTHING, SUPPRESSED, 2]
    assert [at_ns // MS for at_ns, _ in flushes] == [0, 500]


def test_a_trailing_flush_opens_a_window_too() -> None:
    """An event just after it waits for the end of that window: never two flushes within 500 ms."""
    assert flushed_ms(policy(Edge.LEADING_AND_TRAILING), jobs_at(0, 100, 501)) == [(0, 1), (500, 1), (1_000, 1)]


def test_a_late_driver_flushes_more_at_once_and_drops_nothing() -> None:
    """At once means when the driver comes: what arrives before it does joins the batch, also with a leading edge."""
    gatherer = Gatherer(policy(Edge.LEADING), count(1), lambda: 0.0)

    assert [gatherer.signal(job(1), (LIST,), at_ns) for at_ns in (0, 3 * MS)] == [1, 1]
    assert gatherer.take(5 * MS) == Flush(batch=1, signals=2, refreshes=(LIST,))
    assert gatherer.signal(job(1), (LIST,), 504 * MS) == SUPPRESSED
    assert gatherer.signal(job(1), (LIST,), 505 * MS) == 2


@pytest.mark.parametrize("edge", [Edge.NONE, Edge.LEADING, Edge.FLUSH_ON_CANCEL, Edge.LEADING_AND_TRAILING])
def test_at_once_is_due_at_the_signal(edge: Edge) -> None:
    """So a driver that looks after each signal flushes without a timer."""
    gatherer = Gatherer(policy(edge), count(1), lambda: 0.0)
    gatherer.signal(job(1), NO_KEYS, 6)
    gatherer.signal(job(1), (LIST,), 7)

    assert gatherer.due_ns() == 7


@pytest.mark.parametrize(
    ("edge", "without_ms"),
    [
        (Edge.TRAILING, 500),
        (Edge.FIXED_WINDOW, 500),
        (Edge.LEADING, 0),
        (Edge.LEADING_AND_TRAILING, 0),
        (Edge.NONE, 0),
        (Edge.FLUSH_ON_CANCEL, 500),
    ],
)
def test_jitter_comes_on_top_with_every_edge(edge: Edge, without_ms: int) -> None:
    """Half the chance of 200 ms is 100 ms later; a maximal wait does not cut it, or all devices would meet again."""
    assert flushed_ms(policy(edge, jitter_ms=200), jobs_at(0), chance=0.5) == [(without_ms + 100, 1)]
    shorter = policy(edge, max_wait_ms=300, jitter_ms=200)
    assert flushed_ms(shorter, jobs_at(0), chance=0.5) == [(min(without_ms, 300) + 100, 1)]


def test_jitter_is_drawn_once_for_each_batch() -> None:
    """Three batches, three draws; a policy without jitter draws none."""
    draws = iter([0.25, 0.5, 0.75])
    gatherer = Gatherer(policy(Edge.TRAILING, jitter_ms=100), count(1), lambda: next(draws))
    due_ms = []
    for at_ms in (0, 10, 1_000, 1_010, 2_000):
        gatherer.take(at_ms * MS)
        gatherer.signal(job(1), (LIST,), at_ms * MS)
        due_ms.append((gatherer.due_ns() or 0) // MS)

    assert due_ms == [525, 535, 1_550, 1_560, 2_575]


@pytest.mark.parametrize(
    ("coalescing", "expected"),
    [
        (Coalescing.ENTITY, (LIST, detail(1), LIST)),
        (Coalescing.REQUEST_KEY, (LIST, detail(1))),
        (Coalescing.NONE, (LIST, detail(1), LIST, LIST, detail(1))),
    ],
)
def test_coalescing_says_what_counts_as_one_refresh(coalescing: Coalescing, expected: tuple[object, ...]) -> None:
    """Job 1 (open), job 2, job 1 again: by entity the list is fetched for each job, by request key once."""
    both = (LIST, detail(1))
    history: list[Step] = [(0, job(1), both), (1, job(2), (LIST,)), (2, job(1), both)]

    _, flushes = replay(RefreshPolicy(WINDOW_NS, coalescing), history)

    assert [flush.refreshes for _, flush in flushes] == [expected]


def test_an_entity_keeps_every_key_that_its_signals_asked_for() -> None:
    """The device opened the job between two signals about it: the second asks for more than the first."""
    history: list[Step] = [(0, job(1), (LIST,)), (1, job(1), (detail(1), LIST)), (2, job(1), (LIST,))]

    _, flushes = replay(RefreshPolicy(WINDOW_NS, Coalescing.ENTITY), history)

    assert [flush.refreshes for _, flush in flushes] == [(LIST, detail(1))]


def test_without_an_edge_nothing_is_coalesced() -> None:
    """Two signals that a jitter holds back together are two refreshes, whatever the policy coalesces by."""
    _, flushes = replay(policy(Edge.NONE, jitter_ms=100), jobs_at(0, 10), chance=0.5)

    assert flushes == [(50 * MS, Flush(batch=1, signals=2, refreshes=(LIST, LIST)))]


def test_what_is_forgotten_is_handed_over_and_does_not_come_back() -> None:
    """After a logout there is nothing to flush, and whoever forgot knows what."""
    gatherer = Gatherer(policy(Edge.TRAILING), count(1), lambda: 0.0)
    gatherer.signal(job(1), (LIST,), 0)

    assert gatherer.forget() == Flush(batch=1, signals=1, refreshes=(LIST,))
    assert not gatherer.is_pending
    assert gatherer.due_ns() is None
    assert gatherer.take(10 * WINDOW_NS) is None
    assert gatherer.forget() is None


def test_devices_that_share_the_numbers_have_no_batch_in_common() -> None:
    """Two devices with one source of numbers."""
    batches = count(1)
    first, second = (Gatherer(policy(Edge.TRAILING), batches, lambda: 0.0) for _ in range(2))

    assert [device.signal(job(1), (LIST,), 0) for device in (first, second, first)] == [1, 2, 1]


POLICIES = st.builds(
    RefreshPolicy,
    st.integers(0, 2 * WINDOW_NS),
    st.sampled_from(Coalescing),
    st.sampled_from(Edge),
    st.none() | st.integers(0, 4 * WINDOW_NS),
    st.integers(0, WINDOW_NS),
)
KEYS = st.lists(st.sampled_from([LIST, detail(1), detail(2)]), max_size=3, unique=True).map(tuple)
GAPS = st.lists(st.tuples(st.integers(0, 2 * WINDOW_NS), st.builds(job, st.integers(0, 3)), KEYS), max_size=40)


@given(gaps=GAPS, refresh=POLICIES, lateness_ns=st.integers(0, WINDOW_NS), chance=st.floats(0, 1, exclude_max=True))
def test_no_signal_is_ever_forgotten(gaps: list[Step], refresh: RefreshPolicy, lateness_ns: int, chance: float) -> None:
    """By any policy each signal that asks is suppressed or in one flush, not before it, that refreshes all its keys."""
    gatherer = Gatherer(refresh, count(1), lambda: chance)
    asked: dict[int, list[Step]] = {}
    flushed: dict[int, tuple[int, Flush]] = {}

    def look(until_ns: int) -> None:
        while (due_ns := gatherer.due_ns()) is not None and due_ns + lateness_ns <= until_ns:
            flush = gatherer.take(due_ns + lateness_ns)
            assert flush is not None
            assert flush.batch not in flushed
            flushed[flush.batch] = (due_ns + lateness_ns, flush)

    now_ns = 0
    for gap_ns, signal, keys in gaps:
        look(now_ns + gap_ns)
        now_ns += gap_ns
        batch = gatherer.signal(signal, keys, now_ns)
        assert (batch == ASKS_NOTHING) == (not keys)
        assert batch != SUPPRESSED or refresh.edge is Edge.LEADING
        if batch > 0:
            asked.setdefault(batch, []).append((now_ns, signal, keys))
    look(now_ns + refresh.window_ns + refresh.jitter_ns + lateness_ns)

    assert not gatherer.is_pending
    assert asked.keys() == flushed.keys()
    for batch, steps in asked.items():
        at_ns, flush = flushed[batch]
        assert flush.signals == len(steps)
        assert {key for _, _, keys in steps for key in keys} == set(flush.refreshes)
        assert max(received_ns for received_ns, _, _ in steps) <= at_ns
        if refresh.max_wait_ns is not None:
            first_ns = steps[0][0]
            assert at_ns - lateness_ns <= first_ns + refresh.max_wait_ns + refresh.jitter_ns


@given(gaps=GAPS, refresh=POLICIES, chance=st.floats(0, 1, exclude_max=True))
def test_the_due_time_only_moves_later_except_to_at_once(
    gaps: list[Step], refresh: RefreshPolicy, chance: float
) -> None:
    """A driver may look again at the old due time: only the iOS app's cancelled sleep makes a batch due earlier."""
    gatherer = Gatherer(refresh, count(1), lambda: chance)
    now_ns = 0
    for gap_ns, signal, keys in gaps:
        now_ns += gap_ns
        before_ns = gatherer.due_ns()
        gatherer.signal(signal, keys, now_ns)
        due_ns = gatherer.due_ns()
        if before_ns is None:
            continue
        assert due_ns is not None
        if due_ns < before_ns:
            assert refresh.edge is Edge.FLUSH_ON_CANCEL
            assert gatherer.may_end_sooner
            assert due_ns <= now_ns + refresh.jitter_ns
