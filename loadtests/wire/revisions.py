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


class RevisionError(ValueError):
    """What a backend tells is no revision. The text says why."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of one run's jobs."""

    since: datetime | None
    """When the run began; None: revisions are told by the backend or not at all."""

    def of(self, revision: int | str | None, updated_at: str | None) -> int:
        """Return the revision that is told, as a number or its digits, else milliseconds to `updated_at`.

        They count from a day before the run.

        What was changed last before that has the smallest revision, 1. NOT_KNOWN where neither is told.

        Raises:
            RevisionError: the revision is no whole number or too large for a ledger, or `updated_at` no ISO timestamp.

        """
        if (told := _number(revision)) != NOT_KNOWN:
            return told
        if updated_at is None or self.since is None:
            return NOT_KNOWN
        try:
            stamp = datetime.fromisoformat(updated_at)
        except (TypeError, ValueError) as error:
            raise RevisionError(f"updated_at is no ISO timestamp: {error}") from error
        stamp = stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
        elapsed = (stamp - (self.since - _MARGIN)) // timedelta(milliseconds=1)
        return min(max(elapsed, 1), _LARGEST)


def _number(revision: object) -> int:
    """Return a revision, NOT_KNOWN for none."""
    if revision is None:
        return NOT_KNOWN
    try:
        number = int(revision) if isinstance(revision, int | str) else None
    except ValueError:
        number = None
    if number is None:
        raise RevisionError(f"the revision {revision!r} is no whole number")
    if not 0 <= number <= _LARGEST:
        raise RevisionError(f"the revision {revision!r} is none that counts changes: 0 to {_LARGEST:,}")
    return number


TOLD: Final = Revisions(None)
"""Those of a backend that counts them."""
