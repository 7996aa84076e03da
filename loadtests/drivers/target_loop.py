"""The event loop that the official client runs on: it knows the way to a target that takes more than a URL.

The client takes a URL and no more: neither authorities to trust nor an address apart from the name in the `Host`
header. But it has the running loop open its connections, and the loop is ours anyway. So the client is given the URL
with the name, and the loop leads what is asked for by that name to the address, and verifies it as the lean
subscribers do. Client and WebSocket library stay as their users have them. And as the library follows redirects to
wherever they lead, whose owner nobody has asked, the loop connects to nothing but the target. Must know nothing of
channels and frames.
"""

import asyncio
import ssl
from typing import Any

from loadtests.wire.way import Way


class StrangerError(OSError):
    """The target sends the client to a host that nobody has allowed. The text names the host, and nothing else."""


class TargetLoop(asyncio.SelectorEventLoop):
    """Asyncio's own loop, but for connections to one target."""

    def __init__(self) -> None:
        super().__init__()
        self._way: Way | None = None
        self._context: ssl.SSLContext | None = None

    def lead(self, way: Way, context: ssl.SSLContext | None) -> None:
        """Lead connections to a target from now on; without a context TLS is the library's own."""
        self._way, self._context = way, context

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        """Connect as asyncio does; what is called by the target's name, at the target's address.

        Raises:
            StrangerError: it is not called by the target's name, as after a redirect.

        """
        if self._way is not None:
            if (host, port) != self._way.called:
                raise StrangerError(
                    f"the target redirects to {host}:{port}, which no run follows: name as realtime_url where it "
                    "really is"
                )
            host, port = self._way.address
            if options.get("ssl"):
                options |= {"server_hostname": host, "ssl": self._context or options["ssl"]}
        return await super().create_connection(protocol_factory, host, port, **options)
