"""The way to the push service: one connection, opened when it is needed and again when it fails.

Knows addresses and time-outs, not notifications.
"""

import asyncio
from urllib.parse import urlsplit

from loadtests.pipeline.push.http2_client import Http2Client, Http2Error, Response


class ChannelError(ConnectionError):
    """There is no answer: the service is out of reach, went away, or was too slow."""


class Channel:
    """Requests to one service."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None, url
        self._host = parts.hostname
        self._port = parts.port or 80
        self.authority = f"{self._host}:{self._port}"
        self._timeout_s = timeout_s
        self._client: Http2Client | None = None
        self._opening = asyncio.Lock()

    async def request(self, headers: list[tuple[str, str]], body: bytes) -> Response:
        """Send one request and return its answer.

        Raises:
            ChannelError: there is none; the request may have been acted on or not.

        """
        client = None
        try:
            async with asyncio.timeout(self._timeout_s):
                client = await self._usable_client()
                return await client.request(headers, body)
        except TimeoutError:
            if client is not None:
                # A connection that answers nothing may be dead without anybody having said so.
                client.close()
            raise ChannelError(f"no answer within {self._timeout_s:g} s") from None
        except (Http2Error, OSError) as error:
            raise ChannelError(str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    async def _usable_client(self) -> Http2Client:
        async with self._opening:
            if self._client is None or not self._client.usable:
                self._client = await Http2Client.open(self._host, self._port)
            return self._client
