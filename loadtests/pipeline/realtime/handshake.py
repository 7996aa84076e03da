"""The WebSocket handshake: who may connect, and the HTTP answers to everybody else.

Pure: a request's parts in, an acceptance or an HTTP answer out. The rules and texts are those of Supabase
Realtime's user socket (`apikey` as header or query parameter, `vsn`) and of Phoenix' transport.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import orjson

from loadtests.pipeline.realtime.claims import TokenRefused, TokenVerifier
from loadtests.wire.phoenix import Vsn

_VERSION: Final = re.compile(r"([12])\.0\.(?:0|[1-9]\d*)(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
PATHS: Final = frozenset({"/realtime/v1/websocket", "/socket/websocket"})
"""The address behind Supabase's gateway and the server's own."""
_REMEMBERED_QUERIES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A socket may open; `apikey` stands in for a channel that brings no token."""

    vsn: Vsn
    apikey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The upgrade is answered with plain HTTP."""

    status: int
    body: bytes
    is_delayed: bool = True
    """Whether the server takes its deliberate time for it."""


def examine(
    query: str, headers: Mapping[str, str], *, verifier: TokenVerifier, now_s: float, tenant: str | None = None
) -> Accepted | Refused:
    """Decide about one upgrade request; `headers` has names in lower case, `now_s` is Unix time.

    `tenant` is what the first label of the `Host` header must be; None takes any.
    """
    parameters = _parameters(query)
    vsn = _serialization(parameters.get("vsn", Vsn.V1))
    if vsn is None:
        return Refused(status=403, body=b"", is_delayed=False)  # by Phoenix, before the server is asked
    if tenant is not None and _tenant(headers.get("host", "")) != tenant:
        return _refused("Tenant not found", status=404)
    apikey = headers.get("x-api-key", parameters.get("apikey"))
    if apikey is None:
        return _refused("API key is missing")
    try:
        verifier.verify(apikey, now_s)
    except TokenRefused as refusal:
        # Here, unlike in a join, the answer does not say how long ago.
        return _refused("Token has expired" if "has expired" in refusal.text else refusal.text)
    return Accepted(vsn=vsn, apikey=apikey)


@lru_cache(maxsize=_REMEMBERED_QUERIES)
def _parameters(query: str) -> Mapping[str, str]:
    """Return a query string's parameters; nearly all sockets of a project send the same."""
    return dict(parse_qsl(query, keep_blank_values=True))


def _serialization(version: str) -> Vsn | None:
    """Return the serialization that Phoenix chooses: any release of 1.0 or of 2.0."""
    found = _VERSION.fullmatch(version)
    return None if found is None else Vsn(f"{found[1]}.0.0")


def _tenant(host: str) -> str:
    return host.partition(":")[0].partition(".")[0]


def too_many(error: str) -> Refused:
    """Return the answer to a handshake beyond a limit of the plan."""
    return _refused(error, status=429)


def _refused(error: str, *, status: int = 401) -> Refused:
    return Refused(status=status, body=orjson.dumps({"error": error}))
