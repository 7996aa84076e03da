"""What the database holds of a run, after mutations through the real jobs API."""

import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest

from loadtests.drivers.job_board import Mutation
from loadtests.drivers.mutation_requests import read_response, request_of
from loadtests.drivers.truth import TruthReader
from loadtests.drivers.truth_rows import TruthRefusedError
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_COUNT, NOBODY, ItemFlag, Kind
from loadtests.history.ledger import Ledger
from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import EVENT_OF_MUTATION, MutationKind
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.event_types import EventType
from loadtests.wire.tokens import mint

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "What does the database hold?",
        "organizations": {"count": 2, "jobs": 2},
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)
RUNS = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A provisioned run whose mutations a test makes one by one."""

    endpoint: Endpoint
    population: Population
    ledger: Ledger
    truth: TruthReader

    def mutate(
        self,
        kind: MutationKind,
        index: int,
        *,
        job_id: str | None = None,
        organization: int = 0,
        risk: tuple[str, ...] = (),
    ) -> str:
        """Carry out one mutation as a mutator does; return its job."""
        mutation = Mutation(
            index=index, kind=kind, organization=organization, job_id=job_id, due_ns=0, risk_factor_codes=risk
        )
        request = request_of(mutation)
        token = mint(
            self.endpoint.jwt_secret,
            role="authenticated",
            subject=self.population.author_id(organization),
            expires_at_s=int(time.clock_gettime(time.CLOCK_REALTIME)) + 600,
        )
        answer = httpx.request(
            request.method,
            f"{self.endpoint.api_url}{request.path}",
            json=request.body,
            headers={"Authorization": f"Bearer {token}", "X-Request-ID": self.population.request_id(index)},
        )
        assert answer.is_success, answer.text
        return read_response(mutation, answer.content).job_id

    def history(self) -> History:
        """Close the ledger and read it."""
        self.ledger.close()
        return History.read(self.ledger.path.parent)


@pytest.fixture
def run(stack: Endpoint, tmp_path: Path) -> Iterator[Run]:
    """Return a run of the test's own on the shared pipeline."""
    population = Population(SCENARIO, seed=1, run_id=f"truth {next(RUNS)}")
    provision(stack.database_url, population)
    with Ledger(tmp_path / "runner.ledger", capacity_rows=1000) as ledger:
        truth = TruthReader(stack.database_url, population, ledger)
        yield Run(endpoint=stack, population=population, ledger=ledger, truth=truth)
        truth.close()


def at(rows: Rows, *columns: str) -> list[tuple[int, ...]]:
    """Return some columns of rows as tuples."""
    return [tuple(int(row[column]) for column in columns) for row in rows]


def test_every_mutation_leaves_one_event_and_one_audit_row(run: Run) -> None:
    """Both lead back to the mutation by its request id, and say what it was."""
    job = run.mutate(MutationKind.CREATE, 0)
    for index, kind in enumerate(MutationKind):
        if kind not in {MutationKind.CREATE, MutationKind.ARCHIVE}:
            run.mutate(kind, index + 1, job_id=job)
    run.mutate(MutationKind.ARCHIVE, 9, job_id=job)
    run.truth.read_all()
    history = run.history()
    mutations = history.of(Kind.TRUE_MUTATION)

    assert at(history.of(Kind.TRUE_EVENT), "revision", "flag") == [
        (mutation, EVENT_OF_MUTATION[MutationKind(kind)]) for mutation, kind in at(mutations, "actor", "flag")
    ]
    assert at(mutations, "actor", "flag", "revision", "value") == [
        (0, MutationKind.CREATE, 1, 0),
        (2, MutationKind.UPDATE, 2, 0),
        (4, MutationKind.FLAG, 3, 0),
        (5, MutationKind.DOCUMENT, 3, 1),
        (9, MutationKind.ARCHIVE, 4, 0),
    ]
    assert {history.names[entity] for entity in mutations["entity"]} == {job}


def test_the_stamps_are_in_the_order_of_the_design(run: Run) -> None:
    """The mutation's own commit, then the event's transaction start, then the event's commit."""
    before_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    run.mutate(MutationKind.CREATE, 0)
    after_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    run.truth.read_all()
    history = run.history()
    (event,) = history.of(Kind.TRUE_EVENT)
    (mutation,) = history.of(Kind.TRUE_MUTATION)

    assert before_ns <= mutation["due_ns"] <= event["value"] <= event["due_ns"] <= after_ns


def test_events_are_recorded_once_however_often_they_are_read(run: Run) -> None:
    """They are read during the run, because retention may delete them before its end."""
    run.mutate(MutationKind.CREATE, 0)
    first = run.truth.read_new_events()
    run.mutate(MutationKind.CREATE, 1)
    counts = [first, run.truth.read_new_events(), run.truth.read_new_events()]
    with psycopg.connect(run.endpoint.database_url) as connection:
        connection.execute(
            "delete from realtime_events where organization_id = %s", [run.population.organization_id(0)]
        )
    run.truth.read_all()

    assert counts == [1, 1, 0]
    assert at(run.history().of(Kind.TRUE_EVENT), "revision") == [(0,), (1,)]


