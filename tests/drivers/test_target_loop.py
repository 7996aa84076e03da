"""The official client, unmodified, on a loop that leads it: real sockets, real TLS, and what the server has read."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from realtime import AsyncRealtimeClient
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from loadtests.drivers.target_loop import StrangerError, TargetLoop
from loadtests.wire.tls import client_context
from loadtests.wire.way import Way
from tests.drivers.tls_proxy import Authority

DEADLINE_S = 10.0


@asynccontextmanager
async def target(
    context: ssl.SSLContext | None = None, *, elsewhere: str = ""
) -> AsyncIterator[tuple[int, list[list[str]]]]:
    """Run a server that opens no WebSocket; yield its port, and the `Host` headers of each request as they come.

    With `elsewhere` it redirects there, query and all.
    """
    hosts: list[list[str]] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        hosts.append(request.headers.get_all("Host"))
        if not elsewhere:
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        response = connection.respond(HTTPStatus.FOUND, "")
        response.headers["Location"] = f"{elsewhere}?{request.path.partition('?')[2]}"
        return response

    async def nothing(_: ServerConnection) -> None:
        raise AssertionError("no WebSocket is opened")

    async with serve(nothing, "127.0.0.1", 0, process_request=refuse, ssl=context) as server:
        yield next(iter(server.sockets)).getsockname()[1], hosts


async def trouble_of_connecting(way: Way, context: ssl.SSLContext | None = None) -> Exception:
    """Have the official client connect once; return what it ends with."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TargetLoop)
    loop.lead(way, context)
    client = AsyncRealtimeClient(way.url.removesuffix("/websocket"), "key", max_retries=1)
    async with asyncio.timeout(DEADLINE_S):
        try:
            await client.connect()
        except Exception as error:  # noqa: BLE001 - it is what the test asks for
            return error
    raise AssertionError("it has connected")


def way_to(port: int, scheme: str, host: str = "localhost") -> Way:
    """Return the way to a server on this machine that is called `host`."""
    default = {"ws": 80, "wss": 443}[scheme]
    is_named = host != "localhost"
    return Way(
        url=f"{scheme}://{host}/socket/websocket" if is_named else f"{scheme}://localhost:{port}/socket/websocket",
        called=(host, default if is_named else port),
        address=("localhost", port),
    )


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_tenant_is_named_in_the_one_host_header(scheme: str, tmp_path: Path) -> None:
    """The server reads the tenant's name, once, and it is the server's own certificate that is checked."""
    authority = Authority.make(tmp_path)
    is_secure = scheme == "wss"

    async def story() -> list[list[str]]:
        async with target(authority.context_for("localhost") if is_secure else None) as (port, hosts):
            context = client_context(str(authority.ca_file)) if is_secure else None
            await trouble_of_connecting(way_to(port, scheme, "tenant.example.org"), context)
            return hosts

    with asyncio.Runner(loop_factory=TargetLoop) as runner:
        assert runner.run(story()) == [["tenant.example.org"]]


def test_a_redirect_to_another_host_is_followed_nowhere() -> None:
    """Whoever is there has allowed nothing: nobody connects, though a server would answer."""

    async def story() -> tuple[Exception, list[list[str]]]:
        async with target() as (there, heard), target(elsewhere=f"ws://127.0.0.1:{there}/x") as (here, _):
            return await trouble_of_connecting(way_to(here, "ws")), heard

    with asyncio.Runner(loop_factory=TargetLoop) as runner:
        trouble, heard = runner.run(story())

    assert heard == []
    assert isinstance(trouble, StrangerError)
    assert "the target redirects to 127.0.0.1:" in str(trouble)
    assert "apikey" not in str(trouble)


def test_an_authority_of_ones_own_is_believed_and_no_other(tmp_path: Path) -> None:
    """By its file the server is reached; without it, or with another, nothing is sent."""
    mine, others = Authority.make(tmp_path), Authority.make(tmp_path, "others")

    async def story() -> tuple[list[Exception], list[list[str]]]:
        async with target(mine.context_for("localhost")) as (port, hosts):
            contexts = (client_context(str(mine.ca_file)), client_context(str(others.ca_file)), None)
            return [await trouble_of_connecting(way_to(port, "wss"), context) for context in contexts], hosts

    with asyncio.Runner(loop_factory=TargetLoop) as runner:
        troubles, hosts = runner.run(story())

    assert [isinstance(trouble, ssl.SSLCertVerificationError) for trouble in troubles] == [False, True, True]
    assert len(hosts) == 1


def test_a_name_that_the_certificate_does_not_hold_is_refused(tmp_path: Path) -> None:
    """It is the address that must be in it, as for the lean subscribers: the tenant's name alone is not enough."""
    authority = Authority.make(tmp_path)

    async def story() -> Exception:
        async with target(authority.context_for("tenant.example.org")) as (port, _):
            way = way_to(port, "wss", "tenant.example.org")
            return await trouble_of_connecting(way, client_context(str(authority.ca_file)))

    with asyncio.Runner(loop_factory=TargetLoop) as runner:
        assert isinstance(runner.run(story()), ssl.SSLCertVerificationError)
