"""How refreshes are carried out: literal calls by every discipline, and nothing that is wanted gets lost."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.endings import NotFetched
from loadtests.clients.fetching import (
    Decision,
    Discipline,
    Fetch,
    FetchDesk,
    SingleFlight,
    Skipped,
    Wanted,
)
from loadtests.clients.gathering import Keys
from loadtests.clients.requests import Cause, RequestKey

A, B, C = (RequestKey.job(name) for name in "abc")
S = 1_000_000_000
NOTHING = Decision()
SIDE_BY_SIDE = Discipline(is_sequential=False)
ONE_BY_ONE = Discipline(is_sequential=True)
AGAIN = Discipline(is_sequential=False, single_flight=SingleFlight.AGAIN)
JOIN_CATCH_UPS = Discipline(is_sequential=True, single_flight=SingleFlight.JOIN, single_flight_causes=(Cause.CATCH_UP,))
SWR = Discipline(is_sequential=False, dedupe_ns=5 * S, deduped_causes=(Cause.CATCH_UP,))


def flush(*keys: RequestKey, batch: int = 1) -> Wanted:
    """Return what a flush wants."""
    return Wanted(cause=Cause.FLUSH, batch=batch, keys=keys, wanted_ns=batch)


def catch_up(*keys: RequestKey) -> Wanted:
    """Return what a catch-up wants."""
    return Wanted(cause=Cause.CATCH_UP, batch=0, keys=keys, wanted_ns=0)


def started(decision: Decision) -> list[tuple[RequestKey, int]]:
    """Return the keys to start, each with its batch."""
    return [(fetch.key, fetch.batch) for fetch in decision.start]


def skipped(*keys: RequestKey, why: NotFetched, batch: int = 1) -> tuple[Skipped, ...]:
    """Return skipped refreshes of a flush, or of a catch-up when the batch is 0."""
    cause = Cause.FLUSH if batch else Cause.CATCH_UP
    return tuple(Skipped(key=key, cause=cause, batch=batch, why=why) for key in keys)


def test_side_by_side_starts_everything_at_once() -> None:
    """Also what is being fetched already, and a key twice if it is wanted twice."""
    desk = FetchDesk(SIDE_BY_SIDE)

    assert started(desk.want(flush(A, B, A), 0)) == [(A, 1), (B, 1), (A, 1)]
    assert started(desk.want(flush(A, batch=2), 0)) == [(A, 2)]


def test_one_by_one_starts_the_next_with_each_answer() -> None:
    """The iOS app awaits each refresh of a flush; all of them were wanted at the flush."""
    desk = FetchDesk(ONE_BY_ONE)
    decision = desk.want(flush(A, B, B), 1)
    order = []
    while decision.start:
        (fetch,) = decision.start
        order.append((fetch.key, fetch.wanted_ns))
        decision = desk.answered(fetch, 100)

    assert order == [(A, 1), (B, 1), (B, 1)]
    assert desk.is_idle


def test_two_flushes_of_a_sequential_client_run_side_by_side() -> None:
    """Each flush is a task of its own: the second does not wait for the first."""
    desk = FetchDesk(ONE_BY_ONE)
    (first,) = desk.want(flush(A, B), 0).start

    (second,) = desk.want(flush(A, C, batch=2), 0).start
    assert (second.key, second.batch) == (A, 2)
    assert started(desk.answered(second, 1)) == [(C, 2)]
    assert started(desk.answered(first, 2)) == [(B, 1)]


def test_what_is_asked_for_meanwhile_is_fetched_once_more() -> None:
    """The answer under way may be older than the second signal; the third is served by that fetch."""
    desk = FetchDesk(AGAIN)
    (first,) = desk.want(flush(A), 0).start

    assert desk.want(flush(A, batch=2), 10) == NOTHING
    assert desk.want(flush(A, batch=3), 20) == Decision((), skipped(A, why=NotFetched.IN_FLIGHT, batch=3))
    decision = desk.answered(first, 30)
    assert started(decision) == [(A, 2)]
    assert decision.start[0].wanted_ns == 2
    assert desk.answered(decision.start[0], 40) == NOTHING
    assert desk.is_idle


def test_a_key_that_is_wanted_twice_at_one_moment_is_fetched_once() -> None:
    """Its request is not even written, so its answer is not older than what asks for it."""
    assert FetchDesk(AGAIN).want(flush(A, A), 0).skipped == skipped(A, why=NotFetched.IN_FLIGHT)


def test_a_sequential_flush_waits_for_what_is_fetched_once_more() -> None:
    """The second flush has its turn when the first is answered, and goes on after that."""
    desk = FetchDesk(Discipline(is_sequential=True, single_flight=SingleFlight.AGAIN))
    (first,) = desk.want(flush(A), 0).start

    assert desk.want(flush(A, B, batch=2), 0) == NOTHING
    (again,) = desk.answered(first, 1).start
    assert (again.key, again.batch) == (A, 2)
    assert started(desk.answered(again, 2)) == [(B, 2)]


def test_a_catch_up_joins_the_catch_up_under_way() -> None:
    """`JobsStore.fetch` awaits its `fetchTask`, if there is one; afterwards it fetches anew."""
    desk = FetchDesk(JOIN_CATCH_UPS)
    (first,) = desk.want(catch_up(A), 0).start

    assert desk.want(catch_up(A), 1) == Decision((), skipped(A, why=NotFetched.IN_FLIGHT, batch=0))
    assert desk.answered(first, 2) == NOTHING
    assert started(desk.want(catch_up(A), 3)) == [(A, 0)]


def test_an_event_of_the_ios_app_passes_the_fetch_task_by() -> None:
    """`refreshOnEvent` neither joins a catch-up nor is joined by one."""
    desk = FetchDesk(JOIN_CATCH_UPS)

    (event,) = desk.want(flush(A), 0).start
    assert started(desk.want(catch_up(A), 0)) == [(A, 0)]
    assert started(desk.want(flush(A, batch=2), 0)) == [(A, 2)]
    assert desk.answered(event, 1) == NOTHING
    assert desk.want(catch_up(A), 2).skipped == skipped(A, why=NotFetched.IN_FLIGHT, batch=0)


def test_after_what_is_skipped_a_sequential_flush_goes_on_at_once() -> None:
    """Nothing was requested, so there is no answer to wait for."""
    desk = FetchDesk(JOIN_CATCH_UPS)
    desk.want(catch_up(A), 0)

    decision = desk.want(catch_up(A, B), 1)

    assert started(decision) == [(B, 0)]
    assert decision.skipped == skipped(A, why=NotFetched.IN_FLIGHT, batch=0)


def test_swr_dedupes_from_the_start_of_a_fetch_until_a_while_after_its_answer() -> None:
    """The interval begins with the answer: `setTimeout(cleanupState, dedupingInterval)` follows the await."""
    desk = FetchDesk(SWR)
    (first,) = desk.want(catch_up(A), 0).start

    assert desk.want(catch_up(A), S).skipped == skipped(A, why=NotFetched.IN_FLIGHT, batch=0)
    desk.answered(first, 2 * S)
    assert desk.want(catch_up(A), 7 * S - 1).skipped == skipped(A, why=NotFetched.DEDUPED, batch=0)
    assert started(desk.want(catch_up(A), 7 * S)) == [(A, 0)]


def test_swr_never_dedupes_a_mutate_and_dedupes_by_its_fetch() -> None:
    """What an event invalidates is fetched whatever was fetched before; its answer is as fresh as any."""
    desk = FetchDesk(SWR)
    (first,) = desk.want(catch_up(A), 0).start
    (second,) = desk.want(flush(A), 0).start

    desk.answered(second, S)
    desk.answered(first, 4 * S)  # the mark belongs to the fetch that began last
    assert desk.want(catch_up(A), 6 * S - 1).skipped == skipped(A, why=NotFetched.DEDUPED, batch=0)
    assert started(desk.want(catch_up(A), 6 * S)) == [(A, 0)]


def test_a_late_answer_finds_its_mark_gone() -> None:
    """The newer fetch was answered and its interval is over; another key's is not."""
    desk = FetchDesk(SWR)
    first, second = (desk.want(flush(A), 0).start[0] for _ in range(2))
    desk.answered(second, S)
    (other,) = desk.want(flush(B), 8 * S).start
    desk.answered(other, 9 * S)

    assert desk.answered(first, 10 * S) == NOTHING
    assert desk.is_idle


