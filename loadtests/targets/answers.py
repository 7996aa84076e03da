"""What an HTTP request of the jobs API came to, in the words in which readiness is judged.

Knows httpx and the shapes of refusals, not what to do about them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson

from loadtests.checks.readiness import Answered
from loadtests.wire.identifiers import text_of
from loadtests.wire.retry_after import LIMITED
from loadtests.wire.revisions import RevisionError, Revisions
from loadtests.wire.tls import explain

_LONGEST_WORDS: Final = 200
_ANY_TIME: Final = datetime.fromtimestamp(0, UTC)


def unanswered(url: str, error: httpx.HTTPError) -> Answered:
    """Return why there was no answer."""
    host = httpx.URL(url).host
    if isinstance(error, httpx.ConnectTimeout):
        return Answered(url=url, says=f"{host} takes no connection in time, as where a firewall drops packets")
    if isinstance(error, httpx.TimeoutException):
        return Answered(url=url, says=f"{host} takes the connection and does not answer in time")
    return Answered(url=url, says=explain(error, host))


def answered(url: str, answer: httpx.Response) -> Answered:
    """Return the status, and what the answer says of itself: its code or message, and for how long to wait."""
    told = read_json(answer.content)
    if told is None:
        return Answered(url=url, status=answer.status_code, says="no JSON", is_understood=False)
    says = _words(told)
    if answer.status_code in LIMITED and (after := answer.headers.get("retry-after")):
        says = f"{says}, Retry-After: {after}" if says else f"Retry-After: {after}"
    return Answered(url=url, status=answer.status_code, says=says)


def read_json(content: bytes) -> Any:
    """Return an answer's JSON; None: it is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def has_job(jobs: Any, job: str) -> bool:
    """Return whether a list of jobs shows one, whose id stands there as text or as a number."""
    return any(isinstance(each, dict) and text_of(each.get("id")) == job for each in jobs or ())


def unreadable_revision(job: Mapping[str, Any]) -> str | None:
    """Return why nobody could tell which state of a job is the newer one; None: it can be told."""
    try:
        Revisions(_ANY_TIME).of(job.get("revision"), job.get("updated_at"))
    except RevisionError as error:
        return str(error)
    return None


def _words(told: Any) -> str:
    """Return the code or message of an answer; some nest them under `error`, some make that the message."""
    if not isinstance(told, dict):
        return ""
    says = told.get("code") or told.get("message") or told.get("error") or ""
    return _words(says) if isinstance(says, dict) else str(says)[:_LONGEST_WORDS]
