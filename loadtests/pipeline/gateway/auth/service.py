"""Accounts in the database: signing up, signing in, refreshing, signing out, and what administrators do.

Knows SQL and who may do what; nothing of HTTP. Everything is stored as the owner: row-level security is for tables.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from loadtests.pipeline.api.database import Connection, Pool, Row
from loadtests.pipeline.gateway.auth.errors import AuthRefusal, invalid_credentials, validation_failed, weak_password
from loadtests.pipeline.gateway.auth.passwords import LEAST_LENGTH, hash_password, is_password
from loadtests.pipeline.gateway.auth.shapes import USER_COLUMNS, session_json, user_json
from loadtests.pipeline.gateway.callers import Bearer, BearerRefused, read_bearer

_REUSE_INTERVAL_S: Final = 10
"""A refresh token that is shown again this soon is no theft: two tabs may refresh at once."""

_INSERT: Final = f"""
insert into auth.users (id, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, role)
values (
    coalesce($1::text::uuid, gen_random_uuid()), $2, $3, case when $4 then now() end,
    $5::text::jsonb, $6::text::jsonb, $7
)
returning {USER_COLUMNS}
"""  # noqa: S608 - constants
_BY_EMAIL: Final = f"select {USER_COLUMNS} from auth.users where email = $1"  # noqa: S608 - constants
_BY_ID: Final = f"select {USER_COLUMNS} from auth.users where id = $1::uuid"  # noqa: S608 - constants
_PAGE: Final = f"""
select {USER_COLUMNS}, (select count(*) from auth.users) as total
from auth.users order by created_at desc, id limit $1 offset $2
"""  # noqa: S608 - constants
_KNOWN: Final = """
select t.session_id::text, s.user_id::text, t.revoked_at is not null as is_used,
       t.revoked_at > now() - make_interval(secs => $2::float8) as is_recent
