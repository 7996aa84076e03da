"""By which name a target's Realtime is called, and at which address it is.

The two differ where a bare Realtime finds its tenant in the `Host` header. WebSocket libraries write the host of their
URL there, and one that is added may stand beside it, which servers refuse. So a client is given a URL with the name,
and its connection is led to the address. Pure: whoever connects, connects elsewhere.
"""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from loadtests.wire.endpoint import Endpoint

_PORTS: Final = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way to a target's WebSocket; places are host and port."""

    url: str
    """Without query, with the host that the target wants to read."""
    called: tuple[str, int]
    """Where `url` would lead to."""
    address: tuple[str, int]
    """Where the target is, and whose certificate is checked."""

    @classmethod
    def to(cls, endpoint: Endpoint) -> Self:
        """Return the way to the Realtime of a target."""
        parts = urlsplit(endpoint.realtime_url)
        named = parts._replace(netloc=endpoint.realtime_host or parts.netloc)
        port = _PORTS[parts.scheme]
        return cls(
            url=named.geturl(),
            called=(named.hostname or "", named.port or port),
            address=(parts.hostname or "", parts.port or port),
        )
