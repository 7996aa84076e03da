"""Re-fetches and what they answered: requests joined with their answers, and bodies with the jobs in them."""

from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np

from loadtests.analysis.devices import Spans
from loadtests.analysis.segments import expand, find_exact, is_start
from loadtests.analysis.stamps import NEVER, Bools, Ints
from loadtests.clients.requests import Cause, KeyKind
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_ENTITY, READS_UNIT, ItemFlag, Kind

NO_BODY = -1
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """Distinct answers, and their items sorted by (body, entity)."""

    bytes: Ints
    items: Ints
    """How many items each body has."""
    first: Ints
    """Where each body's recorded items begin in the columns below; one entry more than there are bodies."""
    item_body: Ints
    item_job: Ints
    revision: Ints
    evidence: Ints
    is_archived: Bools
    is_scored: Bools
    """Jobs: whether its risk has a score."""
    index_of_name: Ints
    """For each name of the history the body's index, or NO_BODY."""

    def recorded(self, body: Ints) -> Ints:
        """Return how many items of each body are recorded."""
        counts: Ints = self.first[body + 1] - self.first[body]
        return counts

    def items_of(self, body: Ints) -> tuple[Ints, Ints]:
        """Return (place in `body`, item) for each recorded item of these bodies."""
        owner, position = expand(self.recorded(body))
        return owner, self.first[body[owner]] + position

    def item(self, body: Ints, job: Ints) -> Ints:
        """Return where each body holds the job, -1 if it does not."""
        return find_exact(self.item_body, self.item_job, body, job)


