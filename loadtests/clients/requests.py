"""What a refresh fetches: request keys, and why a device fetches them.

Two refreshes of one key do the same work. Pure: a key says where, not how.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Self

from loadtests.wire.identifiers import in_path


class Cause(IntEnum):
    """Why a re-fetch was made."""

    FLUSH = 1
    CATCH_UP = 2
    POLL = 3
    FOCUS = 4
    """Somebody looks again, and this client fetches whenever that happens."""
    SAFETY_POLL = 5
    """Nothing was fetched for a while by a client that is pushed to and does not rely on it."""
    RETRY = 6
    """Once more with a fresh token."""


class KeyKind(IntEnum):
    """What a request key fetches."""

    JOB_LIST = 1
    JOB = 2
    DOCUMENTS = 3
    AUDIT = 4


@dataclass(frozen=True, slots=True)
class RequestKey:
    """One thing that a device fetches, such as the first page of its organization's jobs."""

    kind: KeyKind
    path: str
    """Path and query under the jobs API's base URL."""

    def __hash__(self) -> int:
        # The path tells two keys apart by itself, and a string remembers its hash: signals come by the thousand.
        return hash(self.path)

    @classmethod
    def job_list(cls, *, limit: int) -> Self:
        """Page 1 of the jobs, newest first."""
        return cls(KeyKind.JOB_LIST, f"/api/jobs?page=1&limit={limit}")

    @classmethod
    def job(cls, job_id: str) -> Self:
        """One job in detail."""
        return cls(KeyKind.JOB, f"/api/jobs/{in_path(job_id)}")

    @classmethod
    def documents(cls, job_id: str) -> Self:
        """The documents of one job."""
        return cls(KeyKind.DOCUMENTS, f"/api/jobs/{in_path(job_id)}/documents")

    @classmethod
    def audit(cls, *, limit: int) -> Self:
        """The newest entries of the audit feed."""
        return cls(KeyKind.AUDIT, f"/api/audit/events?limit={limit}")

    def within(self, organization_id: str | None) -> Self:
        """Return the same of another organization than the user's own; of the user's own for None."""
        if organization_id is None:
            return self
        return replace(self, path=f"{self.path}{'&' if '?' in self.path else '?'}organization_id={organization_id}")


PAGE_LIMIT: Final = 25
AUDIT_LIMIT: Final = 50
