"""What mutators share: the schedule, the jobs, the queue of what is due, the ledger. Knows no Locust.

A dispatcher hands out what is due and never waits for a response; the users of a fixed pool carry it out. How
late the dispatcher was is *our* lateness (row DUE); how long a mutation then waited for a free user or for its
job is the target's doing (row SENT).
"""

import time

import gevent
import gevent.queue

from loadtests.drivers.job_board import JobBoard, Mutation
from loadtests.drivers.mutation_requests import read_refusal, read_response
from loadtests.drivers.wallet import Wallet
from loadtests.history.kinds import NO_ENTITY, Kind, Process, Unsent
from loadtests.history.ledger import Ledger
from loadtests.scenario.authors import NO_DEVICE, draw_authors
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.risk import codes_of
from loadtests.scenario.schedule import Schedule, draw_schedule
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.revisions import Revisions
from loadtests.wire.routes import PLAIN

_NS = 1_000_000_000
_LAG_INTERVAL_S = 0.1
_TOKEN_MARGIN_S = 3600


class Workload:
    """One process's share of the load, from its due times to the outcomes in its ledger."""

    def __init__(self, scenario: Scenario, population: Population, ledger: Ledger) -> None:
        self.scenario = scenario
        self.population = population
        self.ledger = ledger
        self.schedule: Schedule = draw_schedule(scenario, population.seed)
        self.authors = draw_authors(population, self.schedule)
        self.board = JobBoard()
        for organization in range(population.organizations):
            for ordinal in range(scenario.organizations.jobs):
                self.board.add(organization, population.job_id(organization, ordinal))
        self.queue: gevent.queue.Queue[Mutation] = gevent.queue.Queue()
        self.dispatched = self.acked = self.failed = self.in_flight = 0
        self.latency_ns = 0
        """Sum over the mutations that came to an end, from their writing to it."""
        self._revisions = Revisions(population.began_at)
        self.wallet = Wallet()
        self._mint = self.wallet.minter(scenario.duration_s + scenario.effective_drain_s + _TOKEN_MARGIN_S)
        self.routes = PLAIN
        self._tokens: dict[str, str] = {}

    def connect(self, endpoint: Endpoint) -> None:
        """Learn what signs the target's users in."""
        self.wallet.open(endpoint)
        self.routes = endpoint.route_table

    def token(self, mutation: Mutation) -> str:
        """Return a token of the mutation's author: the newest given one, or one that outlives the run."""
        user_id = self._author_id(mutation)
        if self.wallet.is_given:
            return self._mint(user_id)
        token = self._tokens.get(user_id)
        if token is None:
            token = self._tokens[user_id] = self._mint(user_id)
        return token

    def _author_id(self, mutation: Mutation) -> str:
        if mutation.author == NO_DEVICE:
            return self.population.author_id(mutation.organization)
        return self.population.subscribers[mutation.author].user_id

    def dispatch(self, start_ns: int) -> None:
        """Hand out every mutation at its due time, and return when the last one is handed out."""
        for index, offset_ns in enumerate(self.schedule.due_ns.tolist()):
            due_ns = start_ns + offset_ns
            while (wait_ns := due_ns - time.monotonic_ns()) > 0:
                gevent.sleep(wait_ns / _NS)
            self._hand_out(index, due_ns)

    def _hand_out(self, index: int, due_ns: int) -> None:
        schedule = self.schedule
        organization = int(schedule.organization[index])
        kind = MutationKind(int(schedule.kind[index]))
        phase = int(schedule.phase[index])
        job_id = None
        if kind is not MutationKind.CREATE:
            strategy = self.scenario.phases[phase].jobs
            job_id = self.board.choose(organization, phase=phase, strategy=strategy, pick=float(schedule.pick[index]))
        mutation = Mutation(
            index=index,
            kind=kind,
            organization=organization,
            job_id=job_id,
            due_ns=due_ns,
            author=int(self.authors[index]),
            risk_factor_codes=codes_of(int(schedule.risk_factors[index])),
        )
        self.ledger.record(
            Kind.DUE,
            time.monotonic_ns(),
            due_ns=due_ns,
            actor=index,
            entity=self._job_number(mutation),
            value=organization,
            revision=mutation.author + 1,
            flag=kind,
        )
        self.dispatched += 1
        if job_id is None and kind is not MutationKind.CREATE:
            self._record_unsent(mutation, Unsent.NO_FREE_JOB)
        elif self.board.take(mutation):
            self.queue.put(mutation)

    def sent(self, mutation: Mutation) -> int:
        """Record that the request is being written; return the stamp."""
        self.in_flight += 1
        sent_ns = time.monotonic_ns()
        self.ledger.record(
            Kind.SENT,
            sent_ns,
            due_ns=mutation.due_ns,
            actor=mutation.index,
            entity=self._job_number(mutation),
            value=len(mutation.risk_factor_codes),
        )
        return sent_ns

    def answered(self, mutation: Mutation, sent_ns: int, *, status: int, content: bytes) -> str | None:
        """Record how the mutation ended; return what is wrong, or None. `status` 0: there was no response."""
        at_ns = time.monotonic_ns()
        self.in_flight -= 1
        self.latency_ns += at_ns - sent_ns
        trouble, job_id, revision = _judge(mutation, status, content, self._revisions)
        kind = Kind.UNKNOWN if status == 0 else Kind.FAILED if trouble else Kind.ACKED
        subject = trouble or job_id
        self.ledger.record(
            kind,
            at_ns,
            due_ns=sent_ns,
            actor=mutation.index,
            entity=self.ledger.name(subject) if subject else NO_ENTITY,
            revision=revision,
            value=len(content),
            flag=status,
        )
        if trouble is None:
            self.acked += 1
            if mutation.kind is MutationKind.CREATE and job_id:
                self.board.add(mutation.organization, job_id)
        else:
            self.failed += 1
        following = self.board.release(mutation, succeeded=trouble is None)
        if following is not None:
            self.queue.put(following)
        return trouble

    def give_up(self) -> None:
        """Send nothing more: record what was due and never sent. What is in flight may still be answered."""
        while not self.queue.empty():
            self._record_unsent(self.queue.get_nowait(), Unsent.POOL_EXHAUSTED)
        for mutation in self.board.dissolve():
            self._record_unsent(mutation, Unsent.RUN_ENDED)

    def close(self) -> None:
        """Record what was due and never sent, then close the ledger."""
        self.give_up()
        self.ledger.close()

    def watch_lag(self) -> None:
        """Record for ever how late a timer of this process runs."""
        while True:
            wanted_ns = time.monotonic_ns() + round(_LAG_INTERVAL_S * _NS)
            gevent.sleep(_LAG_INTERVAL_S)
            now_ns = time.monotonic_ns()
            self.ledger.record(Kind.LOOP_LAG, now_ns, actor=Process.MUTATORS, value=now_ns - wanted_ns)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return self.queue.empty() and self.in_flight == 0

    def _job_number(self, mutation: Mutation) -> int:
        return NO_ENTITY if mutation.job_id is None else self.ledger.name(mutation.job_id)

    def _record_unsent(self, mutation: Mutation, reason: Unsent) -> None:
        self.ledger.record(
            Kind.UNSENT,
            time.monotonic_ns(),
            due_ns=mutation.due_ns,
            actor=mutation.index,
            entity=self._job_number(mutation),
            value=reason,
        )


def _judge(mutation: Mutation, status: int, content: bytes, revisions: Revisions) -> tuple[str | None, str | None, int]:
    """Return what is wrong (or None), the job, and its revision."""
    if not 200 <= status < 300:
        return read_refusal(status, content), mutation.job_id, 0
    try:
        job = read_response(mutation, content, revisions)
    except (ValueError, KeyError, TypeError) as error:
        return f"an answer that is not in the contract: {error}", mutation.job_id, 0
    return None, job.job_id, job.revision
