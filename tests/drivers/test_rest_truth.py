"""The truth through the tables' API of a whole pipeline, beside the same truth by SQL; and an API that fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from loadtests.drivers.job_board import Mutation
from loadtests.drivers.mutation_requests import read_response, request_of
from loadtests.drivers.rest_truth import RestTruth
from loadtests.drivers.truth import Truth, TruthReader, open_truth
from loadtests.drivers.truth_rows import TruthRefusedError
from loadtests.history.history import History
from loadtests.history.kinds import NO_COUNT, NOBODY, Kind
from loadtests.history.ledger import Ledger
from loadtests.pipeline.settings import StackSettings
from loadtests.processes.spawn import Child
from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

pytestmark = pytest.mark.e2e

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "What do the tables hold?",
        "organizations": {"count": 2, "jobs": 2},
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Return a pipeline with accounts and tables behind a gateway."""
    log = tmp_path_factory.mktemp("theirs") / "pipeline.log"
    child = Child.start("loadtests.pipeline", name="pipeline", log=log, hello=StackSettings(gateway=True).to_json())
    try:
        yield Endpoint.from_json(child.wait_for("ready", 60)["endpoint"])
    finally:
        child.stop()


def mutate(theirs: Endpoint, population: Population, kind: MutationKind, index: int, job_id: str | None = None) -> str:
    """Carry out one mutation as a mutator does; return its job."""
    mutation = Mutation(index=index, kind=kind, organization=0, job_id=job_id, due_ns=0)
    request = request_of(mutation)
    expires_at_s = int(time.clock_gettime(time.CLOCK_REALTIME)) + 600
    token = mint(theirs.jwt_secret, role="authenticated", subject=population.author_id(0), expires_at_s=expires_at_s)
    answer = httpx.request(
        request.method,
        f"{theirs.api_url}{request.path}",
        json=request.body,
        headers={"Authorization": f"Bearer {token}", "X-Request-ID": population.request_id(index)},
    )
    assert answer.is_success, answer.text
    return read_response(mutation, answer.content).job_id


@pytest.fixture
def population(theirs: Endpoint, request: pytest.FixtureRequest) -> Population:
    """Return two organizations of the test's own, in which one job went through everything."""
    population = Population(SCENARIO, seed=1, run_id=request.node.name)
    provision(theirs.database_url, population)
    job = mutate(theirs, population, MutationKind.CREATE, 0)
    for index, kind in enumerate((MutationKind.UPDATE, MutationKind.DOCUMENT, MutationKind.FLAG), start=1):
        mutate(theirs, population, kind, index, job)
    mutate(theirs, population, MutationKind.ARCHIVE, 4, job)
    return population


def told(directory: Path, open_truth: Callable[[Ledger], Truth]) -> dict[str, list[tuple[object, ...]]]:
    """Return what a reader told of events, mutations and jobs, without commits."""
    directory.mkdir()
    with Ledger(directory / "runner.ledger", capacity_rows=1000) as ledger:
        truth = open_truth(ledger)
        truth.read_new_events()
        truth.read_all()
        truth.close()
    history = History.read(directory)
    columns = {
        Kind.TRUE_EVENT: ("revision", "actor", "value", "flag"),
        Kind.TRUE_MUTATION: ("actor", "revision", "value", "flag"),
        Kind.TRUE_JOB: ("actor", "revision", "due_ns", "value", "flag"),
        Kind.EVENT_ABOUT: (),
    }
    return {
        kind.name: [
            (history.names[row["entity"]], *(int(row[column]) for column in chosen)) for row in history.of(kind)
        ]
        for kind, chosen in columns.items()
    }


