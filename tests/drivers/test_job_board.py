"""At most one mutation in flight per job, and nobody jumps a line."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loadtests.drivers.job_board import JobBoard, Mutation
from loadtests.scenario.choice import Strategy
from loadtests.scenario.vocabulary import MutationKind


def mutation(index: int, job_id: str | None = "a", kind: MutationKind = MutationKind.UPDATE, **keys: Any) -> Mutation:
    """Return a mutation of organization 0 unless told otherwise."""
    return Mutation(**{"index": index, "kind": kind, "organization": 0, "job_id": job_id, "due_ns": index, **keys})


@pytest.fixture
def board() -> JobBoard:
    """Return a board with three jobs, `a` the oldest."""
    filled = JobBoard()
    for job in "abc":
        filled.add(0, job)
    return filled


def chosen(board: JobBoard, strategy: Strategy = "each", times: int = 3) -> list[str | None]:
    """Return the jobs that are chosen one after the other."""
    return [board.choose(0, phase=0, strategy=strategy, pick=0.0) for _ in range(times)]


def test_a_free_job_is_taken_at_once(board: JobBoard) -> None:
    """And another one beside it."""
    assert board.take(mutation(0, "a"))
    assert board.take(mutation(1, "b"))


def test_a_busy_job_has_a_line_that_is_served_in_order(board: JobBoard) -> None:
    """Letting go of the job hands it to the first in the line, then it is free again."""
    first, second, third = mutation(0), mutation(1), mutation(2)

    assert [board.take(one) for one in (first, second, third)] == [True, False, False]
    assert board.waiting() == [second, third]
    assert board.release(first, succeeded=True) == second
    assert board.release(second, succeeded=False) == third
    assert board.release(third, succeeded=True) is None
    assert board.take(mutation(3))


def test_creates_never_wait(board: JobBoard) -> None:
    """There is no job yet that could be busy."""
    create = mutation(0, None, MutationKind.CREATE)

    assert [board.take(create), board.take(create)] == [True, True]
    assert board.release(create, succeeded=True) is None


def test_an_archived_job_is_not_chosen_any_more(board: JobBoard) -> None:
    """From the moment that it is handed out, not only when the answer is there."""
    archive = mutation(0, "b", MutationKind.ARCHIVE)
    board.take(archive)

    assert chosen(board) == ["a", "c", "a"]
    assert board.release(archive, succeeded=True) is None
    assert "b" not in chosen(board)


def test_an_archive_waits_for_what_was_chosen_before_it(board: JobBoard) -> None:
    """Nothing that was due before is refused because the job is archived already."""
    update, archive = mutation(0, "b"), mutation(1, "b", MutationKind.ARCHIVE)

    assert [board.take(update), board.take(archive)] == [True, False]
    assert "b" not in chosen(board)
    assert board.release(update, succeeded=True) == archive


def test_a_job_whose_archiving_failed_can_be_chosen_again(board: JobBoard) -> None:
    """It still exists."""
    archive = mutation(0, "b", MutationKind.ARCHIVE)
    board.take(archive)
    board.release(archive, succeeded=False)

    assert sorted(job or "" for job in chosen(board)) == ["a", "b", "c"]
    assert board.take(mutation(1, "b"))


def test_an_organization_without_jobs_has_nothing_to_choose(board: JobBoard) -> None:
    """The mutation is recorded as not sent."""
    assert board.choose(1, phase=0, strategy="uniform", pick=0.5) is None


def test_turns_are_counted_for_each_phase_and_organization(board: JobBoard) -> None:
    """`each` begins anew with a phase, wherever the one before stopped."""
    board.add(1, "x")

    assert [board.choose(0, phase=0, strategy="each", pick=0) for _ in range(2)] == ["a", "b"]
    assert board.choose(1, phase=0, strategy="each", pick=0) == "x"
    assert board.choose(0, phase=1, strategy="each", pick=0) == "a"
    assert board.choose(0, phase=0, strategy="each", pick=0) == "c"


def test_a_created_job_is_the_newest(board: JobBoard) -> None:
    """`recent` finds it at once."""
    board.add(0, "d")

    assert board.choose(0, phase=0, strategy="recent", pick=0.0) == "d"


class Dispatching(RuleBasedStateMachine):
    """Any order of handing out and finishing, as a run may produce it."""

    def __init__(self) -> None:
        super().__init__()
        self.board = JobBoard()
        self.count = 0
        self.in_flight: list[Mutation] = []
        self.begun: dict[str, list[int]] = defaultdict(list)
        self.handed_out: dict[str, list[int]] = defaultdict(list)
        self.archived: set[str] = set()

    @initialize(jobs=st.integers(1, 5))
    def fill(self, jobs: int) -> None:
        """Begin with some jobs."""
        for number in range(jobs):
            self.board.add(0, f"job {number}")

    @rule(
        kind=st.sampled_from([MutationKind.UPDATE, MutationKind.ARCHIVE, MutationKind.FLAG]),
        strategy=st.sampled_from(["uniform", "recent", "hot", "one", "each"]),
        pick=st.floats(0, 1, exclude_max=True),
    )
    def hand_out(self, kind: MutationKind, strategy: Strategy, pick: float) -> None:
        """Choose a job and claim it, as the dispatcher does."""
        job = self.board.choose(0, phase=0, strategy=strategy, pick=pick)
        if job is None:
            return
        assert job not in self.archived
        handed = mutation(self.count, job, kind)
        self.count += 1
        self.handed_out[job].append(handed.index)
        if self.board.take(handed):
            self.begin(handed)

    @rule()
    def create(self) -> None:
        """Another job comes into being."""
        self.board.add(0, f"created {self.count}")
        self.count += 1

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), succeeded=st.booleans())
    def finish(self, data: st.DataObject, *, succeeded: bool) -> None:
        """One of those in flight is answered."""
        finished = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        if finished.kind is MutationKind.ARCHIVE and succeeded:
            assert finished.job_id is not None
            self.archived.add(finished.job_id)
        following = self.board.release(finished, succeeded=succeeded)
        if following is not None:
            self.begin(following)

    def begin(self, begun: Mutation) -> None:
        """One mutation goes to a mutator."""
        assert begun.job_id is not None
        assert begun.job_id not in self.archived
        self.in_flight.append(begun)
        self.begun[begun.job_id].append(begun.index)

    @invariant()
    def nobody_shares_a_job(self) -> None:
        """At most one mutation in flight per job."""
        jobs = [one.job_id for one in self.in_flight]
        assert len(jobs) == len(set(jobs))

    @invariant()
    def lines_are_first_come_first_served(self) -> None:
        """What began of a job is what was handed out first, in that order."""
        for job, begun in self.begun.items():
            assert begun == self.handed_out[job][: len(begun)]

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What was handed out has begun, or waits."""
        begun = sum(map(len, self.begun.values()))
        assert begun + len(self.board.waiting()) == sum(map(len, self.handed_out.values()))

    def teardown(self) -> None:
        """Once all are answered, nobody waits."""
        while self.in_flight:
            following = self.board.release(self.in_flight.pop(0), succeeded=False)
            if following is not None:
                self.begin(following)
        assert self.board.waiting() == []


Dispatching.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDispatching = Dispatching.TestCase