from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id where t.token = $1 for update of s
"""
"""The session is locked, not the token alone: who shows a token and who shows its successor wait for each other."""
_SUCCESSOR: Final = """
select token from auth.refresh_tokens where parent = $1 and revoked_at is null
"""
_REVOKE: Final = "update auth.refresh_tokens set revoked_at = now() where token = $1 and revoked_at is null"
_REVOKE_FAMILY: Final = (
    "update auth.refresh_tokens set revoked_at = now() where session_id = $1::uuid and revoked_at is null"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What a new account is made of."""

    email: str
    password: str | None
    is_confirmed: bool
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    app_metadata: Mapping[str, Any] = field(default_factory=dict)
    role: str = "authenticated"
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of one project."""

    pool: Pool
    secret: str
    issuer: str
    token_lifetime_s: int
    wall_s: Callable[[], float]
    """Unix time in seconds."""

    async def sign_up(self, new: NewUser) -> dict[str, Any]:
        """Make an account and sign it in, as a project does that asks for no confirmation."""
        try:
            user = await self.create(new)
        except AuthRefusal as refusal:
            if refusal.error_code == "email_exists":
                raise AuthRefusal(422, "user_already_exists", "User already registered") from refusal
            raise
        async with self.pool.acquire() as connection:
            return await self._new_session(connection, str(user["id"]))

    async def create(self, new: NewUser) -> dict[str, Any]:
        """Make an account and return its user."""
        email = _email(new.email)
        if new.password is not None and len(new.password) < LEAST_LENGTH:
            raise weak_password(LEAST_LENGTH)
        # Hashing lets the loop go: it is slow on purpose.
        stored = None if new.password is None else await asyncio.to_thread(hash_password, new.password)
        app_metadata = {"provider": "email", "providers": ["email"], **new.app_metadata}
        values = (
            *(new.user_id, email, stored, new.is_confirmed),
            *(_json(app_metadata), _json(new.user_metadata), new.role),
        )
        try:
            async with self.pool.acquire() as connection:
                row = await connection.fetchrow(_INSERT, *values)
        except asyncpg.UniqueViolationError as error:
            raise AuthRefusal(
                422, "email_exists", "A user with this email address has already been registered"
            ) from error
        except asyncpg.DataError as error:
            raise validation_failed(f"a value cannot be stored: {error}") from error
        assert row is not None
        return user_json(row)

    async def sign_in(self, email: str, password: str) -> dict[str, Any]:
        """Begin a session of who knows the password."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(_BY_EMAIL, email.strip().lower())
        stored = None if row is None else row["encrypted_password"]
        if row is None or not await asyncio.to_thread(is_password, password, stored):
            raise invalid_credentials()
        if row["email_confirmed_at"] is None:
            raise AuthRefusal(400, "email_not_confirmed", "Email not confirmed")
        async with self.pool.acquire() as connection:
            return await self._new_session(connection, row["id"])

    async def refresh(self, token: str) -> dict[str, Any]:
        """Exchange a refresh token for a new pair of tokens.

        A spent one still leads to the pair that came for it while that is unspent, however late: its owner may not
        have received it. Beyond that and the reuse interval it is a theft, and the session's tokens are good no more.
        Source: supabase/auth, `internal/tokens/service.go`, `RefreshTokenGrant`.
        """
        async with self.pool.acquire() as connection:
            async with connection.transaction():
                known = await connection.fetchrow(_KNOWN, token, float(_REUSE_INTERVAL_S))
                if known is None:
                    raise AuthRefusal(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
                successor = await connection.fetchval(_SUCCESSOR, token) if known["is_used"] else None
                is_stolen = known["is_used"] and successor is None and not known["is_recent"]
                if is_stolen:
                    await connection.execute(_REVOKE_FAMILY, known["session_id"])
                elif successor is None:
                    await connection.execute(_REVOKE, token)
                    successor = await _new_refresh_token(connection, known["session_id"], parent=token)
                row = await connection.fetchrow(_BY_ID, known["user_id"])
            # Only now: what is revoked has to stay so.
            if is_stolen:
                raise AuthRefusal(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
        assert row is not None, "sessions go with their user"
        return self._session(row, known["session_id"], str(successor))

    async def bearer(self, token: str | None) -> tuple[Bearer, Row]:
        """Return what a user's token proves, and the user as stored; the session must still be there."""
        bearer = self._read(token)
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(_BY_ID, _uuid(bearer.claims.get("sub")))
            if row is None:
                raise AuthRefusal(403, "user_not_found", "User from sub claim in JWT does not exist")
            session_id = bearer.claims.get("session_id")
            if session_id is not None and not await connection.fetchval(
                "select true from auth.sessions where id = $1::uuid", _uuid(session_id)
            ):
                raise AuthRefusal(403, "session_not_found", "Session from session_id claim in JWT does not exist")
        return bearer, row

    async def sign_out(self, token: str | None, scope: str) -> None:
        """End this session, all others, or all of a user's."""
        bearer, row = await self.bearer(token)
        session_id = bearer.claims.get("session_id")
        condition = {
            "global": "$2::uuid is not distinct from $2::uuid",
            "local": "id = $2::uuid",
            "others": "id is distinct from $2::uuid",
        }.get(scope)
        if condition is None:
            raise validation_failed(f"Unsupported logout scope {scope!r}")
        async with self.pool.acquire() as connection:
            await connection.execute(
                f"delete from auth.sessions where user_id = $1::uuid and {condition}",  # noqa: S608 - one of three
                row["id"],
                session_id,
            )

    def require_admin(self, token: str | None) -> None:
        """Refuse everybody but the service role."""
        if self._read(token).role not in {"service_role", "supabase_admin"}:
            raise AuthRefusal(403, "not_admin", "User not allowed")

    async def get(self, user_id: str) -> dict[str, Any]:
        """Return a user."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(_BY_ID, _path_id(user_id))
        if row is None:
            raise _not_found()
        return user_json(row)

    async def page(self, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
        """Return the users of page `number`, counted from 1, the newest first, and how many there are in all."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_PAGE, size, (number - 1) * size)
            total = rows[0]["total"] if rows else await connection.fetchval("select count(*) from auth.users")
        return [user_json(row) for row in rows], int(total)

    async def delete(self, user_id: str) -> None:
        """Remove a user, their sessions, and what refers to them and goes with them."""
        try:
            async with self.pool.acquire() as connection:
                removed = await connection.fetchval(
                    "delete from auth.users where id = $1::uuid returning true", _path_id(user_id)
                )
        except asyncpg.ForeignKeyViolationError as error:
            raise AuthRefusal(500, "unexpected_failure", "Database error deleting user") from error
        if not removed:
            raise _not_found()

    def _read(self, token: str | None) -> Bearer:
        if token is None:
            raise AuthRefusal(401, "no_authorization", "This endpoint requires a valid Bearer token")
        try:
            return read_bearer(token, self.secret, self.wall_s())
        except BearerRefused as refused:
            text = f"invalid JWT: unable to parse or verify signature, {refused.text}"
            raise AuthRefusal(403, "bad_jwt", text) from refused

    async def _new_session(self, connection: Connection, user_id: str) -> dict[str, Any]:
        async with connection.transaction():
            row = await connection.fetchrow(
                f"update auth.users set last_sign_in_at = now() where id = $1::uuid returning {USER_COLUMNS}",  # noqa: S608
                user_id,
            )
            if row is None:
                raise invalid_credentials()  # removed a moment ago
            session_id = await connection.fetchval(
                "insert into auth.sessions (user_id) values ($1::uuid) returning id::text", user_id
            )
            token = await _new_refresh_token(connection, session_id)
        return self._session(row, session_id, token)

    def _session(self, row: Row, session_id: str, refresh_token: str) -> dict[str, Any]:
        return session_json(
            user_json(row),
            session_id=session_id,
            refresh_token=refresh_token,
            now_s=int(self.wall_s()),
            lifetime_s=self.token_lifetime_s,
            secret=self.secret,
            issuer=self.issuer,
        )


async def _new_refresh_token(connection: Connection, session_id: str, parent: str | None = None) -> str:
    token = secrets.token_urlsafe(16)
    await connection.execute(
        "insert into auth.refresh_tokens (token, session_id, parent) values ($1, $2::uuid, $3)",
        token,
        session_id,
        parent,
    )
    return token


def _email(email: str) -> str:
    """Return an address as it is stored."""
    tidy = email.strip().lower()
    name, at, domain = tidy.rpartition("@")
    if not (name and at and domain) or any(character.isspace() for character in tidy):
        raise validation_failed("Unable to validate email address: invalid format")
    return tidy


def _uuid(value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        text = "invalid claim: missing sub claim" if value is None else "invalid claim: sub claim must be a UUID"
        raise AuthRefusal(403, "bad_jwt", text) from error


def _path_id(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise validation_failed("user_id must be an UUID", 404) from error


def _not_found() -> AuthRefusal:
    return AuthRefusal(404, "user_not_found", "User not found")


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value)).decode()
