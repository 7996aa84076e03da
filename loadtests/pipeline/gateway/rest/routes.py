"""The routes below `/rest/v1`: one table each, read by GET and HEAD, written by POST, PATCH and DELETE.

Takes requests apart and puts answers together; SQL is `statements`' business, roles are `service`'s.
"""

from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtests.pipeline.gateway.callers import bearer_token
from loadtests.pipeline.gateway.rest.catalog import Table
from loadtests.pipeline.gateway.rest.errors import RestRefusal
from loadtests.pipeline.gateway.rest.query import Preferences, Query, read_preferences, read_query
from loadtests.pipeline.gateway.rest.service import Outcome, Tables
from loadtests.pipeline.gateway.rest.statements import (
    Statement,
    delete_statement,
    insert_statement,
    select_statement,
    update_statement,
)

_JSON: Final = "application/json; charset=utf-8"
_SINGLE_JSON: Final = "application/vnd.pgrst.object+json; charset=utf-8"
_STATUS: Final = {"POST": 201, "PATCH": 200, "DELETE": 200}


def rest_routes(tables: Tables) -> Starlette:
    """Return the application."""

    async def table(request: Request) -> Response:
        try:
            return await _answer(tables, request)
        except RestRefusal as refusal:
            return refused(refusal)

    async def function(request: Request) -> Response:
        name = request.path_params["name"]
        return refused(
            RestRefusal(
                404,
                "PGRST202",
                f"Could not find the function public.{name} in the schema cache",
                "The embedded pipeline serves tables and no functions.",
            )
        )

    return Starlette(
        routes=[
            Route("/rpc/{name}", function, methods=["GET", "POST"]),
            Route("/{table}", table, methods=["GET", "POST", "PATCH", "DELETE"]),
        ],
        exception_handlers={404: _unknown, 405: _unknown},
    )


def refused(refusal: RestRefusal) -> Response:
    """Return a refusal as an answer."""
    response = Response(orjson.dumps(refusal.body()), refusal.status, media_type=_JSON)
    response.headers["proxy-status"] = f"PostgREST; error={refusal.code}"
    if refusal.challenge is not None:
        response.headers["www-authenticate"] = refusal.challenge
    return response


async def _answer(tables: Tables, request: Request) -> Response:
    caller = tables.caller(bearer_token(request.headers.get("authorization")))
    _require_public(request)
    reads = request.method in {"GET", "HEAD"}
    query = read_query(request.query_params.multi_items(), request.headers.get("range") if reads else None)
    preferences = read_preferences(request.headers.get("prefer", ""), request.headers.get("accept", ""))
    rows = [] if reads or request.method == "DELETE" else _rows(await request.body())

    def make(table: Table) -> Statement:
        return _statement(request.method, table, query, (rows, preferences, tables.max_rows))

    def check(outcome: Outcome) -> None:
        wants_rows = reads or preferences.returns == "representation"
        if preferences.is_single and wants_rows and outcome.rows != 1:
            raise RestRefusal(
                406,
                "PGRST116",
                "Cannot coerce the result to a single JSON object",
                f"The result contains {outcome.rows} rows",
            )

    outcome = await tables.run(caller, request.path_params["table"], make, only_reads=reads, check=check)
    return _read(outcome, query, preferences) if reads else _written(outcome, request.method, preferences)


def _statement(
    method: str, table: Table, query: Query, how: tuple[list[dict[str, Any]], Preferences, int]
) -> Statement:
    rows, preferences, max_rows = how
    if method in {"GET", "HEAD"}:
        return select_statement(table, query, max_rows=max_rows, is_counted=preferences.is_counted)
    if method == "POST":
        return insert_statement(table, query, rows, preferences)
    word = {"PATCH": "UPDATE", "DELETE": "DELETE"}[method]
    if query.is_limited or query.order:
        raise RestRefusal(400, "PGRST100", f"{word} takes filters: no order, limit or offset")
    if not query.conditions:
        # Supabase loads pg-safeupdate for its API's connections.
        raise RestRefusal(400, "21000", f"{word} requires a WHERE clause")
    if method == "DELETE":
        return delete_statement(table, query, preferences)
    if len(rows) != 1 or not rows[0]:
        raise RestRefusal(400, "PGRST102", "An object with the columns to change is expected")
    return update_statement(table, query, rows[0], preferences)


def _read(outcome: Outcome, query: Query, preferences: Preferences) -> Response:
    total = outcome.total
    if total is not None and query.offset > max(total, 0):
        details = f"An offset of {query.offset} was requested, but there are only {total} rows."
        raise RestRefusal(416, "PGRST103", "Requested range not satisfiable", details)
    is_part = total is not None and outcome.rows < total
    return _with_range(outcome, query.offset, 206 if is_part else 200, is_single=preferences.is_single)


def _written(outcome: Outcome, method: str, preferences: Preferences) -> Response:
    if preferences.returns != "representation":
        response = Response(status_code=201 if method == "POST" else 204)
        response.headers["content-range"] = f"*/{'*' if outcome.total is None else outcome.total}"
        return response
    return _with_range(outcome, 0, _STATUS[method], is_single=preferences.is_single)


def _with_range(outcome: Outcome, first: int, status: int, *, is_single: bool) -> Response:
    # An array of one row without its brackets is that row.
    body = outcome.body[1:-1] if is_single else outcome.body
    response = Response(body, status, media_type=_SINGLE_JSON if is_single else _JSON)
    covered = f"{first}-{first + outcome.rows - 1}" if outcome.rows else "*"
    response.headers["content-range"] = f"{covered}/{'*' if outcome.total is None else outcome.total}"
    return response


def _rows(raw: bytes) -> list[dict[str, Any]]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RestRefusal(400, "PGRST102", "Empty or invalid json") from error
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows):
        raise RestRefusal(400, "PGRST102", "All objects of the body must be JSON objects")
    return rows


def _require_public(request: Request) -> None:
    for header in ("accept-profile", "content-profile"):
        schema = request.headers.get(header, "public")
        if schema != "public":
            raise RestRefusal(406, "PGRST106", f"Invalid schema: {schema}", None, "Only the schema public is exposed")


async def _unknown(request: Request, _: Exception) -> Response:
    return refused(RestRefusal(404, "PGRST125", f"Invalid path specified in request URL: {request.url.path}"))