def test_it_is_the_same_truth_as_by_sql(
    theirs: Endpoint, population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the server gives two rows at once: every event once, every mutation, every job."""
    by_sql = told(tmp_path / "sql", lambda ledger: TruthReader(theirs.database_url, population, ledger))
    monkeypatch.setattr("loadtests.drivers.rest_truth._PAGE", 2)
    by_rest = told(tmp_path / "rest", lambda ledger: RestTruth(theirs, population, ledger))

    assert by_rest == by_sql
    assert [len(by_rest[kind.name]) for kind in (Kind.TRUE_EVENT, Kind.TRUE_MUTATION, Kind.TRUE_JOB)] == [5, 5, 5]


def test_rows_of_one_moment_fill_several_pages(
    theirs: Endpoint, population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven events of one transaction, two rows at once."""
    organization = population.organization_id(1)
    insert = (
        "insert into realtime_events (organization_id, event_type, entity_type, payload) "
        "select %s, 'job.updated', 'job', '{}' from generate_series(1, 7)"
    )
    with psycopg.connect(theirs.database_url) as connection:
        connection.execute(insert, (organization,))
    monkeypatch.setattr("loadtests.drivers.rest_truth._PAGE", 2)

    assert len(told(tmp_path / "rest", lambda ledger: RestTruth(theirs, population, ledger))["TRUE_EVENT"]) == 12


def test_an_event_that_names_no_request_names_its_job(theirs: Endpoint, population: Population, tmp_path: Path) -> None:
    """As a backend emits that knows nothing of load tests."""
    with psycopg.connect(theirs.database_url) as connection:
        connection.execute(
            "update realtime_events set payload = payload - 'request_id' where organization_id = %s",
            (population.organization_id(0),),
        )

    rows = told(tmp_path / "rest", lambda ledger: RestTruth(theirs, population, ledger))

    assert len(rows["EVENT_ABOUT"]) == 5
    assert {revision for _, revision, *_ in rows["TRUE_EVENT"]} == {NOBODY}
    assert rows == told(tmp_path / "sql", lambda ledger: TruthReader(theirs.database_url, population, ledger))


def test_what_given_organizations_did_before_the_run_is_not_read(
    theirs: Endpoint, population: Population, tmp_path: Path
) -> None:
    """They may have a past of millions of events, and none of them is the run's. By SQL as by REST."""
    homes = tuple(population.organization_indices)
    with psycopg.connect(theirs.database_url) as connection:
        connection.execute(
            "insert into realtime_events (organization_id, event_type, entity_type, payload, created_at) "
            "values (%s, 'job.updated', 'job', '{}', now() - interval '1 day')",
            (homes[0],),
        )
    given = Given(organizations=homes, authors=("",) * 2, members=((),) * 2)
    theirs_before = replace(population, given=given, began_at=datetime.now(UTC))

    for name, truth in (
        ("rest", lambda ledger: RestTruth(theirs, theirs_before, ledger)),
        ("sql", lambda ledger: TruthReader(theirs.database_url, theirs_before, ledger)),
    ):
        assert len(told(tmp_path / name, truth)["TRUE_EVENT"]) == 5
    assert len(told(tmp_path / "own", lambda ledger: RestTruth(theirs, population, ledger))["TRUE_EVENT"]) == 6


def test_after_the_load_a_page_that_fails_is_asked_for_again(
    theirs: Endpoint, population: Population, tmp_path: Path
) -> None:
    """Nothing comes later that would make up for it. An address that never answers is given up in the end."""
    pauses: list[float] = []
    with Ledger(tmp_path / "runner.ledger", capacity_rows=1000) as ledger:
        truth = RestTruth(replace(theirs, supabase_url="http://127.0.0.1:1"), population, ledger, wait=pauses.append)
        with pytest.raises(TruthRefusedError, match="does not answer"):
            truth.read_all()
        truth.close()

    assert pauses == [1.0, 5.0]


def test_one_reading_that_fails_is_made_up_for_and_three_are_not(
    theirs: Endpoint, population: Population, tmp_path: Path
) -> None:
    """Nobody answers at that address."""
    nowhere = replace(theirs, supabase_url="http://127.0.0.1:1")
    with Ledger(tmp_path / "runner.ledger", capacity_rows=1000) as ledger:
        truth = RestTruth(nowhere, population, ledger)
        assert (truth.read_new_events(), truth.read_new_events()) == (0, 0)
        with pytest.raises(TruthRefusedError, match="does not answer"):
            truth.read_new_events()
        truth.close()


def test_a_wrong_key_is_refused_at_once(theirs: Endpoint, population: Population, tmp_path: Path) -> None:
    """Waiting would not mend it."""
    with Ledger(tmp_path / "runner.ledger", capacity_rows=1000) as ledger:
        truth = RestTruth(replace(theirs, service_key="no.such.key"), population, ledger)
        with pytest.raises(TruthRefusedError, match="answers 401 for realtime_events"):
            truth.read_new_events()
        truth.close()


@contextmanager
def without(theirs: Endpoint, table: bytes, column: bytes) -> Iterator[None]:
    """Call a column of theirs something else for a while."""
    with psycopg.connect(theirs.database_url, autocommit=True) as connection:
        connection.execute(b"alter table " + table + b" rename column " + column + b" to another")
        try:
            yield
        finally:
            connection.execute(b"alter table " + table + b" rename column another to " + column)


def test_what_the_truth_cannot_do_without_is_refused_as_it_is_opened(
    theirs: Endpoint, population: Population, tmp_path: Path
) -> None:
    """Which is before the load; of jobs nothing is read until after it."""
    by_rest = replace(theirs, database_url="")
    with Ledger(tmp_path / "runner.ledger", capacity_rows=1000) as ledger:
        open_truth(by_rest, population, ledger).close()
        with without(theirs, b"jobs", b"created_at"), pytest.raises(TruthRefusedError) as refused:
            open_truth(by_rest, population, ledger)

    told = str(refused.value)
    assert told.startswith("the truth cannot be read through the tables' API: the tables' API answers 400 for jobs")
    assert "; it needs of jobs id, organization_id, created_at: let the service key read them" in told


@pytest.mark.parametrize("column", [b"job_id", b"organization_id"])
def test_documents_of_another_kind_leave_their_count_unknown(
    theirs: Endpoint, population: Population, tmp_path: Path, column: bytes
) -> None:
    """That belong to no job, or to no organization; as by SQL."""
    with without(theirs, b"documents", column):
        rows = told(tmp_path / "rest", lambda ledger: RestTruth(theirs, population, ledger))
        assert rows == told(tmp_path / "sql", lambda ledger: TruthReader(theirs.database_url, population, ledger))

    assert {job[4] for job in rows["TRUE_JOB"]} == {NO_COUNT}
