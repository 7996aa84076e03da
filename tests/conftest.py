"""Real parts that tests share: a PostgreSQL server, databases in it, and a whole pipeline.

They start on first use, so that a run of pure tests starts nothing.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import psycopg
import pytest

from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.migrate import migrate
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import StackSettings
from loadtests.processes.spawn import Child
from loadtests.wire.endpoint import Endpoint
from tests.databases import Databases

REAL_PARTS = {"postgres", "database", "stack"}
TEMPLATE = "migrated_template"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses a real part: whoever deselects `e2e` starts no process."""
    for item in items:
        if REAL_PARTS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a running PostgreSQL server, one for all tests."""
    with owned_directory(Path(gettempdir())) as directory, PostgresServer.create(directory / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def database_numbers() -> Iterator[int]:
    """Return the numbers that give each test's database a name of its own."""
    return itertools.count(1)


@pytest.fixture(scope="session")
def template_database(postgres: PostgresServer) -> str:
    """Return the name of a database that holds the pipeline's schema; new ones are copied from it."""
    with psycopg.connect(postgres.url(), autocommit=True) as owner:
        owner.execute(f"create database {TEMPLATE}".encode())
    migrate(postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer, template_database: str, database_numbers: Iterator[int]) -> Databases:
    """Return the databases that tests borrow."""
    return Databases(postgres, template_database, database_numbers)


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """Return the owner's URL of a fresh database with the pipeline's schema, for one test."""
    name = databases.borrow()
    try:
        yield databases.url(name)
    finally:
        databases.give_back(name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Return the endpoint of a whole embedded pipeline, one for all tests: each makes its own organizations."""
    log = tmp_path_factory.mktemp("stack") / "pipeline.log"
    child = Child.start("loadtests.pipeline", name="pipeline", log=log, hello=StackSettings().to_json())
    try:
        yield Endpoint.from_json(child.wait_for("ready", 60)["endpoint"])
    finally:
        child.stop()
