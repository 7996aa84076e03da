"""A database of our own on somebody else's PostgreSQL server."""

import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from loadtests.pipeline.external_server import (
    ExternalServerError,
    ServerFacts,
    _drop,
    check_roles,
    check_server,
    lacks,
    own_database,
    place,
    sweep,
    with_database,
)
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.stack import running_database


def facts(**changes: object) -> ServerFacts:
    """Return what a good server says, with `changes`."""
    good: dict[str, object] = {
        "account": "owner",
        "version": 17,
        "wal_level": "logical",
        "free_slots": 1,
        "may_replicate": True,
        "may_create_databases": True,
        "may_have_roles": True,
    }
    return ServerFacts(**{**good, **changes})  # type: ignore[arg-type]  # literals of the right types


def databases(postgres: PostgresServer) -> list[str]:
    """Return the names of the databases that pipelines made on the server."""
    with psycopg.connect(postgres.url()) as connection:
        rows = connection.execute("select datname from pg_database where starts_with(datname, 'push_pipeline_')")
        return [name for (name,) in rows]


@pytest.fixture
def ordinary_url(postgres: PostgresServer, template_database: str) -> Iterator[str]:
    """Return the URL of an account with the rights that are asked for, and no more."""
    assert template_database  # with it, the server has the API roles
    with psycopg.connect(postgres.url(), autocommit=True) as owner:
        owner.execute("create role ordinary login password 'pw' replication createdb createrole bypassrls")
        owner.execute("grant anon, authenticated, service_role to ordinary")
        yield postgres.url().replace(f"postgres:{postgres._password}", "ordinary:pw")
        owner.execute("drop owned by ordinary")
        owner.execute("drop role ordinary")


def test_a_good_server_lacks_nothing() -> None:
    """The requirements can be met."""
    assert lacks(facts()) == []


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"version": 13}, "14 or newer"),
        ({"wal_level": "replica"}, "alter system set wal_level = logical"),
        ({"free_slots": 0}, "raise max_replication_slots"),
        ({"may_replicate": False}, 'alter role "owner" replication'),
        ({"may_create_databases": False}, 'alter role "owner" createdb'),
        ({"may_have_roles": False}, 'alter role "owner" createrole bypassrls'),
    ],
)
def test_each_lack_comes_with_its_remedy(change: dict[str, object], remedy: str) -> None:
    """One thing missing is one reason, which says what to do."""
    (reason,) = lacks(facts(**change))

    assert remedy in reason


def test_an_address_is_shown_without_its_password() -> None:
    """Errors and logs name the server, never the secret."""
    assert place("postgresql://owner:secret@db.example:6000/app") == "db.example:6000"
    assert place("postgresql:///app") == "localhost:5432"


def test_the_database_of_a_url_is_exchanged() -> None:
    """All else stays, options included."""
    assert with_database("postgresql://u:p@h:1/app?sslmode=require", "x") == "postgresql://u:p@h:1/x?sslmode=require"


def test_an_address_that_is_no_url_is_refused() -> None:
    """Key-value strings are understood by one of our two drivers only."""
    with pytest.raises(ExternalServerError, match="postgresql://user"):
        check_server("host=localhost")


@pytest.mark.e2e
def test_a_server_that_does_not_answer_is_named() -> None:
    """The address is in the error, the password is not."""
    with pytest.raises(ExternalServerError, match=r"127\.0\.0\.1:1:") as refusal:
        check_server("postgresql://owner:secret@127.0.0.1:1/app")
    assert "secret" not in str(refusal.value)


def test_the_database_is_there_and_then_gone(postgres: PostgresServer) -> None:
    """Even when somebody is still connected to it at the end."""
    with own_database(postgres.url()) as url:
        lingering = psycopg.connect(url)
        row = lingering.execute("select current_database()").fetchone()
        lingering.rollback()

        assert row is not None
        assert databases(postgres) == [row[0]]
    assert databases(postgres) == []
    lingering.close()


def test_an_orphaned_database_is_swept_and_a_live_one_is_not(postgres: PostgresServer) -> None:
    """A pipeline that was killed cannot drop its database: the next one does."""
    with psycopg.connect(postgres.url(), autocommit=True) as owner, own_database(postgres.url()):
        (live,) = databases(postgres)
        owner.execute("create database push_pipeline_orphan")
        owner.execute(
            "comment on database push_pipeline_orphan is 'temporary database of a push pipeline; "
            "dropped by the next one when nobody is connected to it'"
        )
        owner.execute("create database push_pipeline_foreign")

        assert sweep(owner) == ["push_pipeline_orphan"]
        assert sorted(databases(postgres)) == sorted([live, "push_pipeline_foreign"])
        owner.execute("drop database push_pipeline_foreign")


def test_a_database_that_cannot_be_dropped_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """The pipeline ends all the same, and says what it left behind."""
    with caplog.at_level(logging.ERROR):
        _drop("postgresql://owner@127.0.0.1:1/app", "push_pipeline_x")

    assert "could not drop database push_pipeline_x on 127.0.0.1:1" in caplog.text


def test_an_ordinary_account_with_the_rights_suffices(ordinary_url: str) -> None:
    """No superuser is needed: the schema goes in, and the account can act as the API roles."""
    with running_database(ordinary_url, Path("/nonexistent")) as database, psycopg.connect(database.url) as connection:
        row = connection.execute("select count(*) from public.realtime_events").fetchone()

    assert row == (0,)
    assert database.server is None


def test_an_account_that_cannot_act_as_the_roles_is_told_so(postgres: PostgresServer, template_database: str) -> None:
    """Row-level security is checked as those roles."""
    with psycopg.connect(postgres.url(), autocommit=True) as owner:
        owner.execute("create role stranger login password 'pw'")
        url = postgres.url(template_database).replace(f"postgres:{postgres._password}", "stranger:pw")
        try:
            with pytest.raises(ExternalServerError, match=r'grant anon, authenticated, service_role to "stranger"'):
                check_roles(url)
        finally:
            owner.execute("drop role stranger")
