"""A backend with paths, names, pages and envelopes of its own: the embedded jobs API behind a translation.

It can be told to refuse, to keep a job's revision to itself, and to have numbers for ids and text for revisions.
"""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLE = """
[api]
envelope = "result.items"
pages = "offset"

[api.routes]
jobs = "/v2/work-orders"
job = "/v2/work-orders/{job}"
archive = "/v2/work-orders/{job}/archive"
flag = "/v2/work-orders/{job}/attention"
documents = "/v2/work-orders/{job}/attachments"
audit = "/v2/history"

[api.query]
offset = "skip"
limit = "per_page"

[api.lists]
audit = ""

[api.fields]
revision = "version"
client_name = "customer"
"""


NUMBERS = """
create function number_of(id text) returns bigint language sql immutable as
$$ select ('x' || left(id, 8))::bit(32)::bigint $$;
create function with_numbers() returns trigger language plpgsql as $$ begin
    new.entity_id := public.number_of(new.entity_id);
    new.payload := jsonb_set(new.payload, '{job_id}', to_jsonb(public.number_of(new.payload ->> 'job_id')));
    return new;
end $$;
create trigger with_numbers before insert on realtime_events for each row execute function with_numbers();
"""
"""Events tell numbers too, where this is done to their database: the first 32 bits of our ids."""
PLAIN_IDS = "drop trigger with_numbers on realtime_events; drop function with_numbers; drop function number_of(text)"


@dataclass(slots=True, kw_only=True)
class Manners:
    """How it behaves; may be changed while it runs."""

    refuses: tuple[str, int, dict[str, Any]] | None = None
    """Requests of this method are answered with this status and body."""
    tells_revision: bool = True
    has_numbers: bool = False
    """Its ids are numbers, those of `NUMBERS`, and its revisions text."""
    ids: dict[str, str] = field(default_factory=dict)
    """The id behind each number that was told."""
    asked: int = 0
    """Lists of jobs that were asked for in its own way."""


@contextmanager
def other_backend(api_url: str, manners: Manners | None = None) -> Iterator[str]:
    """Serve the jobs API at `api_url` in its own way; yields the address."""
    own = manners or Manners()
    client = httpx.AsyncClient(base_url=api_url, timeout=10)

    async def pass_on(request: Request) -> Response:
        if own.refuses is not None and own.refuses[0] == request.method:
            return Response(orjson.dumps(own.refuses[2]), own.refuses[1], media_type="application/json")
        content = await request.body()
        if content:
            content = orjson.dumps(_renamed(orjson.loads(content), {"customer": "client_name"}))
        headers = {key: request.headers[key] for key in ("authorization", "x-request-id") if key in request.headers}
        answer = await client.request(
            request.method,
            _path(request.url.path, own),
            params=_asked(request, own),
            content=content,
            headers={**headers, "content-type": "application/json"},
        )
        told = answer.json()
        if answer.is_success:
            told = _told(told, own)
        return Response(orjson.dumps(told), answer.status_code, media_type="application/json")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    routes = [Route("/v2/{rest:path}", pass_on, methods=["GET", "POST", "PATCH"])]
    app = Starlette(routes=routes, lifespan=lifespan)
    # It listens before it serves: who comes too soon waits, and nobody has to ask whether it has begun.
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def _path(path: str, own: Manners) -> str:
    path = path.replace("/v2/work-orders", "/api/jobs").replace("/attention", "/flag")
    path = path.replace("/attachments", "/documents").replace("/v2/history", "/api/audit/events")
    return "/".join(own.ids.get(part, part) for part in path.split("/"))


def _asked(request: Request, own: Manners) -> list[tuple[str, str]]:
    """Return the query by the contract's names: theirs skips rows where the contract counts pages."""
    query = dict(request.query_params)
    size = query.pop("per_page", None)
    if (skip := query.pop("skip", None)) is not None and size is not None:
        own.asked += 1
        query["page"] = str(int(skip) // int(size) + 1)
    return [*query.items(), *([("limit", size)] if size is not None else [])]


def _told(told: Any, own: Manners) -> Any:
    told = _renamed(told, {"revision": "version"} if own.tells_revision else {"revision": None})
    told = _numbered(told, own) if own.has_numbers else told
    if not isinstance(told, dict) or "data" not in told:
        return told
    inner = told["data"]
    return inner["events"] if isinstance(inner, dict) and "events" in inner else {"result": {"items": inner}}


def _numbered(told: Any, own: Manners) -> Any:
    """Return the same with numbers for ids, which are remembered, and text for revisions."""
    if isinstance(told, list):
        return [_numbered(each, own) for each in told]
    if not isinstance(told, dict):
        return told
    numbered = {key: _numbered(value, own) for key, value in told.items()}
    if isinstance(told.get("id"), str):
        numbered["id"] = int(told["id"][:8], 16)
        own.ids[str(numbered["id"])] = told["id"]
    if "version" in told:
        numbered["version"] = str(told["version"])
    return numbered


def _renamed(told: Any, names: dict[str, Any]) -> Any:
    """Return the same with other names of fields, without those whose name is None."""
    if isinstance(told, list):
        return [_renamed(each, names) for each in told]
    if isinstance(told, dict):
        named = ((names.get(key, key), value) for key, value in told.items())
        return {key: _renamed(value, names) for key, value in named if key is not None}
    return told