def test_an_event_that_no_mutation_made_is_somebodys(run: Run) -> None:
    """It is truth all the same: devices receive it."""
    with psycopg.connect(run.endpoint.database_url) as connection:
        connection.execute(
            "insert into realtime_events (organization_id, event_type, entity_type, entity_id, payload) "
            "values (%s, 'party.begun', 'party', 'x', '{}')",
            [run.population.organization_id(1)],
        )
    run.truth.read_all()

    assert at(run.history().of(Kind.TRUE_EVENT), "actor", "revision", "flag") == [(1, NOBODY, 0)]


def test_what_the_limit_did_to_an_event_is_recorded(run: Run) -> None:
    """A label, and for how many it stands, if it says so in a number."""
    with psycopg.connect(run.endpoint.database_url) as connection:
        for key, payload in ((None, "{}"), ("k", "{}"), ("k", '{"coalesced": 28}'), (None, '{"coalesced": "many"}')):
            connection.execute(
                "insert into realtime_events (organization_id, event_type, entity_type, dedupe_key, payload) "
                "values (%s, 'job.updated', 'job', %s, %s)",
                [run.population.organization_id(0), key, payload],
            )
    run.truth.read_all()
    history = run.history()
    limited = history.of(Kind.TRUE_LIMITED)

    assert sorted(at(limited, "value", "flag")) == [(0, 1), (28, 1)]
    assert set(limited["entity"]) < set(history.of(Kind.TRUE_EVENT)["entity"])


def test_a_score_given_with_the_creation_is_as_old_as_the_job(run: Run) -> None:
    """One commit for both; a job without risk factors has no score, and a later one is not its creation's."""
    scored, unscored = run.mutate(MutationKind.CREATE, 0, risk=("height",)), run.mutate(MutationKind.CREATE, 1)
    run.mutate(MutationKind.UPDATE, 2, job_id=unscored, risk=("weather",))
    run.truth.read_all()
    history = run.history()
    (score,) = history.of(Kind.TRUE_SCORE)
    created = history.of(Kind.TRUE_MUTATION)[0]
    ends = {history.names[row["entity"]]: row["flag"] for row in history.of(Kind.TRUE_JOB)}

    assert (score["actor"], score["revision"], history.names[score["entity"]]) == (0, 1, scored)
    assert score["due_ns"] == created["due_ns"] > 0
    assert [job for job, flag in ends.items() if flag & ItemFlag.SCORED] == [scored, unscored]


def test_another_runs_rows_are_not_read(run: Run, stack: Endpoint) -> None:
    """Several runs may share a database."""
    other = Population(SCENARIO, seed=1, run_id=f"another run {next(RUNS)}")
    provision(stack.database_url, other)
    Run(endpoint=stack, population=other, ledger=run.ledger, truth=run.truth).mutate(MutationKind.CREATE, 0)
    run.truth.read_all()
    history = run.history()

    assert len(history.of(Kind.TRUE_EVENT, Kind.TRUE_MUTATION)) == 0
    assert len(history.of(Kind.TRUE_JOB)) == 4


def test_jobs_are_recorded_as_they_stand_at_the_end(run: Run) -> None:
    """Revision, documents, archived and flagged."""
    archived, flagged = run.population.job_id(0, 0), run.population.job_id(1, 1)
    run.mutate(MutationKind.ARCHIVE, 0, job_id=archived)
    run.mutate(MutationKind.DOCUMENT, 1, job_id=flagged, organization=1)
    run.mutate(MutationKind.FLAG, 2, job_id=flagged, organization=1)
    run.truth.read_all()
    history = run.history()
    jobs = {history.names[row["entity"]]: row for row in history.of(Kind.TRUE_JOB)}
    (first,) = at(np.array([jobs[archived]]), "actor", "revision", "value", "flag")
    (second,) = at(np.array([jobs[flagged]]), "actor", "revision", "value", "flag")

    assert len(jobs) == 4
    assert first == (0, 2, 0, ItemFlag.ARCHIVED)
    assert second == (1, 2, 1, ItemFlag.FLAGGED)


