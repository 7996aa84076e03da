"""A path leads to one application, or to none."""

import asyncio
from collections.abc import Awaitable

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.pipeline.api.routing import Router

PATHS = (
    "/health",
    "/jobs",
    "/jobs/{id}",
    "/jobs/{id}/archive",
    "/jobs/bulk/status",
    "/jobs/{id}/evidence/{document_id}/verify",
)


def naming(name: str, served: list[tuple[str, dict[str, str]]]) -> ASGIApp:
    """Return an application that only says that it was asked, and with which parameters."""

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: ARG001 - ASGI's signature
        served.append((name, scope.get("path_params", {})))
        return asyncio.sleep(0)

    return serve


@pytest.mark.parametrize(
    ("path", "name", "parameters"),
    [
        ("/health", "/health", {}),
        ("/jobs", "/jobs", {}),
        ("/jobs/7", "/jobs/{id}", {"id": "7"}),
        ("/jobs/7/archive", "/jobs/{id}/archive", {"id": "7"}),
        ("/jobs/bulk", "/jobs/{id}", {"id": "bulk"}),
        ("/jobs/bulk/status", "/jobs/bulk/status", {}),
        ("/jobs/bulk/archive", "/jobs/{id}/archive", {"id": "bulk"}),
        ("/jobs/7/evidence/8/verify", PATHS[-1], {"id": "7", "document_id": "8"}),
        ("/", "otherwise", {}),
        ("/jobs/", "otherwise", {}),
        ("/jobs//archive", "otherwise", {}),
        ("/jobs/7/status", "otherwise", {}),
        ("/jobs/7/evidence/8", "otherwise", {}),
        ("/health/7", "otherwise", {}),
        ("health", "otherwise", {}),
    ],
)
def test_a_path_leads_to_its_application(path: str, name: str, parameters: dict[str, str]) -> None:
    """Literal segments come first, a way that leads nowhere is given up, and an empty segment is no parameter."""
    served: list[tuple[str, dict[str, str]]] = []
    router = Router({each: naming(each, served) for each in PATHS}, otherwise=naming("otherwise", served))

    async def receive() -> dict[str, object]:
        return {}

    async def send(message: object) -> None:
        raise AssertionError(message)

    async def ask() -> None:
        await router({"type": "http", "path": path}, receive, send)  # type: ignore[arg-type] # never called

    asyncio.run(ask())

    assert served == [(name, parameters)]
