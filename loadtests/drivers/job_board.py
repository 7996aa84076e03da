"""Which job each mutation hits, and who may change it now: at most one mutation is in flight per job.

Pure bookkeeping without clock or socket. Choices are made at dispatch, in the schedule's order, so they do not
depend on how fast the target answers; a mutation whose job is busy waits in that job's line.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from loadtests.scenario.authors import NO_DEVICE
from loadtests.scenario.choice import Strategy, choose
from loadtests.scenario.vocabulary import MutationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One mutation that is due; `job_id` is None for a create, which brings its job into being."""

    index: int
    kind: MutationKind
    organization: int
    job_id: str | None
    due_ns: int
    """When the schedule wanted it, CLOCK_MONOTONIC."""
    author: int = NO_DEVICE
    """Index of the subscriber who makes it; NO_DEVICE: a colleague without one."""
    risk_factor_codes: tuple[str, ...] = ()
    """Given with a create or an update; with some, the job's risk is scored."""


@dataclass(slots=True)
class JobBoard:
    """The jobs that can be changed, by organization, and the lines of mutations waiting for a busy job."""

    _jobs: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _lines: dict[str, deque[Mutation]] = field(default_factory=dict)
    """Busy jobs; the mutations in a line wait for the one in flight."""
    _turns: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, organization: int, job_id: str) -> None:
        """A job exists from now on; it is its organization's newest."""
        self._jobs[organization].append(job_id)

    def choose(self, organization: int, *, phase: int, strategy: Strategy, pick: float) -> str | None:
        """Return the job that a mutation shall hit, or None when the organization has none."""
        jobs = self._jobs[organization]
        if not jobs:
            return None
        turn = self._turns[organization, phase]
        self._turns[organization, phase] = turn + 1
        return jobs[choose(strategy, pick=pick, turn=turn, count=len(jobs))]

    def take(self, mutation: Mutation) -> bool:
        """Claim the mutation's job. False: the job is busy, and the mutation now waits in its line."""
        if mutation.job_id is None:
            return True
        if mutation.kind is MutationKind.ARCHIVE:
            # From here on nobody chooses it; what was chosen before stands in line ahead.
            self._jobs[mutation.organization].remove(mutation.job_id)
        line = self._lines.get(mutation.job_id)
        if line is not None:
            line.append(mutation)
            return False
        self._lines[mutation.job_id] = deque()
        return True

    def release(self, mutation: Mutation, *, succeeded: bool) -> Mutation | None:
        """Let go of the mutation's job; return the next in its line, which now has the job."""
        if mutation.job_id is None:
            return None
        if mutation.kind is MutationKind.ARCHIVE and not succeeded:
            self._jobs[mutation.organization].append(mutation.job_id)
        line = self._lines[mutation.job_id]
        if line:
            return line.popleft()
        del self._lines[mutation.job_id]
        return None

    def waiting(self) -> list[Mutation]:
        """Return the mutations that still stand in a line."""
        return [mutation for line in self._lines.values() for mutation in line]

    def dissolve(self) -> list[Mutation]:
        """Empty all lines; return the mutations that stood in them."""
        waiting = self.waiting()
        for line in self._lines.values():
            line.clear()
        return waiting
