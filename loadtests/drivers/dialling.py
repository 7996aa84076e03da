"""Opening WebSockets for subscribers: a task each, only as long as the handshake lasts.

Knows how a target refuses a connection; what a device does next is the device's business.
"""

import asyncio
import logging
from typing import Final, cast
from urllib.parse import urlencode

import orjson
from picows import WSError, WSHandshakeError, WSListener, ws_connect

from loadtests.drivers.subscribers import Subscriber
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.phoenix import Vsn

_log: Final = logging.getLogger(__name__)
_READ_BUFFER_BYTES: Final = 2048
"""Holds a frame of some 700 to 1,000 bytes; the default of 16 KiB would be the greater part of a device."""


class Dialler:
    """Opens WebSockets to one target."""

    def __init__(self, endpoint: Endpoint, *, handshake_timeout_s: float) -> None:
        query = urlencode({"apikey": endpoint.anon_key, "vsn": Vsn.V2.value})
        self._url = f"{endpoint.realtime_url}?{query}"
        self._timeout_s = handshake_timeout_s
        # Given a plain logger, picows makes a child of it for each connection, of more than a kilobyte each.
        self._logger = logging.LoggerAdapter(logging.getLogger("picows.subscribers"))
        self._under_way: set[asyncio.Task[None]] = set()

    def dial(self, subscriber: Subscriber) -> asyncio.Task[None]:
        """Begin to open a WebSocket for `subscriber`; cancelled, the task gives it up and nobody hears of it."""
        task = asyncio.get_running_loop().create_task(self._dial(subscriber))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def close(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()

    async def _dial(self, subscriber: Subscriber) -> None:
        try:
            # The handshake has a timeout of its own, which closes the connection; the outer one is for TCP.
            async with asyncio.timeout(2 * self._timeout_s):
                connection = await ws_connect(
                    lambda _request, _response: subscriber,
                    self._url,
                    websocket_handshake_timeout=self._timeout_s,
                    logger_name=self._logger,
                    max_redirects=0,
                    read_buffer_init_size=_READ_BUFFER_BYTES,
                    use_aiofastnet=False,
                )
        except WSHandshakeError as error:
            status, reason = _refusal(error)
            subscriber.refused(status, reason)
            subscriber.failed_to_connect()
        except (OSError, WSError) as error:  # TimeoutError is an OSError
            _log.warning("no WebSocket: %s", str(error) or type(error).__name__)
            subscriber.failed_to_connect()
        else:
            # The type stubs do not know that there is no listener when the handshake was not answered.
            if cast("WSListener | None", connection[1]) is None:
                subscriber.failed_to_connect()


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
