"""Fill a Supabase project with a run's people and rows through its own doors, by the official client; and empty it.

For those who have a service key and no database connection. Slower than SQL by orders of magnitude: one request for
each account, one for a hundred rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from secrets import token_urlsafe
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from httpx import Client as HttpClient
from httpx import HTTPError, Timeout
from postgrest import CountMethod
from postgrest.exceptions import APIError
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthError

from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.provision import OF_ORGANIZATION
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import Provision
from loadtests.wire.tls import client_context, explain, is_unreachable

_ROWS_AT_ONCE: Final = 100
_TIMEOUT_S: Final = 30.0
"""Of one request: a cold project takes its time."""
_CONNECT_S: Final = 5.0
"""A host that is not there is told of soon."""
_IDS_AT_ONCE: Final = 50
"""Identifiers in one URL."""
_ACCOUNTS_AT_ONCE: Final = 8
_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")
_UNKNOWN_TABLE: Final = "PGRST205"


@dataclass(frozen=True, slots=True)
class Project:
    """A Supabase project that is filled and emptied with its service key."""

    url: str
    service_key: str
    ca_file: str = ""

    def fill(self, population: Population, wanted: Provision, passwords: Mapping[str, str]) -> None:
        """Make accounts with these passwords, then all rows.

        Raises:
            TargetError: the project refused; the text says what.

        """
        client = self._client(self.service_key)
        everybody = tuple(residents.people(population))
        with _explained("organizations, users and jobs could not be made", self.url):
            _insert(client, "organizations", residents.organizations(population))
            _each(everybody, lambda person: _make_account(client, person, passwords[person.user_id], population))
            _insert(client, "users", residents.users(population))
            _insert(client, "organization_members", residents.members(population))
            for row in wanted.each_organization:
                ids = (population.organization_id(index) for index in range(population.organizations))
                _insert(client, row.table, (residents.filled(row, organization=each) for each in ids))
            for row in wanted.each_user:
                _insert(
                    client,
                    row.table,
                    (residents.filled(row, organization=each.home, user=each.user_id) for each in everybody),
                )
            _insert(client, "jobs", residents.jobs(population, datetime.now(UTC) - timedelta(hours=1)))

    def empty(self, population: Population, wanted: Provision) -> None:
        """Remove everything that a run made or caused, whether or not all of it is there."""
        client = self._client(self.service_key)
        organizations = list(population.organization_indices)
        users = [each.user_id for each in residents.people(population)]
        with _explained("what the run made could not be removed", self.url):
            for table, column, values in residents.extras(population, wanted):
                _delete(client, table, column, values)
            for table in OF_ORGANIZATION:
                _delete(client, table, "organization_id", organizations)
            _delete(client, "users", "id", users)
            _each(users, lambda user: _remove_account(client, user))
            _delete(client, "organizations", "id", organizations)

    def residue(self, population: Population, wanted: Provision) -> dict[str, int]:
        """Return how many rows of a run each table still holds, without those that hold none."""
        client = self._client(self.service_key)
        organizations = list(population.organization_indices)
        with _explained("what is left of the run could not be counted", self.url):
            left = {table: _count(client, table, "organization_id", organizations) for table in OF_ORGANIZATION}
            left["organizations"] = _count(client, "organizations", "id", organizations)
            users = [each.user_id for each in residents.people(population)]
            left["users"] = _count(client, "users", "id", users)
            left["accounts"] = sum(_each(users, lambda user: _has_account(client, user)))
            for table, column, values in residents.extras(population, wanted):
                left[table] = max(_count(client, table, column, values), left.get(table, 0))
        return {table: count for table, count in left.items() if count}

    def _client(self, key: str) -> Client:
        http = HttpClient(verify=client_context(self.ca_file), timeout=Timeout(_TIMEOUT_S, connect=_CONNECT_S))
        return create_client(self.url, key, ClientOptions(httpx_client=http))


def _each(of: Iterable[_Asked], do: Callable[[_Asked], _Answer]) -> list[_Answer]:
    """Do something for everybody, some at a time."""
    with ThreadPoolExecutor(_ACCOUNTS_AT_ONCE) as pool:
        return list(pool.map(do, of))


def new_passwords(population: Population) -> dict[str, str]:
    """Return a password for everybody, which nobody keeps."""
    return {each.user_id: token_urlsafe(24) for each in residents.people(population)}


class _explained:  # noqa: N801 - reads as a statement
    """Turn what the official client raises into one sentence."""

    def __init__(self, what: str, url: str) -> None:
        self._what = what
        self._host = urlsplit(url).netloc

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Say what was refused, and by whom."""
        if error is not None and is_unreachable(error):
            raise TargetError(f"{self._what}: {explain(error, self._host)}") from error
        if isinstance(error, APIError):
            raise TargetError(f"{self._what}: the tables' API says {error.code}: {error.message}") from error
        if isinstance(error, AuthError):
            raise TargetError(f"{self._what}: the accounts' API says {error.message}") from error
        if isinstance(error, HTTPError):
            raise TargetError(f"{self._what}: {str(error) or type(error).__name__}") from error


def _make_account(client: Client, person: residents.Person, password: str, population: Population) -> None:
    client.auth.admin.create_user(
        {
            "id": person.user_id,
            "email": person.email,
            "password": password,
            "email_confirm": True,
            "app_metadata": {"load_test": population.run_id},
        }
    )


def _remove_account(client: Client, user: str) -> None:
    try:
        client.auth.admin.delete_user(user)
    except AuthError as error:
        if getattr(error, "status", None) != 404:  # it was never made, or is gone already
            raise


def _has_account(client: Client, user: str) -> bool:
    try:
        client.auth.admin.get_user_by_id(user)
    except AuthError as error:
        if getattr(error, "status", None) != 404:
            raise
        return False
    return True


def _insert(client: Client, table: str, rows: Iterable[residents.Values]) -> None:
    for some in _chunks(rows, _ROWS_AT_ONCE):
        client.table(table).insert(some).execute()


def _delete(client: Client, table: str, column: str, ids: list[str]) -> None:
    for some in _chunks(ids, _IDS_AT_ONCE):
        try:
            client.table(table).delete().in_(column, some).execute()
        except APIError as error:
            if error.code != _UNKNOWN_TABLE:
                raise


def _count(client: Client, table: str, column: str, ids: list[str]) -> int:
    total = 0
    for some in _chunks(ids, _IDS_AT_ONCE):
        try:
            answer = client.table(table).select(column, count=CountMethod.exact).in_(column, some).limit(1).execute()
        except APIError as error:
            if error.code != _UNKNOWN_TABLE:
                raise
            return 0
        total += answer.count or 0
    return total


def _chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while some := list(islice(remaining, size)):
        yield some
