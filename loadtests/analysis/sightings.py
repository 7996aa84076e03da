"""What each device has seen: for each of its jobs, which answer first showed which version.

A device's view keeps the newest version of each job, so only answers that raise it count; it starts empty with each
of the device's lifetimes. Most answers of a list
differ from the one before in a job or two: the difference is computed once for each distinct pair of bodies and
shared by all devices that went through it, instead of 25 jobs for each answer.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import NO_BODY, Bodies, Requests
from loadtests.analysis.removals import Removals
from loadtests.analysis.segments import find, find_last, is_record, is_start
from loadtests.analysis.sharing import Compute, share
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import KeyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Levels of one property of (lifetime, job) in time; within one they only rise."""

    view: Ints
    """The (lifetime, job), see `Sightings.view`."""
    level: Ints
    request: Ints
    """Whose answer raised it."""

    def first_at_least(self, view: Ints, level: Ints) -> Ints:
        """Return the request whose answer first showed at least this level, -1 if none did."""
        return self._request(find(self.view, self.level, view, level))

    def highest(self, view: Ints) -> Ints:
        """Return the highest level of each view, -1 if the job was never seen in it."""
        place = find_last(self.view, self.level, view, np.full(len(view), np.iinfo(np.int32).max, dtype=np.int64))
        return np.where(place >= 0, self.level[place], -1) if len(self.level) else place

    def _request(self, place: Ints) -> Ints:
        return np.where(place >= 0, self.request[place], -1) if len(self.request) else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """All tracks, and which answers held anything new."""

    names: int
    revision: Track
    evidence: Track
    is_news: Bools
    """One entry per request: whether its answer held what the device's view did not have."""

    def view(self, lifetime: Ints, job: Ints) -> Ints:
        """Return the number of the view of a job in a lifetime of a device."""
        return lifetime * self.names + job


def follow_views(removals: Removals, archived_jobs: Ints) -> Sightings:
    """Return what every device saw.

    Args:
        removals: all re-fetches, what they answered, and what that takes off the screen.
        archived_jobs: those whose absence from a list is news.

    """
    requests, bodies, names = removals.requests, removals.bodies, len(removals.age)
    streams = _streams(requests)
    records = _list_records(bodies, streams)
    documents = np.flatnonzero((requests.kind == KeyKind.DOCUMENTS) & requests.is_seen & (requests.job >= 0))
    view = requests.lifetime[documents] * names + requests.job[documents]
    seen = requests.lifetime[records.request] * names + bodies.item_job[records.item]
    revision = _track(requests, seen, bodies.revision[records.item], records.request)
    evidence = _track(
        requests,
        np.concatenate([seen, view]),
        np.concatenate([bodies.evidence[records.item], bodies.items[requests.body[documents]]]),
        np.concatenate([records.request, documents]),
    )
    gone = _gone(removals, streams, records=records, archived_jobs=archived_jobs)
    gone_view = requests.lifetime[gone.request] * names + bodies.item_job[gone.item]
    absent = _track(requests, gone_view, np.ones(len(gone_view), dtype=np.int64), gone.request)
    is_news = np.zeros(len(requests), dtype=np.bool_)
    for track in (revision, evidence, absent):
        is_news[track.request] = True
    is_news[_changed_audits(requests)] = True
    return Sightings(names=names, revision=revision, evidence=evidence, is_news=is_news)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streams:
    """The answers of each (lifetime, key) in order: which body followed which."""

    request: Ints
    difference: Ints
    """Index of the pair of bodies (before, after) below."""
    before: Ints
    """NO_BODY where a stream begins."""
    after: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    request: Ints
    item: Ints


