"""The HTTP request that each kind of mutation makes of the jobs API. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from loadtests.drivers.job_board import Mutation
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.identifiers import in_path, text_of
from loadtests.wire.revisions import TOLD, Revisions

_STATUSES = ("pending", "in_progress", "on_hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationRequest:
    """Method, path and JSON body; `label` groups requests in Locust's statistics."""

    method: str
    path: str
    label: str
    body: dict[str, Any] | None


def request_of(mutation: Mutation) -> MutationRequest:
    """Return the request that carries out `mutation`."""
    job = None if mutation.job_id is None else in_path(mutation.job_id)
    number = mutation.index
    risk: dict[str, Any] = {"risk_factor_codes": mutation.risk_factor_codes} if mutation.risk_factor_codes else {}
    match mutation.kind:
        case MutationKind.CREATE:
            body = {
                "client_name": f"Client {number}",
                "client_type": "commercial",
                "job_type": "inspection",
                "location": f"{number} Harbour Street",
                "description": "Made by a load test.",
                **risk,
            }
            return MutationRequest(method="POST", path="/api/jobs", label="create", body=body)
        case MutationKind.UPDATE:
            change = {"status": _STATUSES[number % len(_STATUSES)], "description": f"Changed by mutation {number}."}
            return MutationRequest(method="PATCH", path=f"/api/jobs/{job}", label="update", body=change | risk)
        case MutationKind.ARCHIVE:
            return MutationRequest(method="POST", path=f"/api/jobs/{job}/archive", label="archive", body=None)
        case MutationKind.FLAG:
            flag: dict[str, Any] = {"flagged": number % 2 == 0, "flag_reason": f"Mutation {number}"}
            return MutationRequest(method="PATCH", path=f"/api/jobs/{job}/flag", label="flag", body=flag)
        case MutationKind.DOCUMENT:
            document: dict[str, Any] = {
                "name": f"photo-{number}.jpg",
                "file_path": f"evidence/{number}.jpg",
                "file_size": 48_213,
                "mime_type": "image/jpeg",
                "type": "photo",
            }
            return MutationRequest(method="POST", path=f"/api/jobs/{job}/documents", label="document", body=document)


@dataclass(frozen=True, slots=True)
class JobState:
    """What a successful response says of the job: its id, and its revision (0 when it says none)."""

    job_id: str
    revision: int


def read_response(mutation: Mutation, content: bytes, revisions: Revisions = TOLD) -> JobState:
    """Return the job that a successful response speaks of.

    Raises:
        ValueError, TypeError, KeyError: the response is not what the contract promises.

    """
    answer = orjson.loads(content)
    # Most answers are wrapped in `data`; a flag's stands bare.
    job = answer.get("data", answer) if isinstance(answer, dict) else None
    if not isinstance(job, dict):
        raise TypeError(f"no job in the answer: {content[:200]!r}")
    if mutation.kind is MutationKind.DOCUMENT:
        assert mutation.job_id is not None
        return JobState(mutation.job_id, 0)
    identifier = text_of(job["id"])
    if identifier is None:
        raise TypeError(f"the job's id is {job['id']!r}, neither text nor a whole number")
    return JobState(identifier, revisions.of(job.get("revision"), job.get("updated_at")))


def read_refusal(status: int, content: bytes) -> str:
    """Return a refusal in few words, the same for equal refusals: status, and the answer's code or message."""
    if status == 0:
        return "no response"
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return f"{status}: not JSON"
    told = answer.get("code") or answer.get("message") if isinstance(answer, dict) else None
    return f"{status}: {told}" if told else str(status)