def read_bodies(history: History) -> Bodies:
    """Return each distinct body once, though each shard recorded it at its own first sight."""
    rows = history.of(Kind.BODY)
    names, first_row = np.unique(rows["entity"], return_index=True)
    index_of_name = np.full(len(history.names), NO_BODY, dtype=np.int64)
    index_of_name[names] = np.arange(len(names))
    items = history.of(Kind.BODY_ITEM)
    body = index_of_name[items["value"]]
    order = np.lexsort((items["entity"], body))
    again = ~is_start(body[order]) & ~is_start(items["entity"][order])
    order = order[~again]
    items, body = items[order], body[order]
    return Bodies(
        bytes=rows["value"][first_row].astype(np.int64),
        items=rows["revision"][first_row].astype(np.int64),
        first=np.searchsorted(body, np.arange(len(names) + 1)).astype(np.int64),
        item_body=body,
        item_job=items["entity"].astype(np.int64),
        revision=items["revision"].astype(np.int64),
        evidence=items["due_ns"].astype(np.int64),
        is_archived=(items["flag"] & ItemFlag.ARCHIVED) > 0,
        is_scored=(items["flag"] & ItemFlag.SCORED) > 0,
        index_of_name=index_of_name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """One entry per re-fetch, in the order of the requests."""

    device: Ints
    key: Ints
    """Name of the request key."""
    kind: Ints
    """Its `KeyKind`; 0 for a key that is not one of them."""
    job: Ints
    """Name of the job that the key is about, NO_ENTITY for lists."""
    cause: Ints
    batch: Ints
    wanted_ns: Ints
    requested_ns: Ints
    answered_ns: Ints
    """NEVER when there was no answer."""
    body: Ints
    """Index in `Bodies`; NO_BODY when it failed."""
    lifetime: Ints
    """The lifetime of its device on whose screen the answer came to stand, -1 if none: it had failed, or had ended, or
    the answer was discarded."""
    is_unchanged: Bools
    """Whether it was answered that nothing has changed: the body is the one that the device had, and did not come."""
    database_reads: Ints
    """Statements that the target's database was asked; 0: not told."""
    is_discarded: Bools
    """Whether there was an answer, of which its device showed nothing because it had requested the key again."""

    def __len__(self) -> int:
        return len(self.device)

    @property
    def is_ok(self) -> Bools:
        """Whether there was an answer with something in it."""
        is_ok: Bools = self.body != NO_BODY
        return is_ok

    @property
    def is_seen(self) -> Bools:
        """Whether the answer came to stand on a screen."""
        is_seen: Bools = self.lifetime >= 0
        return is_seen

    def by_batch(self, chosen: Bools) -> "BatchEnds":
        """Return for each (device, batch) among the chosen requests when its last answer came."""
        rows = np.flatnonzero(chosen & (self.cause == Cause.FLUSH) & (self.batch > 0))
        rows = rows[np.lexsort((self.batch[rows], self.device[rows]))]
        device, batch = self.device[rows], self.batch[rows]
        begin = np.flatnonzero(is_start(device) | is_start(batch)) if len(rows) else np.zeros(0, dtype=np.int64)
        answered = np.maximum.reduceat(self.answered_ns[rows], begin) if len(rows) else self.answered_ns[rows]
        stood = self.is_ok[rows] & ~self.is_discarded[rows]
        ok = np.logical_and.reduceat(stood, begin) if len(rows) else stood
        return BatchEnds(device=device[begin], batch=batch[begin], answered_ns=answered, is_ok=ok)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnds:
    """One entry per flush that fetched, sorted by (device, batch)."""

    device: Ints
    batch: Ints
    answered_ns: Ints
    is_ok: Bools
    """Whether all of its re-fetches were answered, and no answer was discarded."""


def read_requests(
    history: History, bodies: Bodies, names: dict[str, int], lifetimes: Spans, *, discards: Bools
) -> Requests:
    """Return all re-fetches with their answers; `discards`: the devices that show nothing of one that is overtaken."""
    rows = history.of(Kind.REQUESTED)
    answers = _by_fetch(history.of(Kind.ANSWERED))
    device, fetch = rows["actor"].astype(np.int64), rows["value"].astype(np.int64)
    place = find_exact(answers["actor"].astype(np.int64), answers["value"].astype(np.int64), device, fetch)
    is_answered = place >= 0
    answered_ns = np.full(len(rows), NEVER, dtype=np.int64)
    answered_ns[is_answered] = answers["at_ns"][place[is_answered]]
    body_name = np.full(len(rows), NO_ENTITY, dtype=np.int64)
    body_name[is_answered] = answers["entity"][place[is_answered]]
    body = np.full(len(rows), NO_BODY, dtype=np.int64)
    has_body = body_name != NO_ENTITY
    body[has_body] = bodies.index_of_name[body_name[has_body]]
    status, told = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    status[is_answered] = answers["revision"][place[is_answered]]
    told[is_answered] = answers["flag"][place[is_answered]] // READS_UNIT
    key = rows["entity"].astype(np.int64)
    requested_ns = rows["at_ns"].astype(np.int64)
    kind, job = _what_keys_fetch(history, key, names)
    is_discarded = (body != NO_BODY) & _overtaken(device, key, (requested_ns, answered_ns), among=discards)
    shown_ns = np.where((body != NO_BODY) & ~is_discarded, answered_ns, NEVER)
    return Requests(
        device=device,
        key=key,
        kind=kind,
        job=job,
        cause=rows["flag"].astype(np.int64),
        batch=rows["revision"].astype(np.int64),
        wanted_ns=rows["due_ns"].astype(np.int64),
        requested_ns=requested_ns,
        answered_ns=answered_ns,
        body=body,
        lifetime=_lifetime(lifetimes, device, requested_ns, shown_ns),
        is_unchanged=status == NOT_MODIFIED,
        database_reads=told,
        is_discarded=is_discarded,
    )


def _overtaken(device: Ints, key: Ints, stamps: tuple[Ints, Ints], *, among: Bools) -> Bools:
    """Return which (requested, answered) of the devices `among` saw a newer request of their key before the answer.

    The next request of the key is the first newer one: if that came too late, all did.
    """
    requested_ns, answered_ns = stamps
    overtaken = np.zeros(len(device), dtype=np.bool_)
    rows = np.flatnonzero(among[device])
    rows = rows[np.lexsort((requested_ns[rows], key[rows], device[rows]))]
    earlier, later = rows[:-1], rows[1:]
    is_same = (device[earlier] == device[later]) & (key[earlier] == key[later])
    overtaken[earlier] = is_same & (requested_ns[later] < answered_ns[earlier])
    return overtaken


def _lifetime(lifetimes: Spans, device: Ints, requested_ns: Ints, answered_ns: Ints) -> Ints:
    """Return the lifetime that holds both the request and its answer; a device that has left shows nothing."""
    place = lifetimes.at(device, requested_ns)
    if len(lifetimes.device):
        place[(place >= 0) & (lifetimes.end_ns[place] <= answered_ns)] = -1
    return place


def _by_fetch(answers: Rows) -> Rows:
    ordered: Rows = answers[np.lexsort((answers["value"], answers["actor"]))]
    return ordered


def _what_keys_fetch(history: History, key: Ints, names: dict[str, int]) -> tuple[Ints, Ints]:
    """Return kind and job of each request's key, from its path."""
    kinds = np.zeros(len(history.names), dtype=np.int64)
    jobs = np.full(len(history.names), NO_ENTITY, dtype=np.int64)
    for number in np.unique(key):
        kinds[number], jobs[number] = _parse_path(history.names[number], names)
    return kinds[key], jobs[key]


def _parse_path(path: str, names: dict[str, int]) -> tuple[int, int]:
    match path.partition("?")[0].strip("/").split("/"):
        case ["api", "jobs"]:
            return KeyKind.JOB_LIST, NO_ENTITY
        case ["api", "jobs", job]:
            return KeyKind.JOB, names.get(unquote(job), NO_ENTITY)
        case ["api", "jobs", job, "documents"]:
            return KeyKind.DOCUMENTS, names.get(unquote(job), NO_ENTITY)
        case ["api", "audit", "events"]:
            return KeyKind.AUDIT, NO_ENTITY
        case _:
            return 0, NO_ENTITY
