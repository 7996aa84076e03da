"""Devices behind a proxy that ends TLS: their WebSocket, their re-fetches, and what they say of a wrong certificate."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
import uvloop
from picows import WSListener, WSTransport, WSUpgradeRequest, ws_create_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests.drivers.dialling import Dialler
from loadtests.drivers.fetch import NOTHING_TOLD, FetchPool, Told
from loadtests.drivers.timers import TimerQueue
from loadtests.wire.endpoint import Endpoint
from tests.drivers.tls_proxy import Authority, tls_proxy

DEADLINE_S = 10.0
NS = 1_000_000_000


async def _tell(request: Request) -> Response:
    return JSONResponse({"path": request.url.path})


@pytest.fixture(scope="module")
def api_port() -> Iterator[int]:
    """Return the port of an HTTP server in clear text."""
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/api/jobs", _tell)]), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)  # no event tells
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(DEADLINE_S)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that nobody else trusts."""
    return Authority.make(tmp_path_factory.mktemp("authority"))


class Get:
    """One GET request."""

    path = "/api/jobs"
    bearer = "token"
    is_wanted = True
    if_none_match = None

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def dropped(self, _at_ns: int) -> None:
        """Never happens."""

    def requested(self, _at_ns: int) -> None:
        """Never mind when."""

    def told_to_wait(self, _until_ns: int) -> None:
        """Never happens."""

    def answered(self, _at_ns: int, status: int, _body: bytes, _told: Told = NOTHING_TOLD) -> None:
        """Remember."""
        self.answer.set_result(status)


def fetched(url: str, ca_file: Path, *, times: int = 1) -> list[int]:
    """Return the statuses of GETs one after another, on as few connections as possible."""

    async def story() -> list[int]:
        timers = TimerQueue(asyncio.get_running_loop())
        pool = FetchPool(url, connections_max=1, timeout_ns=5 * NS, timers=timers, ca_file=str(ca_file))
        statuses = []
        for _ in range(times):
            get = Get()
            pool.start(get)
            statuses.append(await asyncio.wait_for(get.answer, DEADLINE_S))
        pool.close()
        timers.stop()
        return statuses

    return uvloop.run(story())


def test_a_re_fetch_goes_over_https_and_keeps_its_connection(api_port: int, authority: Authority) -> None:
    """Three requests on one connection; of what the proxy offers, HTTP/2 is not taken."""
    with tls_proxy(authority.context_for("127.0.0.1"), api_port) as proxy:
        statuses = fetched(f"https://127.0.0.1:{proxy.port}", authority.ca_file, times=3)

        assert statuses == [200, 200, 200]
        assert proxy.accepted == ["http/1.1"]


def test_a_wrong_authority_gives_no_answer_and_one_clear_sentence(
    api_port: int, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The certificate is good, and by somebody whom nobody told us to trust."""
    stranger = Authority.make(tmp_path)
    with tls_proxy(authority.context_for("127.0.0.1"), api_port) as proxy:
        statuses = fetched(f"https://127.0.0.1:{proxy.port}", stranger.ca_file)

    assert statuses == [0]
    assert "is not trusted" in caplog.text
    assert "name the file of its authority with ca_file, or in SSL_CERT_FILE" in caplog.text


def test_another_s_name_is_refused(api_port: int, authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """A trusted certificate of another host."""
    with tls_proxy(authority.context_for("other.example.org"), api_port) as proxy:
        statuses = fetched(f"https://127.0.0.1:{proxy.port}", authority.ca_file)

    assert statuses == [0]
    assert "is somebody else's" in caplog.text


class Hearer(WSListener):
    """Stands for a subscriber."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.has_heard = asyncio.Event()

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        self.has_heard.set()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """It stands."""
        self._hear("open")
        transport.disconnect()

    def refused(self, _status: int, reason: str) -> None:
        """Hear why."""
        self.heard.append(reason)

    def failed_to_connect(self) -> None:
        """Hear that it does not."""
        self._hear("failed")


def dialled(authority: Authority, ca_file: Path) -> list[str]:
    """Return what a subscriber hears that opens a WebSocket through the proxy."""

    async def story() -> list[str]:
        def answer(_request: WSUpgradeRequest) -> WSListener:
            return WSListener()

        server = await ws_create_server(answer, "127.0.0.1", 0)
        with tls_proxy(authority.context_for("127.0.0.1"), server.sockets[0].getsockname()[1]) as proxy:
            endpoint = Endpoint(
                api_url="",
                realtime_url=f"wss://127.0.0.1:{proxy.port}/realtime/v1/websocket",
                anon_key="a",
                service_key="",
                jwt_secret="",
                database_url="",
                ca_file=str(ca_file),
            )
            dialler, hearer = Dialler(endpoint, handshake_timeout_s=5), Hearer()
            dialler.dial(hearer)  # type: ignore[arg-type]
            await asyncio.wait_for(hearer.has_heard.wait(), DEADLINE_S)
            server.close()
            return hearer.heard

    return uvloop.run(story())


def test_a_websocket_opens_over_wss(authority: Authority) -> None:
    """With the certificate verified."""
    assert dialled(authority, authority.ca_file) == ["open"]


def test_a_websocket_to_a_stranger_is_refused_with_its_reason(authority: Authority, tmp_path: Path) -> None:
    """What every device would otherwise repeat for half a minute without a word."""
    why, failed = dialled(authority, Authority.make(tmp_path).ca_file)

    assert "is not trusted" in why
    assert failed == "failed"
