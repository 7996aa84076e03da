"""What a device's list shows after each answer: the rule by which a client merges answers, followed answer by answer.

The plain reference: analysis works the same out for whole runs at once, and is tested against this. Knows neither the
ledger nor the devices' lifetimes.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from loadtests.clients.requests import Cause, KeyKind, RequestKey


class ViewRule(IntEnum):
    """What becomes of a list when its first page is fetched."""

    REPLACE = 1
    """The answer is the list."""
    MERGE = 2
    """An answer to an event stands for what it covers: a job that it lacks goes, unless it is older than all of a full
    page. A catch-up is a forced fetch and replaces."""
    MERGE_KEEP = 3
    """The iOS app as built: an answer to an event replaces jobs by id, puts unknown ones in front one by one, so that
    several end up reversed, and removes none; an empty one is ignored. A catch-up is a forced fetch and replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One job of an answer."""

    job: Hashable
    version: int
    created_ns: int
    """When the job was created, by any clock: it only orders."""


class View:
    """What one device shows: the newest version that it has seen of each job it shows, in the order of its list."""

    __slots__ = ("_details", "_discards_overtaken", "_latest", "_limit", "_list", "_newest", "_requests", "_rule")

    def __init__(self, rule: ViewRule, *, list_limit: int, discards_overtaken: bool = False) -> None:
        self._rule = rule
        self._limit = list_limit
        self._discards_overtaken = discards_overtaken
        self._requests = 0
        self._latest: dict[RequestKey, int] = {}
        self._list: dict[Hashable, Item] = {}
        self._details: set[Hashable] = set()
        self._newest: dict[Hashable, int] = {}
        """What was seen of each job: a late answer takes nothing back."""

    @property
    def listed(self) -> tuple[Hashable, ...]:
        """The jobs on the list, from the top."""
        return tuple(self._list)

    def shows(self, job: Hashable) -> int | None:
        """Return the newest version of a job that can be seen, on the list or in detail; None: the job cannot be."""
        return self._newest[job] if job in self._list or job in self._details else None

    def request(self, key: RequestKey) -> int:
        """Note that a fetch starts; return the number that belongs to its answer."""
        self._requests += 1
        self._latest[key] = self._requests
        return self._requests

    def answer(self, key: RequestKey, cause: Cause, items: Sequence[Item], *, request: int | None = None) -> None:
        """Take in the answer to one fetch, items in its order; documents and audit entries show no job.

        Without the number of its request, the answer is the newest one's.
        """
        if self._discards_overtaken and request is not None and self._latest[key] != request:
            return
        if key.kind in {KeyKind.JOB, KeyKind.JOB_LIST}:
            self._newest.update({item.job: max(item.version, self._newest.get(item.job, 0)) for item in items})
        if key.kind is KeyKind.JOB:
            self._details.update(item.job for item in items)
        elif key.kind is KeyKind.JOB_LIST:
            self._list = self._after(cause, items)

    def _after(self, cause: Cause, items: Sequence[Item]) -> dict[Hashable, Item]:
        before = self._list
        answered = {item.job: item for item in items}
        if cause is not Cause.FLUSH:
            return answered
        if self._rule is ViewRule.MERGE and len(items) >= self._limit:
            oldest_ns = min(item.created_ns for item in items)
            beyond = {job: item for job, item in before.items() if job not in answered and item.created_ns <= oldest_ns}
            return answered | beyond
        if self._rule is ViewRule.MERGE_KEEP:
            unknown = {job: item for job, item in reversed(answered.items()) if job not in before}
            return unknown | {job: answered.get(job, item) for job, item in before.items()}
        return answered
