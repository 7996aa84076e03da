"""The routes, each under `/api` and under `/v1`, as one ASGI application.

Knows which handler serves which path; how a request is answered is the endpoint's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.pipeline.api.audit import list_audit_events
from loadtests.pipeline.api.documents import add_document, list_documents
from loadtests.pipeline.api.endpoint import Answer, Api, Endpoint, OpenEndpoint
from loadtests.pipeline.api.jobs_read import get_job, list_jobs
from loadtests.pipeline.api.jobs_write import archive_job, create_job, flag_job, update_job
from loadtests.pipeline.api.legal import accept_legal_terms

_PREFIXES = ("/api", "/v1")


@dataclass(frozen=True, slots=True)
class ByMethod:
    """Serve one path: a method that is not there is a route that is not there."""

    endpoints: Mapping[str, ASGIApp]
    otherwise: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its method's endpoint."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self.endpoints.get(method, self.otherwise)(scope, receive, send)


def build_app(api: Api) -> ASGIApp:
    """Return the application that serves `api`."""
    no_route = OpenEndpoint(lambda: Answer(404, {"message": "Route not found"}))
    health = OpenEndpoint(lambda: health_of(api))

    def path(path: str, **handlers: ASGIApp) -> Route:
        return Route(path, ByMethod(handlers, no_route))

    routes = [path("/health", GET=health)]
    for prefix in _PREFIXES:
        jobs = f"{prefix}/jobs"
        routes += [
            path(jobs, GET=Endpoint(api, list_jobs), POST=Endpoint(api, create_job)),
            path(f"{jobs}/{{id}}", GET=Endpoint(api, get_job), PATCH=Endpoint(api, update_job)),
            path(f"{jobs}/{{id}}/archive", POST=Endpoint(api, archive_job)),
            path(f"{jobs}/{{id}}/flag", PATCH=Endpoint(api, flag_job)),
            path(f"{jobs}/{{id}}/documents", GET=Endpoint(api, list_documents), POST=Endpoint(api, add_document)),
            path(f"{prefix}/audit/events", GET=Endpoint(api, list_audit_events)),
            path(f"{prefix}/legal/accept", POST=Endpoint(api, accept_legal_terms, exempt_from_terms=True)),
            path(f"{prefix}/health", GET=health),
        ]
    return Router(routes, redirect_slashes=False, default=no_route)


def health_of(api: Api) -> Answer:
    """Say that the process serves, and what it could not do after its mutations; asks no database."""
    emission = api.emission
    return Answer(
        200,
        {
            "status": "ok",
            "emitted": emission.emitted,
            "not_emitted": emission.not_emitted,
            "not_audited": api.not_audited,
        },
    )