def _ordered(requests: Requests, kinds: tuple[KeyKind, ...]) -> tuple[Ints, Ints]:
    """Return answered requests of these kinds by lifetime, key and answer, and the body that each followed."""
    rows = np.flatnonzero(np.isin(requests.kind, [int(kind) for kind in kinds]) & requests.is_seen)
    rows = rows[np.lexsort((requests.answered_ns[rows], requests.key[rows], requests.lifetime[rows]))]
    after = requests.body[rows]
    before = np.full(len(rows), NO_BODY, dtype=np.int64)
    before[1:] = after[:-1]
    before[is_start(requests.lifetime[rows]) | is_start(requests.key[rows])] = NO_BODY
    return rows, before


def _streams(requests: Requests) -> _Streams:
    rows, before = _ordered(requests, (KeyKind.JOB_LIST, KeyKind.JOB))
    after = requests.body[rows]
    bodies = int(after.max(initial=0)) + 1
    # An answer that repeats the one before shows nothing new: it needs no difference.
    differs = before != after
    pairs, difference = np.unique((before[differs] + 1) * bodies + after[differs], return_inverse=True)
    return _Streams(
        request=rows[differs],
        difference=difference.astype(np.int64),
        before=pairs // bodies - 1,
        after=pairs % bodies,
    )


def _list_records(bodies: Bodies, streams: _Streams) -> _Records:
    """Return (request, item) for each item that the body before did not have, or had in a lower version."""
    return _shared(streams, lambda some: _risen(bodies, streams.before[some], streams.after[some]))


def _gone(removals: Removals, streams: _Streams, *, records: _Records, archived_jobs: Ints) -> _Records:
    """Return (request, item) for each archived job that an answer took off the screen, or showed as archived."""
    requests, bodies = removals.requests, removals.bodies
    is_archived_job = np.zeros(len(removals.age), dtype=np.bool_)
    is_archived_job[archived_jobs] = True
    vanished = _shared(
        streams, lambda some: _vanished(bodies, streams.before[some], streams.after[some], is_archived_job)
    )
    job = bodies.item_job[vanished.item]
    off = removals.takes_off(vanished.request, job)
    # What an answer lacked and left on the screen, a later one may take off it.
    kept, kept_item = vanished.request[~off], vanished.item[~off]
    by = removals.first_list_without(requests.lifetime[kept], job[~off], requests.answered_ns[kept])
    told = bodies.is_archived[records.item]
    return _Records(
        request=np.concatenate([vanished.request[off], records.request[told], by[by >= 0]]),
        item=np.concatenate([vanished.item[off], records.item[told], kept_item[by >= 0]]),
    )


def _shared(streams: _Streams, compute: Compute) -> _Records:
    """Return what each request brought, which is worked out once for each distinct difference."""
    place, item = share(streams.difference, len(streams.before), compute)
    return _Records(request=streams.request[place], item=item)


def _risen(bodies: Bodies, before: Ints, after: Ints) -> tuple[Ints, Ints]:
    owner, item = bodies.items_of(after)
    old = bodies.item(before[owner], bodies.item_job[item])
    risen = (
        (old < 0)
        | (bodies.revision[item] > bodies.revision[old])
        | (bodies.evidence[item] > bodies.evidence[old])
        | (bodies.is_archived[item] & ~bodies.is_archived[old])
    )
    return owner[risen], item[risen]


def _vanished(bodies: Bodies, before: Ints, after: Ints, is_archived_job: Bools) -> tuple[Ints, Ints]:
    owner, item = bodies.items_of(np.maximum(before, 0))
    may = is_archived_job[bodies.item_job[item]] & (before[owner] != NO_BODY)
    owner, item = owner[may], item[may]
    vanished = bodies.item(after[owner], bodies.item_job[item]) < 0
    return owner[vanished], item[vanished]


def _changed_audits(requests: Requests) -> Ints:
    rows, before = _ordered(requests, (KeyKind.AUDIT,))
    changed: Ints = rows[before != requests.body[rows]]
    return changed


def _track(requests: Requests, view: Ints, level: Ints, request: Ints) -> Track:
    order = np.lexsort((-level, requests.answered_ns[request], view))
    view, level, request = view[order], level[order], request[order]
    rises = is_record(view, level)
    return Track(view=view[rises], level=level[rises], request=request[rises])
