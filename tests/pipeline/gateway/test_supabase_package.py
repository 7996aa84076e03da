"""The official `supabase` package, unmodified, against a whole pipeline of which it knows an address and two keys."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from postgrest.exceptions import APIError
from supabase import AsyncClient, Client, acreate_client, create_client
from supabase_auth.errors import AuthApiError

from loadtests.wire.endpoint import Endpoint

# The package warns of its own use of another one.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
PASSWORD = "correct horse"
TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class World:
    """A project with two organizations and a member of each, all made with the service key."""

    endpoint: Endpoint
    admin: Client
    organizations: tuple[str, str]
    people: tuple[str, str]
    emails: tuple[str, str]

    def signed_in(self, number: int) -> Client:
        """Return a client of one of the members."""
        client = create_client(self.endpoint.supabase_url, self.endpoint.anon_key)
        client.auth.sign_in_with_password({"email": self.emails[number], "password": PASSWORD})
        return client

    def emit(self, number: int) -> str:
        """Insert an event in one of the organizations; return its id."""
        return self.admin.table("realtime_events").insert(event(self.organizations[number])).execute().data[0]["id"]


def event(organization: str) -> dict[str, Any]:
    """Return an event as the backend writes one."""
    return {"organization_id": organization, "event_type": "job.created", "entity_type": "job", "payload": {"n": 1}}


@pytest.fixture
def world(stack: Endpoint) -> Iterator[World]:
    """Provision with the official package, and remove with it."""
    admin = create_client(stack.supabase_url, stack.service_key)
    run = uuid.uuid4().hex
    emails = (f"0-{run}@example.test", f"1-{run}@example.test")
    organizations = admin.table("organizations").insert([{"name": "First"}, {"name": "Second"}]).execute().data
    people = [
        admin.auth.admin.create_user(
            {"email": email, "password": PASSWORD, "email_confirm": True, "app_metadata": {"run": run}}
        ).user.id
        for email in emails
    ]
    ids = [row["id"] for row in organizations]
    admin.table("organization_members").insert(
        [{"user_id": person, "organization_id": one} for person, one in zip(people, ids, strict=True)]
    ).execute()
    yield World(stack, admin, (ids[0], ids[1]), (people[0], people[1]), emails)
    admin.table("organizations").delete().in_("id", ids).execute()
    for person in people:
        admin.auth.admin.delete_user(person)
    close(admin)


def close(client: Client) -> None:
    """Close what the package leaves open."""
    client.auth.close()
    client.postgrest.session.close()


def test_a_member_reads_the_events_of_their_organization_alone(world: World) -> None:
    """The service key reads both; a member cannot insert."""
    first, second = world.emit(0), world.emit(1)
    clients = [world.signed_in(0), world.signed_in(1)]
    seen = [{row["id"] for row in one.table("realtime_events").select("id").execute().data} for one in clients]
    all_of_them = (
        world.admin.table("realtime_events").select("*", count="exact").in_("organization_id", world.organizations)
    ).execute()
    with pytest.raises(APIError) as refusal:
        clients[0].table("realtime_events").insert(event(world.organizations[0])).execute()
    for client in clients:
        close(client)

    assert seen == [{first}, {second}]
    assert all_of_them.count == 2
    assert refusal.value.code == "42501"


def test_a_stranger_signs_up_refreshes_and_leaves(world: World) -> None:
    """What an app does with an account, by the package's own methods."""
    email = f"new-{uuid.uuid4().hex}@example.test"
    client = create_client(world.endpoint.supabase_url, world.endpoint.anon_key)
    signed_up = client.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"a": 1}}})
    refreshed = client.auth.refresh_session()
    user = client.auth.get_user()
    client.auth.sign_out()
    with pytest.raises(AuthApiError) as wrong:
        client.auth.sign_in_with_password({"email": email, "password": "wrong horse"})
    with pytest.raises(AuthApiError) as taken:
        client.auth.sign_up({"email": email, "password": PASSWORD})
    world.admin.auth.admin.delete_user(user.user.id)
    close(client)

    assert refreshed.session.refresh_token != signed_up.session.refresh_token
    assert user.user.user_metadata == {"a": 1}
    assert wrong.value.code == "invalid_credentials"
    assert taken.value.code == "user_already_exists"


def test_an_async_client_hears_what_it_may_see_through_the_same_address(world: World) -> None:
    """Sign in, subscribe, hear: accounts, tables and the WebSocket have one base."""

    async def scene() -> tuple[list[str], str]:
        url, heard, live = world.endpoint.supabase_url, asyncio.Queue[str](), asyncio.Event()
        member = await acreate_client(url, world.endpoint.anon_key)
        admin = await acreate_client(url, world.endpoint.service_key)
        await member.auth.sign_in_with_password({"email": world.emails[0], "password": PASSWORD})
        await member.realtime.set_auth((await member.auth.get_session()).access_token)
        channel = member.channel("events")
        channel.on_postgres_changes(
            "INSERT",
            schema="public",
            table="realtime_events",
            callback=lambda change: heard.put_nowait(change["data"]["record"]["id"]),
        )
        channel.on_system(lambda said: live.set() if "Subscribed to PostgreSQL" in str(said) else None)
        await channel.subscribe()
        await live.wait()
        await insert(admin, world.organizations[1])
        mine = await insert(admin, world.organizations[0])
        received = [await heard.get()]
        await member.remove_all_channels()
        await member.realtime.close()
        for client in (member, admin):
            await client.auth.close()
            await client.postgrest.aclose()
        return received + [heard.get_nowait() for _ in range(heard.qsize())], mine

    received, mine = asyncio.run(asyncio.wait_for(scene(), TIMEOUT_S))
    assert received == [mine]


async def insert(client: AsyncClient, organization: str) -> str:
    """Insert an event; return its id."""
    return (await client.table("realtime_events").insert(event(organization)).execute()).data[0]["id"]


def test_nothing_is_left_of_who_was_removed(world: World) -> None:
    """Users, sessions, tokens and memberships go together."""
    close(world.signed_in(0))
    world.admin.auth.admin.delete_user(world.people[0])
    with psycopg.connect(world.endpoint.database_url) as connection:
        left = connection.execute(
            "select (select count(*) from auth.users where id = %(id)s), "
            "(select count(*) from auth.sessions where user_id = %(id)s), "
            "(select count(*) from organization_members where user_id = %(id)s), "
            "(select count(*) from auth.refresh_tokens t where not exists "
            "(select from auth.sessions s where s.id = t.session_id))",
            {"id": world.people[0]},
        ).fetchone()
    world.admin.auth.admin.create_user({"email": world.emails[0], "id": world.people[0]})  # for the fixture to remove

    assert left == (0, 0, 0, 0)
