"""Pairs (mutation, device): who should see what, and when it did.

*Shown* is a predicate for each kind of mutation. Create, update, flag: an answer holds the job in this revision or
a later one. Archive: a list without the job, or the job as archived. Document: a count that includes it. A job that
was archived before a change of it was shown is a later revision of it: the archive shows the change too.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.devices import SUBSCRIBER, Devices
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.scope import PageTimes
from loadtests.analysis.segments import find, find_exact
from loadtests.analysis.sightings import Sightings
from loadtests.analysis.stamps import NEVER, Bools, Floats, Ints, elapsed_ms
from loadtests.clients.requests import KeyKind
from loadtests.scenario.vocabulary import MutationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One entry per mutation and device of its organization, in the order of mutations."""

    mutation: Ints
    device: Ints
    cohort: Ints
    request: Ints
    """The re-fetch whose answer made it visible, -1 if none did."""
    visible_ns: Ints
    visibility_ms: Floats
    on_screen: Bools
    in_window: Bools
    leave_ns: Ints
    """When its job left page 1; NEVER for the open job and for an archive."""
    begin: Ints
    """Where each mutation's pairs begin, -1 when it has none."""
    place: Ints
    """Each device's place among those of its organization."""

    def __len__(self) -> int:
        return len(self.mutation)

    @property
    def counted(self) -> Bools:
        """The pairs that latencies are told of."""
        counted: Bools = self.on_screen & self.in_window
        return counted

    @property
    def left_screen(self) -> Bools:
        """The pairs whose job left the screen before it was shown."""
        left: Bools = self.on_screen & (self.visible_ns == NEVER) & (self.leave_ns != NEVER)
        return left

    def find(self, mutation: Ints, device: Ints) -> Ints:
        """Return the pair of each mutation (-1: none) and device, -1 when there is no such pair."""
        if not len(self) or not len(mutation):
            return np.full(len(mutation), -1, dtype=np.int64)
        begin = np.where(mutation >= 0, self.begin[mutation], -1)
        pair = np.minimum(begin + self.place[device], len(self) - 1)
        is_pair = (begin >= 0) & (self.device[pair] == device) & (self.mutation[pair] == mutation)
        return np.where(is_pair, pair, -1)

    def of_cohort(self, cohort: int) -> Ints:
        """Return the counted pairs of one cohort."""
        return np.flatnonzero(self.counted & (self.cohort == cohort))

    def of_subscribers(self) -> Ints:
        """Return the counted pairs of the devices that are pushed to."""
        return self.of_cohort(SUBSCRIBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screens:
    """Everything that says what devices saw."""

    devices: Devices
    requests: Requests
    bodies: Bodies
    sightings: Sightings
    pages: PageTimes


def match_pairs(mutations: Mutations, screens: Screens) -> Pairs:
    """Return all pairs of the run, warm-up included."""
    devices, requests, pages = screens.devices, screens.requests, screens.pages
    chosen = np.flatnonzero(mutations.is_showable & (mutations.organization >= 0))
    row, device = devices.watching(mutations.organization[chosen])
    mutation = chosen[row]
    begin = np.full(len(mutations), -1, dtype=np.int64)
    sizes = devices.members[mutations.organization[chosen]]
    begin[chosen] = np.cumsum(sizes) - sizes

    stretch = pages.stretch(mutations.job, mutations.effective_ns)
    is_open = devices.open_job[device] == mutations.job[mutation]
    on_page = (stretch[mutation] >= 0) | (not pages.is_known)
    # What an archive should show is the absence of its job, which lasts.
    stays = is_open | (mutations.kind[mutation] == MutationKind.ARCHIVE)
    leave_ns = np.where(stays, NEVER, pages.leave(stretch)[mutation])

    request = _shown_by(mutations, screens, mutation, device, on_page=on_page)
    visible_ns = _answered(requests, request)
    return Pairs(
        mutation=mutation,
        device=device,
        cohort=devices.cohort[device],
        request=request,
        visible_ns=visible_ns,
        visibility_ms=elapsed_ms(mutations.due_ns[mutation], visible_ns),
        on_screen=on_page | is_open,
        in_window=mutations.in_window[mutation],
        leave_ns=leave_ns,
        begin=begin,
        place=devices.place,
    )


def _answered(requests: Requests, request: Ints) -> Ints:
    if not len(requests):
        return np.full(len(request), NEVER, dtype=np.int64)
    return np.where(request >= 0, requests.answered_ns[request], NEVER)


def _shown_by(mutations: Mutations, screens: Screens, mutation: Ints, device: Ints, *, on_page: Bools) -> Ints:
    """Return the re-fetch whose answer first showed each pair, -1 if none did."""
    kind = mutations.kind[mutation]
    view = screens.sightings.view(device, mutations.job[mutation])
    request = screens.sightings.revision.first_at_least(view, mutations.revision[mutation])
    is_document = kind == MutationKind.DOCUMENT
    request[is_document] = screens.sightings.evidence.first_at_least(
        view[is_document], mutations.document[mutation[is_document]]
    )
    is_archive = kind == MutationKind.ARCHIVE
    archives = np.flatnonzero(is_archive)
    request[archives] = _archive_shown_by(
        mutations, screens, mutation[archives], device[archives], on_page=on_page[archives]
    )
    return _or_by_its_archive(screens.requests, request, view, is_archive)


def _or_by_its_archive(requests: Requests, request: Ints, view: Ints, is_archive: Bools) -> Ints:
    """Return the earlier of what showed each pair and what showed the archive of the same job on the same device."""
    archives = np.flatnonzero(is_archive & (request >= 0))
    archives = archives[np.argsort(view[archives], kind="stable")]
    rest = np.flatnonzero(~is_archive)
    none = np.zeros(len(view), dtype=np.int64)
    place = find(view[archives], none[archives], view[rest], none[rest])
    rest, place = rest[place >= 0], place[place >= 0]
    by_archive = request[archives[place]]
    earlier = _answered(requests, by_archive) < _answered(requests, request[rest])
    request[rest[earlier]] = by_archive[earlier]
    return request


def _archive_shown_by(mutations: Mutations, screens: Screens, mutation: Ints, device: Ints, *, on_page: Bools) -> Ints:
    requests, bodies = screens.requests, screens.bodies
    job, sent_ns = mutations.job[mutation], mutations.sent_ns[mutation]
    lists = _by_device(requests, requests.is_ok & (requests.kind == KeyKind.JOB_LIST))
    by_list = _first_list_without(requests, bodies, lists, (device, job, sent_ns))
    by_list[~on_page] = -1
    is_detail = requests.is_ok & (requests.kind == KeyKind.JOB)
    is_detail[is_detail] = _tells_archived(requests, bodies, np.flatnonzero(is_detail))
    details = _by_view(requests, is_detail, screens.sightings)
    place = find(
        screens.sightings.view(requests.device[details], requests.job[details]),
        requests.answered_ns[details],
        screens.sightings.view(device, job),
        sent_ns,
    )
    by_detail = np.where(place >= 0, details[place], -1) if len(details) else place
    return np.where(_answered(requests, by_detail) < _answered(requests, by_list), by_detail, by_list)


def _by_device(requests: Requests, chosen: Bools) -> Ints:
    rows = np.flatnonzero(chosen)
    ordered: Ints = rows[np.lexsort((requests.answered_ns[rows], requests.device[rows]))]
    return ordered


def _by_view(requests: Requests, chosen: Bools, sightings: Sightings) -> Ints:
    rows = np.flatnonzero(chosen)
    view = sightings.view(requests.device[rows], requests.job[rows])
    ordered: Ints = rows[np.lexsort((requests.answered_ns[rows], view))]
    return ordered


def _tells_archived(requests: Requests, bodies: Bodies, rows: Ints) -> Bools:
    item = bodies.item(requests.body[rows], requests.job[rows])
    return (item >= 0) & bodies.is_archived[item] if len(bodies.is_archived) else item >= 0


def _first_list_without(requests: Requests, bodies: Bodies, lists: Ints, asked: tuple[Ints, Ints, Ints]) -> Ints:
    """Return the first list that a device got after `sent` and that does not show the job, or shows it archived.

    Nearly always it is the first or second one, so each round asks only for those that are still open.
    """
    device, job, sent_ns = asked
    found = np.full(len(device), -1, dtype=np.int64)
    place = find(requests.device[lists], requests.answered_ns[lists], device, sent_ns)
    open_ = np.flatnonzero(place >= 0)
    while len(open_):
        body = requests.body[lists[place[open_]]]
        item = find_exact(bodies.item_body, bodies.item_job, body, job[open_])
        shows = (item < 0) | (bodies.is_archived[item] if len(bodies.is_archived) else False)
        found[open_[shows]] = lists[place[open_[shows]]]
        open_ = open_[~shows]
        place[open_] += 1
        open_ = open_[place[open_] < len(lists)]
        open_ = open_[requests.device[lists[place[open_]]] == device[open_]]
    return found
