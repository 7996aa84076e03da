"""Is every screen right in the end: each device's view of page 1 against the database, after the drain."""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.scope import TrueJobs
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import starts
from loadtests.analysis.stamps import Ints
from loadtests.clients.requests import PAGE_LIMIT, KeyKind
from loadtests.history.kinds import NO_ENTITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """Differences between views and the truth, one entry each."""

    views: int
    device: Ints
    job: Ints
    is_known: bool
    """Whether the truth was read."""

    @property
    def wrong_views(self) -> int:
        """Devices whose view differs."""
        return len(np.unique(self.device))


def convergence(screens: Screens, jobs: TrueJobs) -> Convergence:
    """Return what each device would still show wrongly: a job missing or in an old version, or archived but there."""
    devices = screens.devices
    behind_device, behind_job = _behind(screens, jobs)
    shown_device, shown_job = _archived_but_shown(screens, jobs)
    return Convergence(
        views=len(devices) if len(jobs) else 0,
        device=np.concatenate([behind_device, shown_device]),
        job=np.concatenate([behind_job, shown_job]),
        is_known=len(jobs) > 0,
    )


def _behind(screens: Screens, jobs: TrueJobs) -> tuple[Ints, Ints]:
    page = _last_page(jobs)
    row, device = screens.devices.watching(jobs.organization[page])
    true = page[row]
    view = screens.sightings.view(device, jobs.job[true])
    behind = screens.sightings.revision.highest(view) < jobs.revision[true]
    behind |= screens.sightings.evidence.highest(view) < jobs.documents[true]
    return device[behind], jobs.job[true[behind]]


def _last_page(jobs: TrueJobs) -> Ints:
    """Return the rows of the jobs on page 1 of each organization at the end."""
    alive = np.flatnonzero(~jobs.is_archived)
    # Newest first within each organization; the rows ascend by creation.
    alive = alive[np.lexsort((-alive, jobs.organization[alive]))]
    begin = starts(jobs.organization[alive])
    sizes = np.diff(np.append(begin, len(alive)))
    place = np.arange(len(alive)) - np.repeat(begin, sizes)
    page: Ints = alive[place < PAGE_LIMIT]
    return page


def _archived_but_shown(screens: Screens, jobs: TrueJobs) -> tuple[Ints, Ints]:
    """Return what the last list of each device shows though it is archived."""
    requests, bodies = screens.requests, screens.bodies
    lists = np.flatnonzero(requests.is_ok & (requests.kind == KeyKind.JOB_LIST))
    lists = lists[np.lexsort((requests.answered_ns[lists], requests.device[lists]))]
    last = lists[np.append(starts(requests.device[lists])[1:], len(lists)) - 1] if len(lists) else lists
    archived = jobs.job[jobs.is_archived]
    found_device, found_job = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    item = np.flatnonzero(np.isin(bodies.item_job, archived) & ~bodies.is_archived & (bodies.item_job != NO_ENTITY))
    wrong_bodies, place = np.unique(bodies.item_body[item], return_index=True)
    counts = np.diff(np.append(place, len(item)))
    where = np.searchsorted(wrong_bodies, requests.body[last])
    for request, index in zip(last, where, strict=True):
        if index < len(wrong_bodies) and wrong_bodies[index] == requests.body[request]:
            jobs_shown = bodies.item_job[item[place[index] : place[index] + counts[index]]]
            found_job.append(jobs_shown)
            found_device.append(np.full(len(jobs_shown), requests.device[request]))
    return np.concatenate(found_device), np.concatenate(found_job)
