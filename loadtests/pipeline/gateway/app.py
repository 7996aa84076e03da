"""The gateway as one ASGI application: the project's key is checked, then the service behind the path answers.

Knows which service has which path, and what a gateway itself says; nothing of accounts and tables.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.pipeline.api.database import Pool
from loadtests.pipeline.gateway.auth.routes import auth_routes
from loadtests.pipeline.gateway.auth.service import Accounts
from loadtests.pipeline.gateway.rest.routes import rest_routes
from loadtests.pipeline.gateway.rest.service import Tables
from loadtests.pipeline.settings import GatewayHello


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What the services need."""

    pool: Pool
    hello: GatewayHello
    url: str
    """The gateway's own address: the issuer of tokens."""
    wall_s: Callable[[], float]
    """Unix time in seconds."""


class KeyCheck:
    """Let through who shows a key of the project, as a header or in the query."""

    def __init__(self, inner: ASGIApp, keys: tuple[str, ...]) -> None:
        self._inner = inner
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        request = Request(scope)
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        if request.method == "OPTIONS" or (key is not None and self._is_known(key)):
            await self._inner(scope, receive, send)
            return
        said = {"message": "No API key found in request" if key is None else "Invalid API key"}
        if key is not None:
            said["hint"] = "Double check your Supabase `anon` or `service_role` API key."
        await json_response(401, said)(scope, receive, send)

    def _is_known(self, key: str) -> bool:
        return any(hmac.compare_digest(key.encode(), known.encode()) for known in self._keys)


def build_app(gateway: Gateway) -> ASGIApp:
    """Return the application that serves `gateway`."""
    hello, keys = gateway.hello, (gateway.hello.anon_key, gateway.hello.service_key)
    accounts = Accounts(
        pool=gateway.pool,
        secret=hello.jwt_secret,
        issuer=f"{gateway.url}/auth/v1",
        token_lifetime_s=hello.options.token_lifetime_s,
        wall_s=gateway.wall_s,
    )
    tables = Tables(pool=gateway.pool, secret=hello.jwt_secret, max_rows=hello.options.max_rows, wall_s=gateway.wall_s)
    return Starlette(
        routes=[
            Mount("/auth/v1", app=KeyCheck(auth_routes(accounts), keys)),
            Mount("/rest/v1", app=KeyCheck(rest_routes(tables), keys)),
        ],
        exception_handlers={404: _no_route},
    )


def json_response(status: int, body: object) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(body), status, media_type="application/json")


async def _no_route(request: Request, _: Exception) -> Response:
    return json_response(404, {"message": f"no Route matched with those values: {request.url.path}"})
