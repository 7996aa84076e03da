"""The embedded pipeline as one thing: PostgreSQL, jobs API, Realtime and, if asked for, gateway and notifications.

Starts processes, waits for them and says what became of them; knows nothing of what they do inside, and nothing
of whoever asked for them.
"""

import dataclasses
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from loadtests.pipeline.crew import Crew, StackError
from loadtests.pipeline.directory import owned_directory
from loadtests.pipeline.external_server import check_roles, own_database
from loadtests.pipeline.faults.supervision import Supervision
from loadtests.pipeline.migrate import migrate
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import (
    LOOPBACK,
    ApiHello,
    GatewayHello,
    PushHello,
    PushOptions,
    RealtimeHello,
    StackSettings,
)
from loadtests.processes.lifeline import Message
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

API = "jobs API"
REALTIME = "Realtime"
PUSH = "push sender"
SINK = "push service"
GATEWAY = "gateway"
_KEYS_LAST_S = 10 * 365 * 24 * 3600


class StartInterruptedError(Exception):
    """The pipeline is no longer wanted; raised between two steps of its start."""


class Part(Protocol):
    """A process of the pipeline."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def exit_code(self) -> int | None:
        """Its exit code, or None while it runs."""

    def obituary(self) -> str:
        """Say how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A migrated database, and the server's process where the server is ours."""

    url: str
    local_url: str
    """The same for the pipeline's own processes; the shortest way there is."""
    server: PostgresServer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running pipeline."""

    endpoint: Endpoint
    directory: Path
    server: PostgresServer | None
    crew: Crew

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its processes."""
        return (*((self.server,) if self.server is not None else ()), *self.crew.children)

    def ready_message(self) -> dict[str, Any]:
        """Return what the supervisor says when all parts are ready."""
        return {
            "is": "ready",
            "endpoint": self.endpoint.to_json(),
            "directory": str(self.directory),
            "pids": {part.name: part.pid for part in self.parts},
        }

    @property
    def owns_postgres(self) -> bool:
        """Whether PostgreSQL was started for this pipeline."""
        return self.server is not None

    @property
    def database_url(self) -> str:
        """The owner's connection string."""
        return self.endpoint.database_url

    def tell_realtime(self, message: Mapping[str, Any]) -> None:
        """Send a message to the Realtime server."""
        self.crew.tell(REALTIME, message)

    def tell_api(self, message: Mapping[str, Any]) -> None:
        """Send a message to the jobs API."""
        self.crew.tell(API, message)

    def kill_realtime(self) -> None:
        """Kill the Realtime server and start it again on its port."""
        self.crew.kill_and_restart(REALTIME)

    def kill_api(self) -> None:
        """Kill the jobs API and start it again on its port."""
        self.crew.kill_and_restart(API)

    def restart_postgres(self) -> None:
        """Stop PostgreSQL and start it again on its port."""
        assert self.server is not None, "PostgreSQL is somebody else's"
        self.server.stop()
        self.server.start()

    def failure(self, on_message: Callable[[Message], None]) -> str | None:
        """Return what went wrong since the last call, None while all parts are well; pass on what they said."""
        for child in self.crew.children:
            for message in child.messages():
                if message.get("is") == "failed":
                    return f"{child.name} failed: {message.get('why')}"
                on_message(message)
        for part in self.parts:
            if part.exit_code is not None:
                return part.obituary()
        return None


@contextmanager
def running_stack(
    settings: StackSettings,
    *,
    now_s: int,
    control_url: str = "",
    interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Stack]:
    """Start all parts, yield the pipeline when it is ready, and take away every trace of it at the end.

    `now_s` is Unix time in seconds: the keys are valid for ten years from then. `control_url` is where faults are asked
    for. `interrupted` is asked between steps.

    Raises:
        StartInterruptedError: `interrupted` said so.
        StackError, PostgresError, BinariesNotFoundError, ExternalServerError, MigrationError: a part did not start.

    """
    check_port(settings.api_port, API)
    check_port(settings.realtime_port, REALTIME)
    check_port(settings.gateway_port, GATEWAY)
    jwt_secret = secrets.token_urlsafe(32)
    with (
        owned_directory(Path(settings.directory_parent)) as directory,
        running_database(settings.database_url, directory) as database,
        Crew(directory) as crew,
    ):
        if interrupted():
            raise StartInterruptedError
        push = _with_sink(settings.push, crew) if settings.push_sink else settings.push
        settings = dataclasses.replace(settings, push=push, push_sink=False)
        for (name, module), hello in _hellos(settings, database.local_url, jwt_secret).items():
            crew.start(name, module, hello)
        ready = crew.wait_ready()
        endpoint = Endpoint(
            api_url=f"http://{LOOPBACK}:{ready[API]['port']}",
            realtime_url=f"ws://{LOOPBACK}:{ready[REALTIME]['port']}/realtime/v1/websocket",
            anon_key=mint(jwt_secret, role="anon", expires_at_s=now_s + _KEYS_LAST_S),
            service_key=mint(jwt_secret, role="service_role", expires_at_s=now_s + _KEYS_LAST_S),
            jwt_secret=jwt_secret,
            database_url=database.url,
            control_url=control_url,
        )
        if settings.gateway:
            endpoint = _with_gateway(endpoint, settings, database.local_url, crew)
        yield Stack(endpoint=endpoint, directory=directory, server=database.server, crew=crew)


