"""Is every screen right in the end: each device's view of page 1 against the database, after the drain.

A job is there if it stands on the list by the rule of the device's model, or was seen in detail; its version is the
newest one that was seen of it. Only who is logged in and looks has a view: that of the organization of its last
lifetime, by the answers since that began. All others are counted apart.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from loadtests.analysis.attention import Looks, read_looks
from loadtests.analysis.devices import Presence
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.removals import Standing
from loadtests.analysis.scope import TrueJobs
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import expand, find_last, starts
from loadtests.analysis.stamps import NS_PER_S, Bools, Ints
from loadtests.clients.requests import PAGE_LIMIT, KeyKind
from loadtests.history.kinds import NO_COUNT, NO_ENTITY
from loadtests.scenario.vocabulary import MutationKind

_GOODBYES_NS: Final = NS_PER_S
"""So long it may take until all devices are logged out at the end."""
_CHUNK: Final = 200
"""So many created jobs at a time are compared with all devices."""


class Wrong(IntEnum):
    """What is wrong with a job on a screen."""

    MISSING = 0
    OLD_REVISION = 1
    EVIDENCE_COUNT = 2
    ARCHIVED_BUT_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """Differences between views and the truth, one entry each."""

    viewer: Ints
    """Devices that have a view."""
    away_views: int
    """Devices that have no view: not logged in at the end, or nobody looks."""
    device: Ints
    job: Ints
    wrong: Ints
    """A `Wrong`."""
    beyond_page: int
    """(Device, job): created while the device was away and pushed off page 1 since, so that no catch-up shows it."""
    archived_beyond_page: int
    """(Device, job): archived and still on the list, but behind a full page 1, which cannot take it off."""
    is_known: bool
    """Whether the truth was read, and tells which jobs are archived."""
    is_evidence_known: bool
    """Whether it tells how many documents a job has."""
    is_whole: bool
    """Whether it tells all that the run has changed: where nobody counts documents, no mutation uploaded any."""

    def told(self, wrong: int) -> int | None:
        """Return how many are wrong; None where none was found and not all could be looked for.

        What was found is wrong whatever else is.
        """
        return wrong if self.is_known and (self.is_whole or wrong) else None

    @property
    def views(self) -> int:
        """Devices whose view was compared."""
        return len(self.viewer)

    @property
    def wrong_views(self) -> int:
        """Devices whose view differs."""
        return len(np.unique(self.device))


def end_of_drain(presence: Presence, planned_ns: int | None) -> int:
    """Return the stamp at which views are compared: the planned end, or just before all log out if that came first."""
    last_ns = int(presence.lifetimes.end_ns.max(initial=0)) - _GOODBYES_NS
    return last_ns if planned_ns is None else min(planned_ns, last_ns)


def lifetimes_at(presence: Presence, end_ns: int, *, devices: int) -> Ints:
    """Return the lifetime in which each device is logged in and looked at from the stamp on; -1 if there is none."""
    everyone = np.arange(devices)
    span = presence.foreground.at(everyone, np.full(devices, end_ns - 1))
    found = np.full(devices, -1, dtype=np.int64)
    there = np.flatnonzero(span >= 0)
    found[there] = presence.foreground_lifetime[span[there]]
    return found


def convergence(screens: Screens, jobs: TrueJobs, mutations: Mutations, *, end_ns: int) -> Convergence:
    """Return what each device would still show wrongly: a job missing or in an old version, or archived but there."""
    presence, devices = screens.presence, screens.devices
    lifetime = lifetimes_at(presence, end_ns, devices=len(devices))
    lifetime = lifetime[lifetime >= 0] if len(jobs) else lifetime[:0]
    page = _last_page(jobs)
    stands = _standing(screens, lifetime, np.concatenate([jobs.job[page], jobs.job[jobs.is_archived]]))
    behind_lifetime, behind_job, wrong = _behind(screens, jobs, page, lifetime, stands=stands)
    shown_lifetime, shown_job, archived_beyond_page = _archived_but_shown(screens, jobs, page, stands)
    looks = read_looks(presence, devices)
    is_evidence_known = len(jobs) > 0 and bool((jobs.documents != NO_COUNT).all())
    device = presence.lifetimes.device[np.concatenate([behind_lifetime, shown_lifetime])]
    job = np.concatenate([behind_job, shown_job])
    wrong = np.concatenate([wrong, np.full(len(shown_job), Wrong.ARCHIVED_BUT_SHOWN)]).astype(np.int64)
    if not jobs.is_archive_known:
        # What is on page 1 is a guess then, and no screen is called wrong for one.
        device, job, wrong = device[:0], job[:0], wrong[:0]
    return Convergence(
        viewer=presence.lifetimes.device[lifetime],
        away_views=len(devices) - len(lifetime) if len(jobs) else 0,
        device=device,
        job=job,
        wrong=wrong,
        beyond_page=_beyond_page(screens, mutations, _alive_elsewhere(jobs, page), lifetime, looks=looks),
        archived_beyond_page=archived_beyond_page,
        is_known=len(jobs) > 0 and jobs.is_archive_known,
        is_evidence_known=is_evidence_known,
        is_whole=is_evidence_known or not (mutations.is_done & (mutations.kind == MutationKind.DOCUMENT)).any(),
    )


def _standing(screens: Screens, lifetime: Ints, job: Ints) -> Standing:
    asked = np.zeros(len(screens.removals.age), dtype=np.bool_)
    asked[job] = True
    return screens.removals.standing(lifetime, asked)


def _archived_but_shown(screens: Screens, jobs: TrueJobs, page: Ints, stands: Standing) -> tuple[Ints, Ints, int]:
    """Return (lifetime, job) of what a list shows though it is archived and not marked so; and how much more.

    A list that merges its answers keeps what has fallen behind a full page: that is no part of page 1, and counted
    apart.
    """
    bodies = screens.bodies
    is_archived = np.zeros(len(screens.removals.age), dtype=np.bool_)
    is_archived[jobs.job[jobs.is_archived]] = True
    job, organization = bodies.item_job[stands.item], screens.presence.organization[stands.lifetime]
    shown = is_archived[job] & ~bodies.is_archived[stands.item]
    sizes = np.bincount(jobs.organization[page], minlength=screens.devices.organizations)
    oldest = np.full(screens.devices.organizations, len(jobs), dtype=np.int64)
    np.minimum.at(oldest, jobs.organization[page], page)  # rows ascend by creation
    is_full = sizes[organization] >= PAGE_LIMIT
    is_behind = stands.is_kept & is_full & (screens.removals.age[job] < oldest[organization])
    wrong = shown & ~is_behind
    return stands.lifetime[wrong], job[wrong], int((shown & is_behind).sum())


def _in_detail(screens: Screens) -> Ints:
    """Return the views of jobs that devices have open and have seen, in order."""
    requests = screens.requests
    rows = np.flatnonzero(requests.is_seen & (requests.kind == KeyKind.JOB) & (requests.job != NO_ENTITY))
    return np.unique(screens.sightings.view(requests.lifetime[rows], requests.job[rows]))


def _behind(
    screens: Screens, jobs: TrueJobs, page: Ints, lifetime: Ints, *, stands: Standing
) -> tuple[Ints, Ints, Ints]:
    """Return lifetime, job and what is wrong, for each job of the last page that a view misses or has in part."""
    organization = screens.presence.organization[lifetime]
    sizes = np.bincount(jobs.organization[page], minlength=screens.devices.organizations)
    row, position = expand(sizes[organization])
    true = page[(np.cumsum(sizes) - sizes)[organization[row]] + position]
    view = screens.sightings.view(lifetime[row], jobs.job[true])
    revision = screens.sightings.revision.highest(view)
    shown = screens.sightings.view(stands.lifetime, screens.bodies.item_job[stands.item])
    is_shown = np.isin(view, shown) | np.isin(view, _in_detail(screens))
    lacks_evidence = screens.sightings.evidence.highest(view) < jobs.documents[true]
    wrong = np.select(
        [~is_shown, revision < jobs.revision[true], lacks_evidence],
        [Wrong.MISSING, Wrong.OLD_REVISION, Wrong.EVIDENCE_COUNT],
        -1,
    )
    behind = wrong >= 0
    return lifetime[row[behind]], jobs.job[true[behind]], wrong[behind]


def _last_page(jobs: TrueJobs) -> Ints:
    """Return the rows of the jobs on page 1 of each organization at the end, by organization."""
    alive = np.flatnonzero(~jobs.is_archived)
    # Newest first within each organization; the rows ascend by creation.
    alive = alive[np.lexsort((-alive, jobs.organization[alive]))]
    begin = starts(jobs.organization[alive])
    sizes = np.diff(np.append(begin, len(alive)))
    place = np.arange(len(alive)) - np.repeat(begin, sizes)
    page: Ints = alive[place < PAGE_LIMIT]
    return page


def _alive_elsewhere(jobs: TrueJobs, page: Ints) -> Ints:
    """Return the jobs (by name) that are neither archived nor on the last page."""
    elsewhere = ~jobs.is_archived
    elsewhere[page] = False
    alive: Ints = jobs.job[elsewhere]
    return alive


def _beyond_page(screens: Screens, mutations: Mutations, elsewhere: Ints, lifetime: Ints, *, looks: Looks) -> int:
    """Count (view, job): created while nobody looked, alive, not on the last page, and not shown since."""
    created = np.flatnonzero(mutations.is_showable & (mutations.kind == MutationKind.CREATE))
    created = created[np.isin(mutations.job[created], elsewhere)]
    organization = screens.presence.organization[lifetime]
    device = screens.presence.lifetimes.device[lifetime]
    total = 0
    for begin in range(0, len(created), _CHUNK):
        mutation = created[begin : begin + _CHUNK]
        row, view = np.nonzero(mutations.organization[mutation][:, None] == organization[None, :])
        asked = mutation[row]
        away = looks.holding(device[view], organization[view], mutations.promised_ns[asked]) < 0
        seen = screens.sightings.revision.highest(screens.sightings.view(lifetime[view], mutations.job[asked])) >= 0
        total += int((away & ~seen).sum())
    return total


def newest_mutations(mutations: Mutations, job: Ints, wrong: Ints) -> Ints:
    """Return for each difference the mutation that would have put it right, -1 if none of this run would.

    The newest one of the job that tells what is wrong: of its documents, its archive, or any other.
    """
    is_document = mutations.kind == MutationKind.DOCUMENT
    is_archive = mutations.kind == MutationKind.ARCHIVE
    by_wrong: dict[Wrong, Bools] = {
        Wrong.MISSING: ~is_document,
        Wrong.OLD_REVISION: ~is_document,
        Wrong.EVIDENCE_COUNT: is_document,
        Wrong.ARCHIVED_BUT_SHOWN: is_archive,
    }
    newest = np.full(len(job), -1, dtype=np.int64)
    for kind, tells in by_wrong.items():
        asked = np.flatnonzero(wrong == kind)
        rows = np.flatnonzero(mutations.is_showable & tells)
        rows = rows[np.lexsort((mutations.effective_ns[rows], mutations.job[rows]))]
        place = find_last(mutations.job[rows], np.zeros_like(rows), job[asked], np.zeros_like(asked))
        newest[asked] = np.where(place >= 0, rows[place], -1) if len(rows) else place
    return newest
