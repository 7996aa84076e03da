"""What a run puts into a target before it starts: rows of organizations, users, members and jobs. Pure.

Everything carries identifiers made from the run id, so that it can be told from everything else, and be removed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from loadtests.scenario.population import Population
from loadtests.targets.target_file import Provision, Row

Values = dict[str, Any]
CLIENT_TYPES: Final = ("residential", "commercial", "industrial", "government", "mixed")
JOB_TYPES: Final = (
    "repair",
    "maintenance",
    "installation",
    "inspection",
    "renovation",
    "new_construction",
    "remodel",
    "other",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user, and what they are in which organization."""

    user_id: str
    home: str
    role: str
    guest_in: str | None = None

    @property
    def email(self) -> str:
        """An address that nobody has."""
        return f"{self.user_id}@example.org"


def people(population: Population) -> Iterator[Person]:
    """Yield everybody: an author of each organization, and who has a device."""
    for index in range(population.organizations):
        # An owner, because the jobs API lets mere members flag nothing.
        yield Person(user_id=population.author_id(index), home=population.organization_id(index), role="owner")
    for device in population.devices:
        other = device.other_organization
        yield Person(
            user_id=device.user_id,
            home=population.organization_id(device.organization),
            role="member",
            guest_in=None if other is None else population.organization_id(other),
        )
    for control in population.controls if population.given is None else ():
        yield Person(user_id=control.user_id, home=population.organization_id(control.organization), role="member")


def organizations(population: Population) -> Iterator[Values]:
    """Yield the rows of `organizations`."""
    for index in range(population.organizations):
        yield {"id": population.organization_id(index), "name": f"Load test {population.run_id}, organization {index}"}


def users(population: Population) -> Iterator[Values]:
    """Yield the rows of `users`."""
    for person in people(population):
        yield {"id": person.user_id, "email": person.email, "organization_id": person.home, "role": person.role}


def members(population: Population) -> Iterator[Values]:
    """Yield the rows of `organization_members`."""
    for person in people(population):
        yield {"user_id": person.user_id, "organization_id": person.home, "role": person.role}
        if person.guest_in is not None:
            yield {"user_id": person.user_id, "organization_id": person.guest_in, "role": person.role}


def jobs(population: Population, newest: datetime) -> Iterator[Values]:
    """Yield the rows of `jobs`, a minute apart, so that "newest first" has one answer."""
    wanted = population.scenario.organizations.jobs
    for index in range(population.organizations):
        for ordinal in range(wanted):
            created_at = newest - timedelta(minutes=wanted - ordinal)
            yield {
                "id": population.job_id(index, ordinal),
                "organization_id": population.organization_id(index),
                "created_by": population.author_id(index),
                "title": f"Job {ordinal}",
                "client_name": f"Client {ordinal}",
                "client_type": CLIENT_TYPES[ordinal % len(CLIENT_TYPES)],
                "job_type": JOB_TYPES[ordinal % len(JOB_TYPES)],
                "location": f"{ordinal} Main Street",
                "created_at": created_at.isoformat(),
                "updated_at": created_at.isoformat(),
            }


def filled(row: Row, *, organization: str, user: str = "") -> Values:
    """Return the values of a row that an organization or a user needs, with its identifiers."""
    known: Mapping[str, str] = {"{organization}": organization, "{user}": user}

    def fill(value: str | float | bool) -> str | float | bool:  # noqa: FBT001 - a value of a table
        if isinstance(value, str):
            for placeholder, text in known.items():
                value = value.replace(placeholder, text)
        return value

    return {key: fill(value) for key, value in row.values.items()}


def extras(population: Population, wanted: Provision) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what else was made: a table, the column by which its rows are found again, and what stands there."""
    homes = [population.organization_id(index) for index in range(population.organizations)]
    for row in wanted.each_organization:
        yield row.table, row.mark, [filled(row, organization=home)[row.mark] for home in homes]
    for row in wanted.each_user:
        made = (filled(row, organization=each.home, user=each.user_id) for each in people(population))
        yield row.table, row.mark, list(dict.fromkeys(values[row.mark] for values in made))
