"""Tables for one caller: a transaction in their role, with their claims, in which one statement is run.

Knows SQL's roles and errors; nothing of HTTP but the caller's token and the status of an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from loadtests.pipeline.api.database import UNAVAILABLE, Connection, Pool
from loadtests.pipeline.gateway.callers import Bearer, BearerRefused, read_bearer
from loadtests.pipeline.gateway.rest.catalog import Table, find_table
from loadtests.pipeline.gateway.rest.errors import RestRefusal, status_of, unknown_table
from loadtests.pipeline.gateway.rest.statements import Statement

ROLES: Final = frozenset({"anon", "authenticated", "service_role"})
_ANON: Final = Bearer({"role": "anon"})
_ACT_AS: Final = "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)"
_ONLY_READ: Final = "set transaction read only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a statement answered."""

    body: bytes
    """The rows as a JSON array."""
    rows: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of one project."""

    pool: Pool
    secret: str
    max_rows: int
    wall_s: Callable[[], float]
    """Unix time in seconds."""

    def caller(self, token: str | None) -> Bearer:
        """Return who asks; without a token they are `anon`.

        Raises:
            RestRefusal: 401, the token proves nothing; 403, it names a role that is not for callers.

        """
        if token is None:
            return _ANON
        try:
            bearer = read_bearer(token, self.secret, self.wall_s())
        except BearerRefused as refused:
            if refused.has_expired:
                raise RestRefusal(401, "PGRST303", "JWT expired") from refused
            raise RestRefusal(401, "PGRST301", "No suitable key or wrong key type", refused.text) from refused
        if bearer.role not in ROLES:
            raise RestRefusal(403, "42501", f'permission denied to set role "{bearer.role}"')
        return bearer

    async def run(
        self,
        caller: Bearer,
        table_name: str,
        make_statement: Callable[[Table], Statement],
        *,
        only_reads: bool,
        check: Callable[[Outcome], None],
    ) -> Outcome:
        """Run the statement that is made for the table; what `check` refuses is taken back.

        Raises:
            RestRefusal: there is no such table, the database refuses, or `check` does.

        """
        try:
            async with self.pool.acquire() as connection:
                table = await find_table(connection, table_name)
                if table is None:
                    raise unknown_table(table_name)
                statement = make_statement(table)
                async with connection.transaction():
                    if only_reads:
                        await connection.execute(_ONLY_READ)
                    await connection.execute(_ACT_AS, caller.role, caller.text)
                    outcome = await _outcome(connection, statement)
                    check(outcome)
                    return outcome
        except asyncpg.PostgresError as error:
            raise _refusal(error, is_anonymous=caller.role == "anon") from error
        except UNAVAILABLE as error:
            raise RestRefusal(503, "PGRST000", f"Could not connect with the database: {error}") from error


async def _outcome(connection: Connection, statement: Statement) -> Outcome:
    row = await connection.fetchrow(statement.sql, *statement.arguments)
    assert row is not None, "an aggregate has a row"
    return Outcome(body=row["body"].encode(), rows=row["rows"], total=row["total"])


def _refusal(error: asyncpg.PostgresError, *, is_anonymous: bool) -> RestRefusal:
    code = error.sqlstate or "XX000"
    return RestRefusal(
        status_of(code, is_anonymous=is_anonymous),
        code,
        getattr(error, "message", None) or str(error),
        getattr(error, "detail", None),
        getattr(error, "hint", None),
    )
