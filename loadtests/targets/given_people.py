"""People and tokens from a CSV file, for those who may not make any; and the jobs that a run needs before its start.

Tokens go to the drivers through pipes and into no file.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from loadtests.checks.readiness import refusal
from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.targets.answers import answered, read_json, unanswered
from loadtests.targets.residents import CLIENT_TYPES, JOB_TYPES
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import TargetFileError
from loadtests.wire.identifiers import text_of
from loadtests.wire.routes import CONTRACT, PLAIN, Routes

_COLUMNS: Final = ("user_id", "organization_id", "access_token")
_REFRESH: Final = "refresh_token"
_AUTHOR: Final = "author"
_WHAT: Final = "a job that the run needs before its start"
_TIMEOUT_S: Final = 10.0
_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPeople:
    """Who is in the file: identifiers, and what signs them in. It holds secrets."""

    organizations: tuple[str, ...]
    authors: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    tokens: Mapping[str, str] = field(repr=False)
    refresh_tokens: Mapping[str, str] = field(repr=False)
    """Of those whose line has one."""


def read_people(path: Path) -> GivenPeople:
    """Read people from a CSV file with a head; an organization's author is who says so, or else its first person.

    Raises:
        TargetFileError: the file cannot be read, lacks a column or a value, or has nobody in it.

    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise TargetFileError(f"auth.csv: {path} cannot be read: {error}") from error
    if not rows:
        raise TargetFileError(f"auth.csv: {path} has nobody in it: a head {','.join(_COLUMNS)}, then one line a person")
    for number, row in enumerate(rows, start=2):
        missing = [column for column in _COLUMNS if not (row.get(column) or "").strip()]
        if missing:
            raise TargetFileError(f"auth.csv: {path}, line {number}: {' and '.join(missing)} missing")
    homes = tuple(dict.fromkeys(row["organization_id"].strip() for row in rows))
    people = {home: [row for row in rows if row["organization_id"].strip() == home] for home in homes}
    authors = tuple(_author(people[home]) for home in homes)
    return GivenPeople(
        organizations=homes,
        authors=authors,
        members=tuple(
            tuple(row["user_id"].strip() for row in people[home] if row["user_id"].strip() != author) or (author,)
            for home, author in zip(homes, authors, strict=True)
        ),
        tokens={row["user_id"].strip(): row["access_token"].strip() for row in rows},
        refresh_tokens={row["user_id"].strip(): token for row in rows if (token := (row.get(_REFRESH) or "").strip())},
    )


def _author(rows: list[dict[str, str]]) -> str:
    marked = [row for row in rows if (row.get("role") or "").strip() == _AUTHOR]
    return (marked or rows)[0]["user_id"].strip()


def who_plays(people: GivenPeople, scenario: Scenario) -> Given:
    """Return who plays the scenario, before there are any jobs.

    Raises:
        TargetError: the file has fewer organizations than the scenario.

    """
    wanted = scenario.organizations.count
    if len(people.organizations) < wanted:
        raise TargetError(
            f"the scenario has {wanted} organizations and the CSV file people of {len(people.organizations)}: add "
            f"people, or --set organizations.count={len(people.organizations)}"
        )
    return Given(
        organizations=people.organizations[:wanted],
        authors=people.authors[:wanted],
        members=people.members[:wanted],
    )


def with_jobs(
    given: Given,
    scenario: Scenario,
    *,
    tokens: Mapping[str, str],
    api_url: str,
    routes: Routes = PLAIN,
    verify: Any = True,
) -> Given:
    """Return the same people with the jobs that a scenario needs before its start, after making them.

    Raises:
        TargetError: the jobs API refused a job.

    """
    timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S)
    ordinals = range(scenario.organizations.jobs)
    with httpx.Client(trust_env=False, base_url=api_url, timeout=timeout, verify=verify) as client:
        jobs = tuple(
            tuple(_make_job(client, routes, tokens[author], ordinal) for ordinal in ordinals)
            for author in given.authors
        )
    return replace(given, jobs=jobs)


def _make_job(client: httpx.Client, routes: Routes, token: str, ordinal: int) -> str:
    body = {
        "client_name": f"Client {ordinal}",
        "client_type": CLIENT_TYPES[ordinal % len(CLIENT_TYPES)],
        "job_type": JOB_TYPES[ordinal % len(JOB_TYPES)],
        "location": f"{ordinal} Main Street",
    }
    path = routes.path(CONTRACT["jobs"])
    url = f"{str(client.base_url).rstrip('/')}{path}"
    try:
        headers = {"authorization": f"Bearer {token}"}
        answer = client.post(path, json=routes.body(body), headers=headers)
    except httpx.HTTPError as error:
        raise TargetError(refusal(_WHAT, unanswered(url, error))) from error
    told = answered(url, answer)
    made = read_json(routes.answer(answer.content))
    made = made.get("data", made) if isinstance(made, dict) else None
    job = text_of(made.get("id")) if isinstance(made, dict) else None
    if not told.is_ok or job is None:
        raise TargetError(refusal(_WHAT, told))
    return job
