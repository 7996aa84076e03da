"""The routes, each under `/api` and under `/v1`, as one ASGI application.

Knows which handler serves which path; how a request is answered is the endpoint's business.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from loadtests.pipeline.api.audit import list_audit_events
from loadtests.pipeline.api.audit_write import append_audit_event
from loadtests.pipeline.api.devices import register_device
from loadtests.pipeline.api.documents import add_document, list_documents, verify_document
from loadtests.pipeline.api.endpoint import Answer, Api, Endpoint, Handler, OpenEndpoint, Upstream
from loadtests.pipeline.api.exports import get_export, request_export
from loadtests.pipeline.api.jobs_bulk import update_status_of_many
from loadtests.pipeline.api.jobs_delete import delete_job
from loadtests.pipeline.api.jobs_read import get_job, list_jobs
from loadtests.pipeline.api.jobs_write import archive_job, create_job, flag_job, update_job
from loadtests.pipeline.api.legal import accept_legal_terms
from loadtests.pipeline.api.misbehaviour import Tampered
from loadtests.pipeline.api.mitigations import toggle_mitigation
from loadtests.pipeline.api.routing import Router
from loadtests.pipeline.api.sync import sync_batch

_PREFIXES = ("/api", "/v1")

UPSTREAM: Final[Mapping[Handler, Upstream]] = {
    list_jobs: Upstream(8),
    get_job: Upstream(7),
    create_job: Upstream(13),
    update_job: Upstream(11),
    archive_job: Upstream(9),
    flag_job: Upstream(10),
    add_document: Upstream(13),
    list_documents: Upstream(8, calls_per_row=1),
    update_status_of_many: Upstream(6),
    list_audit_events: Upstream(2, calls_per_row=2),
}
"""Calls to other services per request, counted on the original backend while it ran."""
_UNCOUNTED: Final = Upstream(4)
"""Of the other routes only what every request costs is known: token, user, plan and terms."""


@dataclass(frozen=True, slots=True)
class ByMethod:
    """Serve one path: a method that is not there is a route that is not there."""

    endpoints: Mapping[str, ASGIApp]
    otherwise: ASGIApp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand the request to its method's endpoint."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return self.endpoints.get(method, self.otherwise)(scope, receive, send)


def build_app(api: Api) -> ASGIApp:
    """Return the application that serves `api`."""
    no_route = OpenEndpoint(lambda: Answer(404, {"message": "Route not found"}))
    health = OpenEndpoint(lambda: health_of(api))

    def path(path: str, **handlers: ASGIApp) -> tuple[str, ASGIApp]:
        return path, ByMethod(handlers, no_route)

    def route(name: str, **handlers: Handler) -> tuple[str, ASGIApp]:
        served = {
            method: Endpoint(
                api,
                handler,
                exempt_from_terms=handler is accept_legal_terms,
                may_be_stale=handler is list_jobs,
                upstream=UPSTREAM.get(handler, _UNCOUNTED),
            )
            for method, handler in handlers.items()
        }
        return path(name, **served)

    routes = [path("/health", GET=health)]
    for prefix in _PREFIXES:
        jobs = f"{prefix}/jobs"
        job = f"{jobs}/{{id}}"
        routes += [
            route(jobs, GET=list_jobs, POST=create_job),
            route(job, GET=get_job, PATCH=update_job, DELETE=delete_job),
            route(f"{jobs}/bulk/status", POST=update_status_of_many),
            route(f"{job}/archive", POST=archive_job),
            route(f"{job}/flag", PATCH=flag_job),
            route(f"{job}/documents", GET=list_documents, POST=add_document),
            route(f"{job}/evidence/{{document_id}}/verify", POST=verify_document),
            route(f"{job}/mitigations/{{mitigation_id}}", PATCH=toggle_mitigation),
            route(f"{job}/export/pdf", POST=request_export("pdf")),
            route(f"{job}/export/proof-pack", POST=request_export("proof_pack")),
            route(f"{prefix}/exports/{{id}}", GET=get_export),
            route(f"{prefix}/sync/batch", POST=sync_batch),
            route(f"{prefix}/audit/events", GET=list_audit_events, POST=append_audit_event),
            route(f"{prefix}/devices", POST=register_device),
            route(f"{prefix}/legal/accept", POST=accept_legal_terms),
            path(f"{prefix}/health", GET=health),
        ]
    return Tampered(Router(dict(routes), otherwise=no_route), api.misbehaviour)


def health_of(api: Api) -> Answer:
    """Say that the process serves, and what it could not do after its mutations; asks no database."""
    emission = api.emission
    return Answer(
        200,
        {
            "status": "ok",
            "emitted": emission.emitted,
            "not_emitted": emission.not_emitted,
            "merged": emission.merged,
            "not_audited": api.not_audited,
            "removed": api.removed_events,
        },
    )
