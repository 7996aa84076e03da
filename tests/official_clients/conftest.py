"""A Realtime server that can be restarted, people and rows for it, and official clients that know where it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from tests.official_clients.official import ClientName, OfficialClient, RestartableRealtime
from tests.pipeline.realtime.world import SECRET, RealtimeUnderTest

StartClient = Callable[..., OfficialClient]


@pytest.fixture
def options() -> RealtimeOptions:
    """Return the server's options; a test may parametrize it."""
    return RealtimeOptions(delay_scale=0.02)


@pytest.fixture
def server(database: str, options: RealtimeOptions, tmp_path: Path) -> Iterator[RestartableRealtime]:
    """Return a running Realtime server on the test's own database."""
    hello = RealtimeHello(database_url=database, jwt_secret=SECRET, options=options)
    server = RestartableRealtime(hello, tmp_path / "realtime.log")
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def realtime(server: RestartableRealtime) -> RealtimeUnderTest:
    """Return the people, organizations and rows of the server's database."""
    assert server.child is not None
    return RealtimeUnderTest(
        url=f"ws://127.0.0.1:{server.hello.port}", database=server.hello.database_url, child=server.child
    )


@pytest.fixture
def start(realtime: RealtimeUnderTest, tmp_path: Path) -> Iterator[StartClient]:
    """Return a function that opens an official client as a user; all of them end with the test."""
    clients: list[OfficialClient] = []

    def start_client(name: ClientName, user: str, *, lives_s: int = 600, heartbeat_s: float = 25.0) -> OfficialClient:
        client = OfficialClient.start(name, tmp_path / f"{name}-{len(clients)}.log")
        clients.append(client)
        client.open(
            url=realtime.url.replace("ws://", "http://"),
            key=realtime.anon_key,
            token=realtime.token(user, lives_s=lives_s),
            heartbeat_s=heartbeat_s,
        )
        return client

    try:
        yield start_client
    finally:
        for client in clients:
            client.child.stop()
