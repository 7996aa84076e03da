"""The routes below `/auth/v1`: requests taken apart, answers put together. What happens is `service`'s business."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtests.pipeline.gateway.auth.errors import API_VERSION_HEADER, AuthRefusal, validation_failed
from loadtests.pipeline.gateway.auth.service import Accounts, NewUser
from loadtests.pipeline.gateway.auth.shapes import user_json
from loadtests.pipeline.gateway.callers import bearer_token

_API_VERSION: Final = "2024-01-01"
_PAGE_SIZE: Final = 50

Handler = Callable[[Request], Awaitable[Response]]


def auth_routes(accounts: Accounts) -> Starlette:
    """Return the application."""
    people, admins = _People(accounts), _Admins(accounts)
    served: list[tuple[str, str, Handler]] = [
        ("GET", "/health", _health),
        ("POST", "/signup", people.sign_up),
        ("POST", "/token", people.token),
        ("GET", "/user", people.user),
        ("POST", "/logout", people.sign_out),
        ("POST", "/admin/users", admins.create),
        ("GET", "/admin/users", admins.page),
        ("GET", "/admin/users/{id}", admins.get),
        ("DELETE", "/admin/users/{id}", admins.delete),
    ]
    return Starlette(
        routes=[Route(path, _answering(handler), methods=[method]) for method, path, handler in served],
        exception_handlers={404: _unknown, 405: _unknown},
    )


@dataclass(frozen=True, slots=True)
class _People:
    """What everybody may ask for."""

    accounts: Accounts

    async def sign_up(self, request: Request) -> Response:
        body = await _body(request)
        if not body.get("password"):
            raise validation_failed("Signup requires a valid password")
        new = NewUser(
            email=_text(body, "email"),
            password=_text(body, "password"),
            is_confirmed=True,  # the project asks for no confirmation, as one on a developer's machine does not
            user_metadata=_object(body, "data"),
        )
        return _json(200, await self.accounts.sign_up(new))

    async def token(self, request: Request) -> Response:
        body, grant = await _body(request), request.query_params.get("grant_type", "")
        if grant == "password":
            return _json(200, await self.accounts.sign_in(_text(body, "email"), _text(body, "password")))
        if grant == "refresh_token":
            return _json(200, await self.accounts.refresh(_text(body, "refresh_token")))
        raise AuthRefusal(400, "invalid_credentials", "unsupported_grant_type")

    async def user(self, request: Request) -> Response:
        _, row = await self.accounts.bearer(_bearer(request))
        return _json(200, user_json(row))

    async def sign_out(self, request: Request) -> Response:
        await self.accounts.sign_out(_bearer(request), request.query_params.get("scope") or "global")
        return Response(status_code=204)


@dataclass(frozen=True, slots=True)
class _Admins:
    """What the service role may ask for."""

    accounts: Accounts

    async def create(self, request: Request) -> Response:
        self.accounts.require_admin(_bearer(request))
        body = await _body(request)
        new = NewUser(
            email=_text(body, "email"),
            password=_text(body, "password") if body.get("password") is not None else None,
            is_confirmed=body.get("email_confirm") is True,
            user_metadata=_object(body, "user_metadata"),
            app_metadata=_object(body, "app_metadata"),
            role=_text(body, "role") if body.get("role") else "authenticated",
            user_id=_text(body, "id") if body.get("id") else None,
        )
        return _json(200, await self.accounts.create(new))

    async def page(self, request: Request) -> Response:
        self.accounts.require_admin(_bearer(request))
        page, size = _number(request, "page", 1), _number(request, "per_page", _PAGE_SIZE)
        users, total = await self.accounts.page(page, size)
        response = _json(200, {"users": users, "aud": "authenticated"})
        response.headers["x-total-count"] = str(total)
        return response

    async def get(self, request: Request) -> Response:
        self.accounts.require_admin(_bearer(request))
        return _json(200, await self.accounts.get(request.path_params["id"]))

    async def delete(self, request: Request) -> Response:
        self.accounts.require_admin(_bearer(request))
        if (await _body(request)).get("should_soft_delete"):
            raise validation_failed("the embedded pipeline deletes for good: leave should_soft_delete out")
        await self.accounts.delete(request.path_params["id"])
        return _json(200, {})


def _answering(handler: Handler) -> Handler:
    """Turn refusals into answers, in the form that the request's API version asks for."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except AuthRefusal as refusal:
            asked = request.headers.get(API_VERSION_HEADER)
            response = _json(refusal.status, refusal.body(asked))
            if asked is not None:
                response.headers[API_VERSION_HEADER] = _API_VERSION
            return response

    return answer


async def _health(_: Request) -> Response:
    return _json(200, {"name": "GoTrue", "description": "accounts of the embedded pipeline"})


async def _unknown(request: Request, _: Exception) -> Response:
    refusal = AuthRefusal(404, "not_found", f"{request.method} {request.url.path}: not served by the embedded pipeline")
    return _json(404, refusal.body(request.headers.get(API_VERSION_HEADER)))


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise AuthRefusal(400, "bad_json", f"Could not parse request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise AuthRefusal(400, "bad_json", "Could not parse request body as JSON: an object is expected")
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise validation_failed(f"{key} is missing or no text")
    if "\0" in value:
        raise validation_failed(f"{key} holds a character that cannot be stored")
    return value


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise validation_failed(f"{key} must be an object")
    return value


def _number(request: Request, key: str, otherwise: int) -> int:
    text = request.query_params.get(key) or ""
    if not text:
        return otherwise
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise validation_failed(f"Bad Pagination Parameters: {key} must be a number from 1 on")
    return int(text)


def _bearer(request: Request) -> str | None:
    return bearer_token(request.headers.get("authorization"))


def _json(status: int, body: object) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