def test_what_failed_is_not_fresh() -> None:
    """SWR deletes the mark of a fetch that failed: the next focus fetches."""
    desk = FetchDesk(SWR)
    (first,) = desk.want(catch_up(A), 0).start
    desk.answered(first, S, is_ok=False)

    assert started(desk.want(catch_up(A), S)) == [(A, 0)]


def test_a_failed_fetch_does_not_stop_what_follows() -> None:
    """The iOS app catches the error of a refresh and goes on with the next."""
    desk = FetchDesk(ONE_BY_ONE)
    (first,) = desk.want(flush(A, B), 0).start

    assert started(desk.answered(first, 1, is_ok=False)) == [(B, 1)]


def test_the_end_names_what_was_still_to_be_fetched() -> None:
    """What is under way has been requested and is not named; its answer means nothing any more."""
    desk = FetchDesk(Discipline(is_sequential=True, single_flight=SingleFlight.AGAIN))
    (first,) = desk.want(flush(A, B), 0).start
    desk.want(flush(A, C, batch=2), 0)

    assert desk.forget() == (*skipped(A, C, why=NotFetched.ENDED, batch=2), *skipped(B, why=NotFetched.ENDED))
    assert desk.is_idle
    assert desk.answered(first, 1) == NOTHING
    assert desk.forget() == ()
    assert started(desk.want(flush(A, batch=3), 2)) == [(A, 3)]


