"""A database of our own on a PostgreSQL server that is not ours: checked first, dropped afterwards.

Touches nothing on that server but databases that it made itself and the three API roles, which belong to the
whole server and therefore stay.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from loadtests.pipeline.binaries import MINIMUM_VERSION

PREFIX = "push_pipeline_"
API_ROLES = ("anon", "authenticated", "service_role")
_MARK = "temporary database of a push pipeline; dropped by the next one when nobody is connected to it"
_CONNECT_TIMEOUT_S = 10
_log = logging.getLogger(__name__)

_FACTS: LiteralString = """
select current_user::text as account,
       current_setting('server_version_num')::int / 10000 as version,
       current_setting('wal_level') as wal_level,
       (current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots))::int as free_slots,
       rolsuper or rolreplication as may_replicate,
       rolsuper or rolcreatedb as may_create_databases,
       rolsuper or (rolcreaterole and rolbypassrls)
           or (select count(*) = 3 from pg_roles where rolname in ('anon', 'authenticated', 'service_role'))
           as may_have_roles
from pg_roles where rolname = current_user
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What decides whether a server can carry a pipeline; the rights are those of the account that we were given."""

    account: str
    version: int
    wal_level: str
    free_slots: int
    may_replicate: bool
    may_create_databases: bool
    may_have_roles: bool
    """The API roles exist, or may be created."""


class ExternalServerError(RuntimeError):
    """The server cannot carry a pipeline. The text says what it lacks and how to give it that."""


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """Make an empty database on the server and yield its URL; drop it at the end.

    Raises:
        ExternalServerError: the server is out of reach or lacks what the pipeline needs.

    """
    check_server(server_url)
    name = f"{PREFIX}{secrets.token_hex(6)}"
    url = with_database(server_url, name)
    with _connect(server_url) as owner:
        sweep(owner)
        # Not `template1`, which cannot be copied while anybody is connected to it.
        owner.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    try:
        with _connect(url) as presence:
            # The mark comes after the connection that says that we live: no sweep ever sees one without the other.
            presence.execute(sql.SQL("comment on database {} is {}").format(sql.Identifier(name), sql.Literal(_MARK)))
            yield url
    finally:
        _drop(server_url, name)


def check_server(server_url: str) -> None:
    """Make sure that the server can carry a pipeline.

    Raises:
        ExternalServerError: it cannot.

    """
    if not server_url.startswith(("postgresql://", "postgres://")):
        raise ExternalServerError("the database's address must be a URL: postgresql://user:password@host:port/database")
    with _connect(server_url) as owner, owner.cursor(row_factory=class_row(ServerFacts)) as cursor:
        facts = cursor.execute(_FACTS).fetchone()
    assert facts is not None
    for lack in lacks(facts):
        raise ExternalServerError(f"the server at {place(server_url)} {lack}")
    _check_replication(server_url)


def lacks(facts: ServerFacts) -> list[str]:
    """Return what the pipeline needs and the server does not have, each with the remedy."""
    account = facts.account
    requirements = {
        f"is PostgreSQL {facts.version}: {MINIMUM_VERSION} or newer is needed": facts.version >= MINIMUM_VERSION,
        f"has wal_level = {facts.wal_level}, and changes are read by logical decoding: "
        "alter system set wal_level = logical, then restart the server": facts.wal_level == "logical",
        "has no free replication slot: raise max_replication_slots, or drop a slot that nobody uses": (
            facts.free_slots > 0
        ),
        f'does not let "{account}" replicate: alter role "{account}" replication': facts.may_replicate,
        f'does not let "{account}" create databases: alter role "{account}" createdb': facts.may_create_databases,
        f'lacks the roles {", ".join(API_ROLES)}, and "{account}" may not create them: '
        f'alter role "{account}" createrole bypassrls': facts.may_have_roles,
    }
    return [lack for lack, met in requirements.items() if not met]


def check_roles(database_url: str) -> None:
    """Make sure that our account can act as the API roles, as whoever checks row-level security must.

    Raises:
        ExternalServerError: it cannot.

    """
    with _connect(database_url) as owner:
        try:
            for role in API_ROLES:
                owner.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
                owner.execute("reset role")
        except psycopg.errors.InsufficientPrivilege as refusal:
            account = owner.info.user
            raise ExternalServerError(
                f'the server at {place(database_url)} does not let "{account}" act as the API roles: '
                f'grant {", ".join(API_ROLES)} to "{account}"'
            ) from refusal


def sweep(owner: psycopg.Connection) -> list[str]:
    """Drop the databases that bear our mark and to which nobody is connected; return their names."""
    rows = owner.execute(
        """
        select datname from pg_database d
        where starts_with(datname, %s) and shobj_description(d.oid, 'pg_database') = %s
          and pg_has_role(datdba, 'usage')
          and not exists (select from pg_stat_activity a where a.datid = d.oid)
        """,
        (PREFIX, _MARK),
    ).fetchall()
    for (name,) in rows:
        try:
            owner.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))
        except psycopg.errors.ObjectInUse:
            continue  # somebody connected just now
        _log.warning("dropped database %s, which an earlier pipeline left behind", name)
    return [name for (name,) in rows]


def with_database(url: str, name: str) -> str:
    """Return `url` with another database's name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def place(url: str) -> str:
    """Return the part of `url` that may be shown: host and port, without any password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}"


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S)
    except psycopg.OperationalError as error:
        raise ExternalServerError(f"cannot connect to the server at {place(url)}: {str(error).strip()}") from error


def _check_replication(url: str) -> None:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, replication="database") as feed:
            feed.execute("IDENTIFY_SYSTEM")
    except psycopg.Error as error:
        raise ExternalServerError(
            f"the server at {place(url)} refuses a replication connection; behind a connection pooler, "
            f"give its direct address instead: {str(error).strip()}"
        ) from error


def _drop(server_url: str, name: str) -> None:
    try:
        with _connect(server_url) as owner:
            owner.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    except (ExternalServerError, psycopg.Error):
        # The pipeline has ended already: what is left to do is to say so. The next one's sweep tries again.
        _log.exception("could not drop database %s on %s", name, place(server_url))
