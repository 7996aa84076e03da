"""The routes that a run will use beside the list and creation, each as one request for the probe's own job. Pure.

What no device reads and no phase does is not asked of a target: it may lack it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtests.clients.requests import AUDIT_LIMIT, KeyKind, RequestKey
from loadtests.clients.roles import home_screen, models_of
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.identifiers import in_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a run does beside listing and creating jobs."""

    reads: frozenset[KeyKind] = frozenset()
    mutations: frozenset[MutationKind] = frozenset()


NOTHING: Final = Use()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of the contract, in the name of a reader or of the job's author."""

    what: str
    method: str
    path: str
    by_author: bool
    body: dict[str, Any] | None = None
    list_of: str = ""
    """A name of `routes.LISTS`, where a list is the answer."""
    tells_job: bool = True
    """Whether the answer has an id, where it is no list."""


def use_of(population: Population) -> Use:
    """Return what the devices of a run read, and what its phases do."""
    models = models_of(population.scenario)
    screens = (home_screen(device, models[device.model], population) for device in population.subscribers)
    phases = population.scenario.phases
    return Use(
        reads=frozenset(key.kind for screen in screens for key in screen.everything) - {KeyKind.JOB_LIST},
        mutations=frozenset(
            MutationKind[name.upper()] for phase in phases for name, weight in phase.mix.items() if weight
        )
        - {MutationKind.CREATE},
    )


def requests_of(use: Use, job: str) -> Iterator[Asked]:
    """Yield the requests; the archive is the last one, since nothing can be done with the job after it."""
    for kind in sorted(use.mutations - {MutationKind.ARCHIVE}):
        yield _MUTATIONS[kind](job)
    for read in sorted(use.reads):
        yield _READS[read](job)
    if MutationKind.ARCHIVE in use.mutations:
        yield Asked(what="an archive", method="POST", path=f"/api/jobs/{in_path(job)}/archive", by_author=True)


def _update(job: str) -> Asked:
    body = {"status": "pending", "description": "Changed by a readiness probe."}
    return Asked(what="an update", method="PATCH", path=f"/api/jobs/{in_path(job)}", by_author=True, body=body)


def _flag(job: str) -> Asked:
    body = {"flagged": True, "flag_reason": "Readiness probe"}
    return Asked(what="a flag", method="PATCH", path=f"/api/jobs/{in_path(job)}/flag", by_author=True, body=body)


def _document(job: str) -> Asked:
    body = {
        "name": "probe.jpg",
        "file_path": "evidence/probe.jpg",
        "file_size": 1,
        "mime_type": "image/jpeg",
        "type": "photo",
    }
    path = f"/api/jobs/{in_path(job)}/documents"
    return Asked(what="a document", method="POST", path=path, by_author=True, body=body, tells_job=False)


def _job(job: str) -> Asked:
    return Asked(what="a job", method="GET", path=RequestKey.job(job).path, by_author=False)


def _documents(job: str) -> Asked:
    path = RequestKey.documents(job).path
    return Asked(what="a job's documents", method="GET", path=path, by_author=False, list_of="documents")


def _audit(_job: str) -> Asked:
    path = RequestKey.audit(limit=AUDIT_LIMIT).path
    return Asked(what="the audit feed", method="GET", path=path, by_author=False, list_of="audit")


_Request = Callable[[str], Asked]
_MUTATIONS: Final[Mapping[MutationKind, _Request]] = {
    MutationKind.UPDATE: _update,
    MutationKind.FLAG: _flag,
    MutationKind.DOCUMENT: _document,
}
_READS: Final[Mapping[KeyKind, _Request]] = {
    KeyKind.JOB: _job,
    KeyKind.DOCUMENTS: _documents,
    KeyKind.AUDIT: _audit,
}