@pytest.mark.parametrize("discipline", [SIDE_BY_SIDE, ONE_BY_ONE, AGAIN, JOIN_CATCH_UPS, SWR])
def test_a_device_that_rests_holds_no_container(discipline: Discipline) -> None:
    """Thousands of devices of a process wait most of the time; what SWR remembers goes with the next answer."""
    desk = FetchDesk(discipline)
    for now_ns, key in ((0, A), (10 * S, B)):
        under_way = list(desk.want(catch_up(key), now_ns).start)
        while under_way:
            under_way += desk.answered(under_way.pop(), now_ns).start
    held = [desk._under_way, desk._again, desk._marks and list(desk._marks)]

    assert held == [None, None, [B] if discipline is SWR else None]
    (last,) = desk.want(catch_up(C), 20 * S).start
    desk.answered(last, 30 * S, is_ok=False)
    assert desk._marks is None


CAUSES = st.sampled_from(Cause)
DISCIPLINES = st.builds(
    Discipline,
    is_sequential=st.booleans(),
    single_flight=st.sampled_from(SingleFlight),
    single_flight_causes=st.sets(CAUSES).map(tuple),
    dedupe_ns=st.integers(0, 20),
    deduped_causes=st.sets(CAUSES).map(tuple),
)


@dataclass(frozen=True)
class Want:
    """Something is to be refreshed."""

    cause: Cause
    keys: Keys


@dataclass(frozen=True)
class Answer:
    """One of the fetches under way ends, if there is one."""

    place: int
    is_ok: bool


KEYS = st.lists(st.sampled_from([A, B, C]), max_size=4).map(tuple)
CALLS = st.lists(st.builds(Want, CAUSES, KEYS) | st.builds(Answer, st.integers(0, 5), st.booleans()), max_size=40)


class Ledger:
    """What was wanted, started and skipped, and a desk behind it."""

    def __init__(self, discipline: Discipline) -> None:
        self.discipline = discipline
        self.desk = FetchDesk(discipline)
        self.now_ns = 0
        self.wanted: Counter[tuple[int, Cause, RequestKey]] = Counter()
        self.settled: Counter[tuple[int, Cause, RequestKey]] = Counter()
        self.under_way: list[Fetch] = []

    def call(self, batch: int, call: Want | Answer) -> None:
        """Make one call."""
        if isinstance(call, Want):
            self.wanted.update((batch, call.cause, key) for key in call.keys)
            wanted = Wanted(cause=call.cause, batch=batch, keys=call.keys, wanted_ns=self.now_ns)
            self._heed(self.desk.want(wanted, self.now_ns))
        elif self.under_way:
            fetch = self.under_way.pop(call.place % len(self.under_way))
            self._heed(self.desk.answered(fetch, self.now_ns, is_ok=call.is_ok))

    def skip(self, skips: tuple[Skipped, ...]) -> None:
        """Take note of what is not fetched."""
        self.settled.update((skip.batch, skip.cause, skip.key) for skip in skips)

    def _heed(self, decision: Decision) -> None:
        self.skip(decision.skipped)
        self.settled.update((fetch.batch, fetch.cause, fetch.key) for fetch in decision.start)
        self.under_way += decision.start
        discipline = self.discipline
        if discipline.single_flight is not SingleFlight.NONE:
            flights = [fetch.key for fetch in self.under_way if fetch.cause in discipline.single_flight_causes]
            assert len(set(flights)) == len(flights), "single flight: never two of a key at once"


@given(discipline=DISCIPLINES, calls=CALLS, ends_early=st.booleans())
def test_everything_that_is_wanted_is_started_or_named(
    *, discipline: Discipline, calls: list[Want | Answer], ends_early: bool
) -> None:
    """By any discipline and order of calls each wanted key is settled exactly once, and in the end nothing is left."""
    ledger = Ledger(discipline)
    for batch, call in enumerate(calls):
        ledger.now_ns += 1 + batch % 7
        ledger.call(batch, call)
        assert ledger.desk.is_idle == (not ledger.under_way)
    if ends_early:
        ledger.skip(ledger.desk.forget())
    while ledger.under_way:
        ledger.call(0, Answer(0, is_ok=True))

    assert ledger.settled == ledger.wanted
    assert ledger.desk.is_idle
    assert ledger.desk._again is None
    assert ledger.desk.forget() == ()


@given(is_sequential=..., calls=CALLS)
def test_with_single_flight_again_no_answer_is_older_than_what_it_serves(
    *, is_sequential: bool, calls: list[Want | Answer]
) -> None:
    """Each want is followed by a start of its key: in its own turn, or later."""
    ledger = Ledger(Discipline(is_sequential=is_sequential, single_flight=SingleFlight.AGAIN))
    unserved: set[RequestKey] = set()

    def see(before: list[Fetch]) -> None:
        unserved.difference_update(fetch.key for fetch in ledger.under_way if fetch not in before)

    for batch, call in enumerate(calls):
        before = list(ledger.under_way)
        if isinstance(call, Want):
            unserved.update(call.keys)
        ledger.call(batch, call)
        see(before)
    while before := list(ledger.under_way):
        ledger.call(0, Answer(0, is_ok=True))
        see(before)

    assert unserved == set()
