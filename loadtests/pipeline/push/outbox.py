"""The outbox in the database: notifications to address, deliveries to make, and what became of them.

Several senders may work at once: each row is taken by one. A delivery is leased, not removed: if its sender dies,
another one sends it again under the same name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import asyncpg

from loadtests.pipeline.push.apns import Notification

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# The driver's "internal" error is what an idle connection raises whose server said goodbye a moment ago.
UNAVAILABLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a statement raises when the database refuses it or cannot be reached."""

# To the members as they are now, and not to whoever did it.
_ADDRESS = """
with chosen as (
    select id, organization_id, caused_by from public.push_outbox
    where addressed_at is null order by created_at limit $1 for update skip locked
), addressed as (
    update public.push_outbox o set addressed_at = now() from chosen where o.id = chosen.id
)
insert into public.push_deliveries (notification_id, token)
select c.id, d.token
from chosen c
join public.organization_members m on m.organization_id = c.organization_id
join public.device_tokens d on d.user_id = m.user_id
where d.user_id is distinct from c.caused_by
"""
_CLAIM = """
with due as (
    select apns_id from public.push_deliveries
    where state = 'pending' and due_at <= now() order by due_at limit $1 for update skip locked
)
update public.push_deliveries p set attempts = attempts + 1, due_at = now() + $2
from due, public.push_outbox o
where p.apns_id = due.apns_id and o.id = p.notification_id
returning p.apns_id::text, p.token, p.attempts, o.kind, o.job_id::text, o.entity_id, o.created_at
"""
_FINISH = """
update public.push_deliveries
set state = $2, last_status = $3, reason = $4, finished_at = now()
where apns_id = $1 and state = 'pending'
"""
_POSTPONE = """
update public.push_deliveries set due_at = now() + $2, last_status = $3, reason = $4
where apns_id = $1 and state = 'pending'
"""
# A device that registered again after the service saw it go keeps its token.
_FORGET = """
with gone as (
    delete from public.device_tokens where token = $2 and registered_at <= coalesce(to_timestamp($3), now())
    returning token
)
update public.push_deliveries
set state = 'forgotten', last_status = coalesce($4, last_status), reason = $5, finished_at = now()
where state = 'pending' and (apns_id = $1 or token in (select token from gone))
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to make for now, and the number of this attempt, from 1."""

    notification: Notification
    attempt: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered: a status, None when there was no answer, and why."""

    status: int | None
    reason: str | None


class Outbox:
    """The outbox of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, most: int, *, lease: timedelta) -> Sequence[Claimed]:
        """Address what is new, then take up to `most` deliveries that are due; nobody else gets them for `lease`."""
        async with self._pool.acquire() as connection:
            await connection.execute(_ADDRESS, most)
            rows = await connection.fetch(_CLAIM, most, lease)
        return [_claimed(row) for row in rows]

    async def delivered(self, notification: Notification, said: Said) -> None:
        """Record that the service took it."""
        await self._pool.execute(_FINISH, notification.apns_id, "delivered", said.status, said.reason)

    async def give_up(self, notification: Notification, said: Said) -> None:
        """Record that it will not be sent again."""
        await self._pool.execute(_FINISH, notification.apns_id, "given_up", said.status, said.reason)

    async def postpone(self, notification: Notification, said: Said, *, pause: timedelta) -> None:
        """Record that it is to be sent again after a pause."""
        await self._pool.execute(_POSTPONE, notification.apns_id, pause, said.status, said.reason)

    async def forget(self, notification: Notification, said: Said, *, since_s: float | None) -> None:
        """Forget the device's token, and whatever else waits for that device."""
        await self._pool.execute(_FORGET, notification.apns_id, notification.token, since_s, said.status, said.reason)


def _claimed(row: asyncpg.Record) -> Claimed:
    notification = Notification(
        apns_id=row["apns_id"],
        token=row["token"],
        kind=row["kind"],
        job_id=row["job_id"],
        entity_id=row["entity_id"],
        created_at=row["created_at"],
    )
    return Claimed(notification, row["attempts"])
