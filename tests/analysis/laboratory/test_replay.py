"""One lifetime lived again: literal signals, literal durations, refreshes out."""

from loadtests.analysis.laboratory.replay import Replayed, replay
from loadtests.analysis.laboratory.traces import Arrival, Fetching, LookAway, Step, Trace
from loadtests.clients.fetching import Discipline, SingleFlight
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import Cause, RequestKey
from loadtests.scenario.vocabulary import DeviceModel
from tests.clients.gathered import LIST, MS, job

DETAIL = RequestKey.job("j1")
SIDE_BY_SIDE = Discipline(is_sequential=False)
DESIGN = RefreshPolicy(500 * MS, Coalescing.REQUEST_KEY)


def lived(
    *steps: Step,
    policy: RefreshPolicy = DESIGN,
    discipline: Discipline = SIDE_BY_SIDE,
    takes_ms: int = 30,
    chance: float = 0,
) -> Replayed:
    """Return ten seconds of a device."""
    trace = Trace(lifetime=0, device=0, model=DeviceModel.WEB, steps=steps, end_ns=10_000 * MS)

    def duration_ns(_key: RequestKey, _started_ns: int) -> int:
        return takes_ms * MS

    return replay(trace, policy, discipline, duration_ns=duration_ns, chance=lambda _begins_ns: chance)


def told(at_ms: int, number: int = 1, *keys: RequestKey) -> Arrival:
    """Return a signal about a job that makes the list stale, or other keys."""
    return Arrival(at_ms * MS, job(number), keys or (LIST,))


def requests_ms(replayed: Replayed) -> list[tuple[float, float]]:
    """Return when each request was made and answered."""
    return [(each.started_ns / MS, each.answered_ns / MS) for each in replayed.fetched]


def test_a_debounce_waits_for_quiet() -> None:
    """Three signals 300 ms apart are one refresh, 500 ms after the last."""
    assert requests_ms(lived(told(0), told(300), told(600))) == [(1100, 1130)]


def test_ten_events_for_one_job_in_one_second_are_one_refresh_as_designed_and_ten_without_coalescing() -> None:
    """The example of the design."""
    signals = [told(100 * index) for index in range(10)]
    every = lived(*signals, policy=RefreshPolicy(0, Coalescing.NONE, Edge.NONE))

    assert (len(lived(*signals).fetched), len(every.fetched)) == (1, 10)


def test_a_signal_at_the_end_of_the_window_begins_the_next_batch() -> None:
    """What is due is done first."""
    assert requests_ms(lived(told(0), told(500))) == [(500, 530), (1000, 1030)]


def test_what_was_gathered_is_given_up_when_they_look_away() -> None:
    """As on the device: the catch-up has to serve."""
    assert lived(told(0), LookAway(200 * MS), told(3000)).flushed_ns == [3500 * MS]


def test_nothing_follows_the_end() -> None:
    """The last window would have ended after the device was gone."""
    assert lived(told(9800)).fetched == []


def test_dropped_signals_are_counted() -> None:
    """The leading edge serves the first and drops the second."""
    replayed = lived(told(0), told(200), policy=RefreshPolicy(500 * MS, Coalescing.REQUEST_KEY, Edge.LEADING))

    assert (requests_ms(replayed), replayed.suppressed) == ([(0, 30)], 1)


def test_a_sequential_client_requests_one_key_after_the_other() -> None:
    """The second when the first is answered."""
    replayed = lived(told(0, 1, LIST, DETAIL), discipline=Discipline(is_sequential=True))

    assert [(each.key, each.started_ns // MS) for each in replayed.fetched] == [(LIST, 500), (DETAIL, 530)]


def test_single_flight_joins_what_a_catch_up_has_under_way() -> None:
    """A flush inside a slow catch-up waits for it and fetches once more."""
    again = Discipline(is_sequential=False, single_flight=SingleFlight.AGAIN)
    catch_up = Fetching(400 * MS, Cause.CATCH_UP, LIST)

    replayed = lived(told(0), catch_up, discipline=again, takes_ms=300)

    assert [(each.cause, each.started_ns // MS) for each in replayed.fetched] == [
        (Cause.CATCH_UP, 400),
        (Cause.FLUSH, 700),
    ]


def test_jitter_comes_on_top() -> None:
    """Half of 200 ms."""
    jittered = RefreshPolicy(500 * MS, Coalescing.REQUEST_KEY, jitter_ns=200 * MS)

    assert lived(told(0), policy=jittered, chance=0.5).flushed_ns == [600 * MS]
