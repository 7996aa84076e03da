"""A backend with paths, names and envelopes of its own: the embedded jobs API behind a translation of its answers."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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

[api.routes]
jobs = "/v2/work-orders"
job = "/v2/work-orders/{job}"
archive = "/v2/work-orders/{job}/archive"
flag = "/v2/work-orders/{job}/attention"
documents = "/v2/work-orders/{job}/attachments"
audit = "/v2/history"

[api.query]
limit = "per_page"

[api.fields]
revision = "version"
client_name = "customer"
"""


@contextmanager
def other_backend(api_url: str) -> Iterator[str]:
    """Serve the jobs API at `api_url` in its own way; yields the address."""
    client = httpx.AsyncClient(base_url=api_url, timeout=10)

    async def pass_on(request: Request) -> Response:
        path = request.url.path.replace("/v2/work-orders", "/api/jobs").replace("/attention", "/flag")
        path = path.replace("/attachments", "/documents").replace("/v2/history", "/api/audit/events")
        query = request.url.query.replace("per_page=", "limit=")
        content = await request.body()
        if content:
            content = orjson.dumps(_renamed(orjson.loads(content), {"customer": "client_name"}))
        headers = {key: request.headers[key] for key in ("authorization", "x-request-id") if key in request.headers}
        answer = await client.request(
            request.method,
            f"{path}?{query}" if query else path,
            content=content,
            headers={**headers, "content-type": "application/json"},
        )
        told = _renamed(answer.json(), {"revision": "version"})
        if answer.is_success and isinstance(told, dict) and "data" in told:
            told = {"result": {"items": told["data"]}}
        return Response(orjson.dumps(told), answer.status_code, media_type="application/json")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    routes = [Route("/v2/{rest:path}", pass_on, methods=["GET", "POST", "PATCH"])]
    app = Starlette(routes=routes, lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def _renamed(told: Any, names: dict[str, str]) -> Any:
    if isinstance(told, list):
        return [_renamed(each, names) for each in told]
    if isinstance(told, dict):
        return {names.get(key, key): _renamed(value, names) for key, value in told.items()}
    return told