@pytest.fixture
def bare(stack: Endpoint) -> Iterator[None]:
    """Take the two tables that a backend need not have out of sight for a while."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for table in (b"documents", b"audit_logs"):
            connection.execute(b"alter table public." + table + b" rename to away_" + table)
        try:
            yield
        finally:
            for table in (b"documents", b"audit_logs"):
                connection.execute(b"alter table public.away_" + table + b" rename to " + table)


@pytest.fixture
def foreign(stack: Endpoint) -> Iterator[psycopg.Connection]:
    """Put tables as somebody else has them in the place of ours for a while."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for table in (b"jobs", b"realtime_events"):
            connection.execute(b"alter table public." + table + b" rename to away_" + table)
        try:
            connection.execute(
                b"create table public.jobs (id bigint primary key, organization_id uuid, created_at timestamptz)"
            )
            connection.execute(
                b"create table public.realtime_events (id bigint primary key, organization_id uuid, event_type text, "
                b"entity_type text, entity_id bigint, payload json, created_at timestamptz)"
            )
            yield connection
        finally:
            for table in (b"jobs", b"realtime_events"):
                connection.execute(b"drop table if exists public." + table)
                connection.execute(b"alter table public.away_" + table + b" rename to " + table)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A run against tables with integer keys and the columns that are truly needed, no more."""

    connection: psycopg.Connection
    url: str
    population: Population
    directory: Path

    def read(self) -> History:
        """Read the truth of them."""
        with Ledger(self.directory / "runner.ledger", capacity_rows=100) as ledger:
            truth = TruthReader(self.url, self.population, ledger)
            try:
                truth.read_all()
            finally:
                truth.close()
        return History.read(self.directory)


@pytest.fixture
def elsewhere(foreign: psycopg.Connection, stack: Endpoint, tmp_path: Path) -> Foreign:
    """Return the run of somebody else's tables, whose one job has one event."""
    population = Population(SCENARIO, seed=1, run_id=f"foreign {next(RUNS)}")
    home = population.organization_id(0)
    foreign.execute("insert into jobs values (41, %s, now())", (home,))
    foreign.execute(
        "insert into realtime_events values (7, %s, 'job.updated', 'job', 41, '{\"job_id\": 41}', now())", (home,)
    )
    return Foreign(foreign, stack.database_url, population, tmp_path)


def test_tables_with_integer_keys_and_few_columns_tell_what_they_can(
    elsewhere: Foreign, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither archived nor not: nobody knows; likewise flag and score. Each is said once."""
    history = elsewhere.read()
    (job,), (event,), (about,) = (history.of(kind) for kind in (Kind.TRUE_JOB, Kind.TRUE_EVENT, Kind.EVENT_ABOUT))

    assert (history.names[job["entity"]], history.names[event["entity"]], history.names[about["value"]]) == (
        "41",
        "7",
        "41",
    )
    assert job["flag"] == ItemFlag.ARCHIVE_UNTOLD | ItemFlag.FLAG_UNTOLD | ItemFlag.SCORE_UNTOLD
    assert (event["flag"], event["revision"]) == (EventType.JOB_UPDATED, NOBODY)
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        f"the database has no column jobs.{column}" for column in ("archived_at", "review_flag", "risk_score")
    ]


@pytest.mark.usefixtures("bare")
def test_organizations_may_have_numbers_and_count_their_events_each_by_itself(elsewhere: Foreign) -> None:
    """Event 7 of one and event 7 of the other are two; what is no UUID is found all the same."""
    for table in (b"jobs", b"realtime_events"):
        elsewhere.connection.execute(b"alter table " + table + b" alter organization_id type bigint using 12")
    elsewhere.connection.execute(b"alter table realtime_events drop column id, add column id bigint default 7")
    elsewhere.connection.execute(
        b"insert into realtime_events (organization_id, event_type, payload, created_at) "
        b"values (13, 'job.updated', '{}', now())"
    )
    homes = Given(organizations=("12", "13"), authors=("a", "b"), members=(("c",), ("d",)))
    numbered = replace(elsewhere, population=replace(elsewhere.population, given=homes))
    history = numbered.read()

    assert at(history.of(Kind.TRUE_EVENT), "actor") == [(0,), (1,)]
    assert {history.names[row["entity"]] for row in history.of(Kind.TRUE_EVENT)} == {"7"}
    assert at(history.of(Kind.TRUE_JOB), "actor") == [(0,)]


def test_a_revision_that_nobody_can_read_is_one_sentence(elsewhere: Foreign) -> None:
    """And the run has its verdict."""
    elsewhere.connection.execute(b"alter table jobs add column revision text default 'a4f'")

    with pytest.raises(TruthRefusedError, match="of job 41, the revision 'a4f' is no whole number"):
        elsewhere.read()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (b"drop table realtime_events", "has no table public.realtime_events, or its user may not read"),
        (b"alter table realtime_events drop column payload", "has no column realtime_events.payload, or its user"),
        (b"alter table jobs drop column created_at", "has no column jobs.created_at, or its user"),
    ],
)
def test_what_the_truth_cannot_do_without_is_refused_in_one_sentence(
    elsewhere: Foreign, loss: bytes, said: str
) -> None:
    """As soon as it is opened, which is before the load."""
    elsewhere.connection.execute(loss)

    with pytest.raises(TruthRefusedError, match=re.escape(said)):
        elsewhere.read()


@pytest.mark.usefixtures("bare")
def test_a_backend_without_documents_and_audit_rows_leaves_unknown_what_they_would_tell(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Events and jobs are told; how many documents a job has is not, which is another thing than none."""
    run.truth.read_all()
    history = run.history()

    assert at(history.of(Kind.TRUE_JOB), "revision", "value") == [(1, NO_COUNT)] * 4
    assert len(history.of(Kind.TRUE_MUTATION, Kind.TRUE_SCORE)) == 0
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "the database has no table documents",
        "the database has no table audit_logs",
    ]
