"""Fill a target's database with a run's organizations, users and jobs, and empty it of them, by its owner's connection.

Set-based and by COPY: ten thousand users take a second. Everything carries identifiers made from the run id.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.targets import residents
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import Provision

OF_ORGANIZATION = (
    "realtime_events",
    "documents",
    "audit_logs",
    "jobs",
    "organization_members",
    "org_subscriptions",
)
"""Tables whose rows go with their organization, leaves first; one that a target does not have is left out."""

_CONNECT_WITHIN_S = 5
"""A host that swallows packets would be waited for by the kernel, for minutes."""
_INVALID_TEXT = "22P02"
"""PostgreSQL's code for text that is no value of a type."""


def reach(database_url: str) -> None:
    """Make sure that the database answers, before anything is made that would have to be removed.

    Raises:
        TargetError: it does not; the text names its host, and no password.

    """
    try:
        psycopg.connect(database_url, connect_timeout=_CONNECT_WITHIN_S).close()
    except psycopg.OperationalError as error:
        named = conninfo_to_dict(database_url)
        where = f"{named.get('host') or 'the default host'}:{named.get('port') or 5432}"
        raise TargetError(
            f"the database at {where} cannot be reached: {' '.join(str(error).split())}; check keys.database, and "
            "whether a firewall lies between"
        ) from error


def provision(database_url: str, population: Population, wanted: Provision | None = None) -> None:
    """Create organizations, their members and the jobs that exist before the start, in one transaction."""
    with psycopg.connect(database_url, connect_timeout=_CONNECT_WITHIN_S) as connection, connection.cursor() as cursor:
        _copy(cursor, "public.organizations", residents.organizations(population))
        everybody = tuple(residents.people(population))
        _copy(cursor, "auth.users", ({"id": each.user_id, "email": each.email} for each in everybody))
        _copy(cursor, "public.users", residents.users(population))
        _copy(cursor, "public.organization_members", residents.members(population))
        for row in wanted.each_organization if wanted else ():
            organizations = (population.organization_id(index) for index in range(population.organizations))
            _copy(cursor, f"public.{row.table}", (residents.filled(row, organization=each) for each in organizations))
        for row in wanted.each_user if wanted else ():
            rows = (residents.filled(row, organization=each.home, user=each.user_id) for each in everybody)
            _copy(cursor, f"public.{row.table}", rows)
        _copy(cursor, "public.jobs", residents.jobs(population, datetime.now(UTC) - timedelta(hours=1)))
        if population.scenario.target.push_notifications:
            _copy(cursor, "public.device_tokens", _phones(population))
    # Without fresh statistics the first queries of a run are planned for empty tables.
    with psycopg.connect(database_url, connect_timeout=_CONNECT_WITHIN_S, autocommit=True) as connection:
        connection.execute("analyze")


def where_ids_are_numbers(sqlstate: str | None) -> str:
    """Return what helps where a table refused a UUID as no value of its column's type, else nothing."""
    if sqlstate != _INVALID_TEXT:
        return ""
    return (
        "; ids of what a run makes are UUIDs. Where jobs have numbers, let it make none (--set organizations.jobs=0), "
        'or give people with auth.users = "csv": their jobs are made by the jobs API'
    )


def remove(database_url: str, population: Population, wanted: Provision | None = None) -> None:
    """Remove everything that a run made or caused, whether or not all of it is there."""
    organizations = list(map(UUID, population.organization_indices))
    users = [UUID(each.user_id) for each in residents.people(population)]
    with psycopg.connect(database_url, connect_timeout=_CONNECT_WITHIN_S) as connection:
        for table, column, values in _existing_extras(connection, population, wanted):
            query = sql.SQL("delete from public.{} where {}::text = any(%s)")
            connection.execute(query.format(sql.Identifier(table), sql.Identifier(column)), (values,))
        for table in _existing(connection, OF_ORGANIZATION):
            connection.execute(
                sql.SQL("delete from public.{} where organization_id = any(%s)").format(sql.Identifier(table)),
                (organizations,),
            )
        connection.execute("delete from public.users where id = any(%s)", (users,))
        connection.execute("delete from auth.users where id = any(%s)", (users,))
        connection.execute("delete from public.organizations where id = any(%s)", (organizations,))


def residue(database_url: str, population: Population, wanted: Provision | None = None) -> dict[str, int]:
    """Return how many rows of a run each table still holds, without those that hold none."""
    organizations = list(map(UUID, population.organization_indices))
    users = [UUID(each.user_id) for each in residents.people(population)]
    left: dict[str, int] = {}
    with psycopg.connect(database_url, connect_timeout=_CONNECT_WITHIN_S) as connection:
        for table in _existing(connection, OF_ORGANIZATION):
            query = sql.SQL("select count(*) from public.{} where organization_id = any(%s)")
            left[table] = _count(connection.execute(query.format(sql.Identifier(table)), (organizations,)))
        for table, column, values in _existing_extras(connection, population, wanted):
            query = sql.SQL("select count(*) from public.{} where {}::text = any(%s)")
            found = connection.execute(query.format(sql.Identifier(table), sql.Identifier(column)), (values,))
            left[table] = max(_count(found), left.get(table, 0))
        for table, column, ids in (
            ("public.users", "id", users),
            ("auth.users", "id", users),
            ("public.organizations", "id", organizations),
        ):
            query = sql.SQL("select count(*) from {} where {} = any(%s)")
            name = sql.Identifier(*table.split("."))
            left[table] = _count(connection.execute(query.format(name, sql.Identifier(column)), (ids,)))
    return {table: count for table, count in left.items() if count}


def _count(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _existing(connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[str]:
    query = "select table_name from information_schema.columns where table_schema = 'public' and column_name = %s"
    known = {str(row[0]) for row in connection.execute(query, ("organization_id",))}
    return [table for table in tables if table in known]


def _existing_extras(
    connection: psycopg.Connection[Any], population: Population, wanted: Provision | None
) -> list[tuple[str, str, list[str]]]:
    query = "select table_name, column_name from information_schema.columns where table_schema = 'public'"
    known = {(str(row[0]), str(row[1])) for row in connection.execute(query)}
    return [each for each in residents.extras(population, wanted or Provision()) if each[:2] in known]


def _copy(cursor: psycopg.Cursor[Any], table: str, rows: Iterable[residents.Values]) -> None:
    """Write rows that all have the columns of the first."""
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return
    name = sql.Identifier(*table.split("."))
    columns = sql.SQL(", ").join(map(sql.Identifier, first))
    with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(name, columns)) as copy:
        copy.write_row(tuple(first.values()))
        for row in remaining:
            copy.write_row(tuple(row.values()))


def _phones(population: Population) -> Iterable[residents.Values]:
    """Yield the device of each iOS subscriber, as the app would register it."""
    for device in population.subscribers:
        if device.model is DeviceModel.IOS:
            yield {"token": UUID(device.user_id).hex * 2, "user_id": device.user_id, "platform": "ios"}
