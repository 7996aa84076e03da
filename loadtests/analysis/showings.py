"""What showed a mutation on a screen: the first answer of a lifetime after which it is there.

*Shown* is a predicate for each kind of mutation. Create, update, flag: an answer holds the job in this revision or
a later one. Archive: a list without the job, or the job as archived. Document: a count that includes it. A job that
was archived before a change of it was shown is a later revision of it: the archive shows the change too. A screen
starts empty with each lifetime, so each is asked by itself.
"""

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import expand, find
from loadtests.analysis.stamps import NEVER, Bools, Ints
from loadtests.clients.requests import KeyKind
from loadtests.scenario.vocabulary import MutationKind


def answered(requests: Requests, request: Ints) -> Ints:
    """Return when each request was answered, NEVER for none (-1)."""
    if not len(requests):
        return np.full(len(request), NEVER, dtype=np.int64)
    return np.where(request >= 0, requests.answered_ns[request], NEVER)


def on_page(mutations: Mutations, screens: Screens) -> Bools:
    """Return for each mutation whether its job stood on page 1 when it took effect."""
    stretch = screens.pages.stretch(mutations.job, mutations.effective_ns)
    stood: Bools = (stretch >= 0) | (not screens.pages.is_known)
    return stood


def ever_shown(mutations: Mutations, screens: Screens, mutation: Ints, device: Ints) -> Ints:
    """Return when each device first showed the mutation, in whichever of its lifetimes in that organization."""
    presence = screens.presence
    shown_ns = np.full(len(mutation), NEVER, dtype=np.int64)
    first = np.searchsorted(presence.lifetimes.device, device, side="left")
    lives = np.searchsorted(presence.lifetimes.device, device, side="right") - first
    row, position = expand(lives.astype(np.int64))
    lifetime = first[row] + position
    at_home = presence.organization[lifetime] == mutations.organization[mutation[row]]
    row, lifetime = row[at_home], lifetime[at_home]
    request = shown_by(mutations, screens, mutation[row], lifetime)
    np.minimum.at(shown_ns, row, answered(screens.requests, request))
    return shown_ns


def shown_by(mutations: Mutations, screens: Screens, mutation: Ints, lifetime: Ints) -> Ints:
    """Return the request whose answer first showed each mutation in each lifetime, -1 if none did."""
    request = _shown_by_itself(mutations, screens, mutation, lifetime)
    archive = _archive_of(mutations)[mutations.job[mutation]] if len(mutations) else mutation
    rest = np.flatnonzero((archive >= 0) & (archive != mutation))
    by_archive = _archive_shown_by(mutations, screens, archive[rest], lifetime[rest])
    earlier = answered(screens.requests, by_archive) < answered(screens.requests, request[rest])
    request[rest[earlier]] = by_archive[earlier]
    return request


def _archive_of(mutations: Mutations) -> Ints:
    """Return for each job (by name) the mutation that archived it, -1 if none did."""
    archives = np.flatnonzero(
        mutations.is_showable & (mutations.organization >= 0) & (mutations.kind == MutationKind.ARCHIVE)
    )[::-1]
    archive = np.full(int(mutations.job.max(initial=-1)) + 2, -1, dtype=np.int64)  # the last entry is NO_ENTITY's
    archive[mutations.job[archives]] = archives
    return archive


def _shown_by_itself(mutations: Mutations, screens: Screens, mutation: Ints, lifetime: Ints) -> Ints:
    kind = mutations.kind[mutation]
    view = screens.sightings.view(lifetime, mutations.job[mutation])
    request = screens.sightings.revision.first_at_least(view, mutations.revision[mutation])
    is_document = kind == MutationKind.DOCUMENT
    request[is_document] = screens.sightings.evidence.first_at_least(
        view[is_document], mutations.document[mutation[is_document]]
    )
    archives = np.flatnonzero(kind == MutationKind.ARCHIVE)
    request[archives] = _archive_shown_by(mutations, screens, mutation[archives], lifetime[archives])
    return request


def _archive_shown_by(mutations: Mutations, screens: Screens, mutation: Ints, lifetime: Ints) -> Ints:
    requests = screens.requests
    if not len(mutation):
        return np.zeros(0, dtype=np.int64)
    job, sent_ns = mutations.job[mutation], mutations.sent_ns[mutation]
    by_list = np.full(len(mutation), -1, dtype=np.int64)
    stood = np.flatnonzero(on_page(mutations, screens)[mutation])
    by_list[stood] = _first_without(screens, lifetime[stood], job[stood], sent_ns[stood])
    is_detail = requests.is_seen & (requests.kind == KeyKind.JOB)
    is_detail[is_detail] = _tells_archived(screens, np.flatnonzero(is_detail))
    details = np.flatnonzero(is_detail)
    shown = screens.sightings.view(requests.lifetime[details], requests.job[details])
    order = np.lexsort((requests.answered_ns[details], shown))
    details, shown = details[order], shown[order]
    place = find(shown, requests.answered_ns[details], screens.sightings.view(lifetime, job), sent_ns)
    by_detail = np.where(place >= 0, details[place], -1) if len(details) else place
    return np.where(answered(requests, by_detail) < answered(requests, by_list), by_detail, by_list)


def _first_without(screens: Screens, lifetime: Ints, job: Ints, from_ns: Ints) -> Ints:
    """Return the first list of each lifetime from a stamp on after which the job is not on the screen, -1 if none is.

    A screen that had never had the job lacks it after any list that does, whatever that takes off.
    """
    requests, removals, sightings = screens.requests, screens.removals, screens.sightings
    found = removals.first_list_without(lifetime, job, from_ns)
    first = removals.first_list(lifetime, from_ns)
    held = sightings.revision.first_at_least(sightings.view(lifetime, job), np.zeros(len(job), dtype=np.int64))
    never_had = answered(requests, first) < answered(requests, held)
    found[never_had] = first[never_had]
    return found


def _tells_archived(screens: Screens, rows: Ints) -> Bools:
    bodies, requests = screens.bodies, screens.requests
    item = bodies.item(requests.body[rows], requests.job[rows])
    return (item >= 0) & bodies.is_archived[item] if len(bodies.is_archived) else item >= 0
