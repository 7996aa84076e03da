"""Fill a target's database with a run's organizations, users and jobs, through its owner's connection.

Set-based and by COPY: ten thousand users take a second. Everything carries identifiers made from the run id.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel

_CLIENT_TYPES = ("residential", "commercial", "industrial", "government", "mixed")
_JOB_TYPES = (
    "repair",
    "maintenance",
    "installation",
    "inspection",
    "renovation",
    "new_construction",
    "remodel",
    "other",
)


def provision(database_url: str, population: Population) -> None:
    """Create organizations, their members and the jobs that exist before the start, in one transaction."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        _copy(cursor, "public.organizations", ("id", "name"), _organizations(population))
        _copy(
            cursor, "auth.users", ("id", "email"), ((user, f"{user}@example.org") for user, _, _ in _users(population))
        )
        _copy(
            cursor,
            "public.users",
            ("id", "email", "organization_id", "role"),
            ((user, f"{user}@example.org", home, role) for user, home, role in _users(population)),
        )
        _copy(
            cursor,
            "public.organization_members",
            ("user_id", "organization_id", "role"),
            (*_users(population), *_guests(population)),
        )
        _copy(cursor, "public.jobs", _JOB_COLUMNS, _jobs(population))
        if population.scenario.target.push_notifications:
            _copy(cursor, "public.device_tokens", ("token", "user_id", "platform"), _phones(population))
    # Without fresh statistics the first queries of a run are planned for empty tables.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("analyze")


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)


def _organizations(population: Population) -> Iterable[Sequence[object]]:
    for index in range(population.organizations):
        yield population.organization_id(index), f"Organization {index}"


def _users(population: Population) -> Iterable[tuple[str, str, str]]:
    """Yield user, organization and role of everybody."""
    for index in range(population.organizations):
        # An owner, because the jobs API lets mere members flag nothing.
        yield population.author_id(index), population.organization_id(index), "owner"
    for device in population.devices:
        yield device.user_id, population.organization_id(device.organization), "member"
    for control in population.controls:
        yield control.user_id, population.organization_id(control.organization), "member"


def _guests(population: Population) -> Iterable[tuple[str, str, str]]:
    """Yield user, organization and role of those who will switch to another organization."""
    for device in population.subscribers:
        if device.other_organization is not None:
            yield device.user_id, population.organization_id(device.other_organization), "member"


def _phones(population: Population) -> Iterable[Sequence[object]]:
    """Yield the device of each iOS subscriber, as the app would register it."""
    for device in population.subscribers:
        if device.model is DeviceModel.IOS:
            yield UUID(device.user_id).hex * 2, device.user_id, "ios"


_JOB_COLUMNS = (
    "id", "organization_id", "created_by", "title", "client_name", "client_type", "job_type", "location",
    "created_at", "updated_at",
)  # fmt: skip


def _jobs(population: Population) -> Iterable[Sequence[object]]:
    jobs = population.scenario.organizations.jobs
    newest = datetime.now(UTC) - timedelta(hours=1)
    for index in range(population.organizations):
        for ordinal in range(jobs):
            # A minute apart, so that "newest first" has one answer.
            created_at = newest - timedelta(minutes=jobs - ordinal)
            yield (
                population.job_id(index, ordinal),
                population.organization_id(index),
                population.author_id(index),
                f"Job {ordinal}",
                f"Client {ordinal}",
                _CLIENT_TYPES[ordinal % len(_CLIENT_TYPES)],
                _JOB_TYPES[ordinal % len(_JOB_TYPES)],
                f"{ordinal} Main Street",
                created_at,
                created_at,
            )
