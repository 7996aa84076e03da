"""Which state of a job is the newer one: by its `revision`, or by its `updated_at` where the backend counts none. Pure.

A job is changed by one mutation at a time, so states of one job lie further apart than a millisecond.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

NOT_KNOWN: Final = 0
_LARGEST: Final = 2**31 - 1
"""A ledger's column; in milliseconds 24 days."""
_MARGIN: Final = timedelta(days=1)
"""The target's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of one run's jobs."""

    since: datetime | None
    """When the run began; None: revisions are told by the backend or not at all."""

    def of(self, revision: int | None, updated_at: str | None) -> int:
        """Return the revision that is told, else milliseconds from a day before the run to `updated_at`.

        What was changed last before that has the smallest revision, 1. NOT_KNOWN where neither is told.

        Raises:
            ValueError: `updated_at` is no ISO timestamp.

        """
        if revision:
            return revision
        if updated_at is None or self.since is None:
            return NOT_KNOWN
        stamp = datetime.fromisoformat(updated_at)
        stamp = stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
        elapsed = (stamp - (self.since - _MARGIN)) // timedelta(milliseconds=1)
        return min(max(elapsed, 1), _LARGEST)


TOLD: Final = Revisions(None)
"""Those of a backend that counts them."""
