"""Who is asking: the token's signature, expiry, role and subject, then membership as the database has it now.

A token is decoded once and its expiry checked each time; the membership is never remembered, so a person
who is removed is refused at the next request. The time is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import jwt

from loadtests.pipeline.api.database import Connection, Row
from loadtests.pipeline.api.errors import Refusal, forbidden, unauthorized
from loadtests.wire.tokens import ALGORITHM

_REMEMBERED_TOKENS = 50_000

_MEMBERSHIPS = """
select u.organization_id::text as home, u.archived_at is not null as disabled,
       m.organization_id::text as organization_id, m.role
from public.users u left join public.organization_members m on m.user_id = u.id
where u.id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in the organization for which they are acting."""

    user_id: str
    organization_id: str
    role: str


class TokenCheck:
    """Check bearer tokens against one secret, remembering what each token says."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._known: dict[str, tuple[str, int]] = {}

    def subject(self, authorization: str | None, now_s: float) -> str:
        """Return the user id that an `Authorization` header proves.

        Raises:
            Refusal: 401, saying which check failed.

        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("No token provided")
        token = token.strip()
        if token.count(".") != 2 or not all(token.split(".")):
            raise unauthorized("Invalid token format")
        user_id, expires_at_s = self._known.get(token) or self._learn(token)
        if now_s >= expires_at_s:
            raise unauthorized("Invalid token")
        return user_id

    def _learn(self, token: str) -> tuple[str, int]:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                options={"require": ["exp", "sub", "role"], "verify_exp": False, "verify_aud": False},
            )
            user_id, expires_at_s = str(UUID(claims["sub"])), int(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise unauthorized("Invalid token") from error
        if claims["role"] != "authenticated":
            raise unauthorized("Invalid token")
        if len(self._known) >= _REMEMBERED_TOKENS:
            del self._known[next(iter(self._known))]
        self._known[token] = (user_id, expires_at_s)
        return user_id, expires_at_s


async def find_member(connection: Connection, user_id: str, wanted: str | None) -> Member:
    """Return the person as a member of the organization they ask for, by one look-up.

    Raises:
        Refusal: 403, saying why not.

    """
    return choose_membership(user_id, await connection.fetch(_MEMBERSHIPS, user_id), wanted)


def choose_membership(user_id: str, rows: Sequence[Row], wanted: str | None) -> Member:
    """Choose among a user's memberships: the one asked for, else their home, else the only one.

    Raises:
        Refusal: 403, saying why not.

    """
    if not rows:
        raise forbidden("USER_NOT_PROVISIONED", "User is not provisioned", "Finish signing up, then try again.")
    if rows[0]["disabled"]:
        raise Refusal(status=403, message="Account disabled")
    roles = {row["organization_id"]: row["role"] for row in rows if row["organization_id"] is not None}
    if not roles:
        raise forbidden("NO_ORGANIZATION", "User belongs to no organization", "Ask an owner to invite you.")
    chosen = wanted.strip().lower() if wanted else rows[0]["home"]
    if wanted and chosen not in roles:
        raise forbidden(
            "ORGANIZATION_NOT_ACCESSIBLE",
            "Organization is not accessible",
            "Send the id of an organization you belong to in X-Organization-Id.",
        )
    if chosen not in roles:
        if len(roles) > 1:
            raise forbidden(
                "ORGANIZATION_SELECTION_REQUIRED",
                "Several organizations to choose from",
                "Name one of them in the header X-Organization-Id.",
            )
        (chosen,) = roles
    return Member(user_id=user_id, organization_id=chosen, role=roles[chosen])
