"""The small world of the recordings, in a database of its own, and the servers under test.

Tables, policies and users as the recordings had them; nothing of the pipeline's own schema is here.
"""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import psycopg
from psycopg import AsyncConnection

from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from loadtests.processes.spawn import Child

SECRET = "a secret of at least thirty-two bytes"
TENANT = "conformance"
_START_S = 20.0
_ROLES = """
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
"""
_SCHEMA = """
    create schema auth;
    create function auth.uid() returns uuid language sql stable as
        $$ select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid $$;
    create table organizations (id uuid primary key, name text);
    create table organization_members (organization_id uuid, user_id uuid, role text);
    create index on organization_members (user_id, organization_id);
    create table realtime_events (
        id uuid primary key default gen_random_uuid(), organization_id uuid not null, event_type text,
        entity_type text, entity_id text, payload jsonb, created_at timestamptz default now()
    );
    alter table organizations enable row level security;
    alter table organization_members enable row level security;
    alter table realtime_events enable row level security;
    create policy members on realtime_events for select to authenticated using (
        organization_id in (select organization_id from organization_members where user_id = auth.uid())
    );
    create policy oneself on organization_members for select to authenticated using (user_id = auth.uid());
    grant usage on schema public, auth to anon, authenticated, service_role;
    grant select on realtime_events, organization_members to anon, authenticated, service_role;
    create publication supabase_realtime for table realtime_events;
"""


@dataclass(slots=True)
class Server:
    """One Realtime server, which keeps its port while it comes and goes."""

    hello: RealtimeHello
    log: Path
    child: Child | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.hello.port

    def start(self) -> None:
        """Start it, if it is not running."""
        if self.child is not None:
            return
        self.child = Child.start(
            "loadtests.pipeline.realtime", name="Realtime", log=self.log, hello=self.hello.to_json()
        )
        port = int(self.child.wait_for("ready", _START_S)["port"])
        self.hello = replace(self.hello, port=port)

    def end(self, how: signal.Signals) -> None:
        """End it and wait until it is gone."""
        if self.child is not None:
            self.child._process.send_signal(how)
            self.child._process.wait(_START_S)
            self.child.stop()
            self.child = None

    async def do(self, what: str) -> None:
        """Do what a step says."""
        if what in ("stop", "restart"):
            await asyncio.to_thread(self.end, signal.SIGTERM)
        elif what == "kill":
            await asyncio.to_thread(self.end, signal.SIGKILL)
        if what in ("start", "restart"):
            await asyncio.to_thread(self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The database and a server."""

    postgres: PostgresServer
    database: str
    server: Server
    scale: float
    """Of the server's deliberate delays."""

    async def execute(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Run statements as the owner, in one transaction."""
        async with await AsyncConnection.connect(self.postgres.url(self.database)) as owner:
            for statement, parameters in statements:
                await owner.execute(statement.encode(), parameters or None)

    async def restart_database(self) -> None:
        """Stop the database at once and start it again, under the running server."""
        await asyncio.to_thread(self.postgres.stop)
        self.postgres.start()  # blocks: it ends with the thread that starts it, which must be the main one


@contextmanager
def running_cluster() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server of its own with the recordings' roles."""
    with owned_directory(Path(gettempdir())) as directory, PostgresServer.create(directory / "postgres") as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as owner:
            owner.execute(_ROLES.encode())
        yield postgres


def create_database(postgres: PostgresServer, name: str) -> str:
    """Make a database with the recordings' tables; return its name."""
    with psycopg.connect(postgres.url(), autocommit=True) as owner:
        owner.execute(f"create database {name}".encode())
    with psycopg.connect(postgres.url(name), autocommit=True) as owner:
        owner.execute(_SCHEMA.encode())
    return name


@contextmanager
def running_server(postgres: PostgresServer, database: str, options: RealtimeOptions, log: Path) -> Iterator[World]:
    """Yield the world with one server."""
    url = postgres.url(database)
    hello = RealtimeHello(database_url=url, jwt_secret=SECRET, options=replace(options, tenant=TENANT))
    server = Server(hello=hello, log=log)
    server.start()
    try:
        yield World(postgres=postgres, database=database, server=server, scale=options.delay_scale)
    finally:
        if server.child is not None:
            server.child.stop()
