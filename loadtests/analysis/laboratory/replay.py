"""One lifetime lived again: a recorded trace through a refresh policy, by the clients' own state machines.

No clock: time is that of the trace, and of fetches whose duration is drawn by whoever asks for the replay. What a
policy does is decided in `loadtests.clients.gathering` and `fetching`, here as in the run.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from loadtests.analysis.laboratory.traces import Arrival, Fetching, Trace
from loadtests.clients.fetching import Decision, Discipline, Fetch, FetchDesk, Wanted
from loadtests.clients.gathering import SUPPRESSED, Gatherer
from loadtests.clients.policy import RefreshPolicy
from loadtests.clients.requests import Cause, RequestKey


class ReplayError(ValueError):
    """A run or a policy that cannot be replayed. The text says why."""


class Fetched(NamedTuple):
    """One request of a replay."""

    key: RequestKey
    cause: Cause
    started_ns: int
    answered_ns: int
    """Later than the end of the trace: nobody saw the answer."""


class Replayed(NamedTuple):
    """What became of one lifetime."""

    fetched: list[Fetched]
    flushed_ns: list[int]
    suppressed: int
    """Signals that the policy dropped."""


def replay(
    trace: Trace,
    policy: RefreshPolicy,
    discipline: Discipline,
    *,
    duration_ns: Callable[[RequestKey, int], int],
    chance: Callable[[int], float],
) -> Replayed:
    """Return what a lifetime would have been under another policy.

    `duration_ns` tells how long a fetch of a key that starts at a stamp takes, `chance` in [0, 1) what the
    jitter of a batch is drawn with that begins at a stamp.
    """
    player = _Player(policy, discipline, duration_ns, chance)
    for step in trace.steps:
        player.advance(step.at_ns)
        if isinstance(step, Arrival):
            player.hear(step)
        elif isinstance(step, Fetching):
            player.want(Wanted(step.cause, 0, (step.key,), step.at_ns), step.at_ns)
        else:
            player.look_away()
    player.advance(trace.end_ns)
    return player.replayed


class _Player:
    """The machines of one device, and what is under way."""

    __slots__ = ("_answers", "_desk", "_duration_ns", "_fetched", "_flushed_ns", "_gatherer", "_now_ns", "_suppressed")

    def __init__(
        self,
        policy: RefreshPolicy,
        discipline: Discipline,
        duration_ns: Callable[[RequestKey, int], int],
        chance: Callable[[int], float],
    ) -> None:
        self._now_ns = 0
        self._gatherer = Gatherer(policy, count(1), lambda: chance(self._now_ns))
        self._desk = FetchDesk(discipline)
        self._duration_ns = duration_ns
        self._answers: list[tuple[int, int, Fetch]] = []
        """When each fetch under way will be answered; the numbers of fetches keep the order of equal stamps."""
        self._fetched: list[Fetched] = []
        self._flushed_ns: list[int] = []
        self._suppressed = 0

    @property
    def replayed(self) -> Replayed:
        """What has become of the device."""
        return Replayed(self._fetched, self._flushed_ns, self._suppressed)

    def advance(self, until_ns: int) -> None:
        """Do in its order what becomes due up to a stamp: it comes before what happens then."""
        gatherer, answers = self._gatherer, self._answers
        while True:
            due_ns = gatherer.due_ns()
            if due_ns is not None and due_ns <= until_ns and (not answers or due_ns <= answers[0][0]):
                self._flush(due_ns)
            elif answers and answers[0][0] <= until_ns:
                at_ns, _, fetch = heappop(answers)
                self._start(self._desk.answered(fetch, at_ns), at_ns)
            else:
                return

    def hear(self, arrival: Arrival) -> None:
        """Take in a signal."""
        self._now_ns = arrival.at_ns
        batch = self._gatherer.signal(arrival.signal, arrival.keys, arrival.at_ns)
        self._suppressed += batch == SUPPRESSED

    def want(self, wanted: Wanted, now_ns: int) -> None:
        """Fetch something, in the order and with the restraint of the device's discipline."""
        self._start(self._desk.want(wanted, now_ns), now_ns)

    def look_away(self) -> None:
        """Give up what was gathered, as every client does in the background and at its end."""
        self._gatherer.forget()

    def _flush(self, due_ns: int) -> None:
        flush = self._gatherer.take(due_ns)
        assert flush is not None, "it was due"
        self._flushed_ns.append(due_ns)
        self.want(Wanted(Cause.FLUSH, flush.batch, flush.refreshes, due_ns), due_ns)

    def _start(self, decision: Decision, now_ns: int) -> None:
        for fetch in decision.start:
            answered_ns = now_ns + self._duration_ns(fetch.key, now_ns)
            self._fetched.append(Fetched(fetch.key, fetch.cause, now_ns, answered_ns))
            heappush(self._answers, (answered_ns, fetch.number, fetch))
