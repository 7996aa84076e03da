"""Opening WebSockets for subscribers: a task each, only as long as the handshake lasts.

Knows how a target refuses a connection; what a device does next is the device's business.
"""

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import orjson
from picows import WSError, WSHandshakeError, WSListener, WSParsedURL, WSTransport, ws_connect

from loadtests.drivers.subscribers import Subscriber
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.phoenix import Vsn
from loadtests.wire.retry_after import LIMITED, retry_after_s
from loadtests.wire.tls import client_context, explain

_log: Final = logging.getLogger(__name__)
_READ_BUFFER_BYTES: Final = 2048
"""Holds a frame of some 700 to 1,000 bytes; the default of 16 KiB would be the greater part of a device."""


class Dialler:
    """Opens WebSockets to one target."""

    def __init__(self, endpoint: Endpoint, *, handshake_timeout_s: float, respects_retry_after: bool = False) -> None:
        query = urlencode({"apikey": endpoint.anon_key, "vsn": Vsn.V2.value})
        self._url = f"{endpoint.realtime_url}?{query}"
        self._timeout_s = handshake_timeout_s
        self._respects_retry_after = respects_retry_after
        self._host = urlsplit(endpoint.realtime_url).netloc
        self._options: dict[str, Any] = {}
        if endpoint.realtime_host:
            self._options["extra_headers"] = {"Host": endpoint.realtime_host}
        if endpoint.realtime_url.startswith("wss"):
            context = client_context(endpoint.ca_file)
            self._options |= {"ssl_context": context, "ssl_handshake_timeout": handshake_timeout_s}
        # Given a plain logger, picows makes a child of it for each connection, of more than a kilobyte each.
        self._logger = logging.LoggerAdapter(logging.getLogger("picows.subscribers"))
        self._under_way: dict[asyncio.Task[None], Attempt] = {}

    def dial(self, subscriber: Subscriber) -> "Attempt":
        """Begin to open a WebSocket for `subscriber`."""
        attempt = Attempt(subscriber)
        attempt.task = asyncio.get_running_loop().create_task(self._dial(attempt))
        self._under_way[attempt.task] = attempt
        attempt.task.add_done_callback(self._under_way.pop)
        return attempt

    def close(self) -> None:
        """Give up what is under way."""
        for attempt in tuple(self._under_way.values()):
            attempt.give_up()

    async def _dial(self, attempt: "Attempt") -> None:
        try:
            connection = await ws_connect(
                lambda _request, _response: attempt.subscriber or _NOBODY,
                self._url,
                websocket_handshake_timeout=self._timeout_s,
                logger_name=self._logger,
                max_redirects=0,
                read_buffer_init_size=_READ_BUFFER_BYTES,
                socket_factory=lambda url: attempt.connect(url, timeout_s=self._timeout_s),
                use_aiofastnet=False,
                **self._options,
            )
        except WSHandshakeError as error:
            if attempt.subscriber is not None:
                attempt.subscriber.refused(*_refusal(error))
            # Whoever leaves meanwhile gives the attempt up, and nobody is told.
            await attempt.wait(_asked_to_wait_s(error) if self._respects_retry_after else 0.0)
            if attempt.subscriber is not None:
                attempt.subscriber.failed_to_connect()
        except (OSError, WSError) as error:  # TimeoutError is an OSError
            if attempt.subscriber is not None:
                why = explain(error, self._host)
                _log.warning("no WebSocket: %s", why)
                if isinstance(error, ssl.SSLError):
                    attempt.subscriber.refused(0, why)
                attempt.subscriber.failed_to_connect()
        else:
            # The type stubs do not know that there is no listener when the handshake was not answered.
            if cast("WSListener | None", connection[1]) is None and attempt.subscriber is not None:
                attempt.subscriber.failed_to_connect()


class Attempt:
    """One WebSocket on its way; given up, it is closed at once and its subscriber hears nothing of it.

    The WebSocket library must never be cancelled during a handshake: it would keep the connection until the server
    answers, and its timeout would then be an error that nobody awaits. So the socket is ours until it stands.
    """

    __slots__ = ("_pause", "_socket", "subscriber", "task")

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber: Subscriber | None = subscriber
        """Who hears of the outcome; None: nobody any more."""
        self.task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        self._pause: asyncio.Event | None = None

    async def wait(self, seconds: float) -> None:
        """Wait as the target has asked, or until it is given up."""
        if seconds > 0:
            self._pause = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._pause.wait()

    def give_up(self) -> None:
        """Close what there is."""
        self.subscriber = None
        if self._pause is not None:
            self._pause.set()
        elif self._socket is not None:
            with suppress(OSError):  # it may be closed already
                self._socket.shutdown(socket.SHUT_RDWR)
        elif self.task is not None:
            self.task.cancel()

    async def connect(self, url: WSParsedURL, *, timeout_s: float) -> socket.socket:
        """Return a connected socket: to the first of the host's addresses that answers."""
        loop = asyncio.get_running_loop()
        refusal: OSError = ConnectionError(f"{url.host} has no address")
        async with asyncio.timeout(timeout_s):
            for family, address in await _addresses(url.host, url.port):
                connecting = socket.socket(family, socket.SOCK_STREAM)
                connecting.setblocking(False)  # noqa: FBT003 - the standard library's signature
                try:
                    await loop.sock_connect(connecting, address)
                except OSError as error:
                    connecting.close()
                    refusal = error
                except asyncio.CancelledError:
                    connecting.close()
                    raise
                else:
                    self._socket = connecting
                    return connecting
        raise refusal


async def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    """Return the family and address of each place where a host may be; what is an address needs no thread to find it.

    A look-up goes on in its thread when its dial is given up, and a loop that is closed meanwhile waits for ever.
    """
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found]
    return [(family, (host, port))]


class _Nobody(WSListener):
    """Takes what had been given up and was answered all the same."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.disconnect(graceful=False)


_NOBODY: Final = _Nobody()


def _asked_to_wait_s(error: WSHandshakeError) -> float:
    """Return the seconds of `Retry-After`; 0 without one."""
    if error.response is None or int(error.response.status) not in LIMITED:
        return 0.0
    return retry_after_s(str(error.response.headers.get("Retry-After", "")), now=datetime.now(UTC)) or 0.0


def _refusal(error: WSHandshakeError) -> tuple[int, str]:
    """Return status and reason of a refused handshake, whose body is `{"error": text}` by the server's source."""
    if error.response is None:
        return 0, str(error)
    body = error.raw_body or b""
    try:
        told = orjson.loads(body)
        reason = str(told["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        reason = body[:200].decode(errors="replace") or error.response.status.phrase
    return int(error.response.status), reason