@contextmanager
def running_database(server_url: str | None, directory: Path) -> Iterator[Database]:
    """Yield a database with the pipeline's schema: at `server_url`, or on a server of our own in `directory`."""
    if server_url is not None:
        with own_database(server_url) as url:
            migrate(url)
            check_roles(url)
            yield Database(url=url, local_url=url, server=None)
        return
    with PostgresServer.create(directory / "postgres") as server:
        url = server.url()
        migrate(url)
        yield Database(url=url, local_url=server.local_url(), server=server)


def check_port(port: int, name: str) -> None:
    """Make sure that `port` can be listened on; 0 always can.

    Raises:
        StackError: somebody else listens there.

    """
    with socket.socket() as probe:
        # What an earlier run's connections left in TIME_WAIT does not count: servers set the same option.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"port {port}, wanted for {name}, cannot be opened: {error.strerror}. See who has it "
                f"(ss -ltnp 'sport = :{port}'), and choose another port, or 0 for any free one"
            ) from error


def _with_sink(push: PushOptions, crew: Crew) -> PushOptions:
    """Start the push service, which the sender has to know the port of."""
    crew.start(SINK, "loadtests.pipeline.push.sink", {"port": 0})
    return dataclasses.replace(push, endpoint_url=f"http://{LOOPBACK}:{crew.wait_ready()[SINK]['port']}")


def _with_gateway(endpoint: Endpoint, settings: StackSettings, database_url: str, crew: Crew) -> Endpoint:
    """Start the gateway, which has to know Realtime's port and the keys."""
    hello = GatewayHello(
        database_url=database_url,
        jwt_secret=endpoint.jwt_secret,
        anon_key=endpoint.anon_key,
        service_key=endpoint.service_key,
        realtime_port=urlsplit(endpoint.realtime_url).port or 0,
        port=settings.gateway_port,
        options=settings.accounts,
    )
    crew.start(GATEWAY, "loadtests.pipeline.gateway", hello.to_json())
    return dataclasses.replace(endpoint, supabase_url=f"http://{LOOPBACK}:{crew.wait_ready()[GATEWAY]['port']}")


def _hellos(settings: StackSettings, database_url: str, jwt_secret: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the hello of each child, by its name and its module."""
    api = ApiHello(database_url=database_url, jwt_secret=jwt_secret, port=settings.api_port, options=settings.api)
    realtime = RealtimeHello(
        database_url=database_url, jwt_secret=jwt_secret, port=settings.realtime_port, options=settings.realtime
    )
    hellos = {
        (API, "loadtests.pipeline.api"): api.to_json(),
        (REALTIME, "loadtests.pipeline.realtime"): realtime.to_json(),
    }
    if settings.push.endpoint_url is not None:
        push = PushHello(database_url=database_url, signing_secret=jwt_secret, options=settings.push)
        hellos[PUSH, "loadtests.pipeline.push"] = push.to_json()
    return hellos


def watch_until_told(
    stack: Stack, supervision: Supervision, ending: threading.Event, interval_s: float = 0.05
) -> str | None:
    """Commit faults as they are asked for until `ending`, or until a part fails; return what failed, or None."""
    failures: list[str] = []

    def collect() -> None:
        failure = stack.failure(supervision.heard)
        if failure is not None:
            failures.append(failure)

    while not ending.is_set() and not failures:
        supervision.work(interval_s, collect)
        collect()
    return failures[0] if failures else None
