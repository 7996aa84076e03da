"""What stands on a screen: page 1 of an organization's jobs in time, reconstructed from the truth.

Page 1 is the 25 newest jobs that are not archived. A mutation whose job is not on a device's screen cannot be seen
there, whoever pushes or polls. For every device it is the same 25, also where a client's list is longer (the web app
as built asks for 50): client models are compared by the same mutations, and what such a list shows beyond is told of
no one.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.clock import Clock
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.segments import find_last
from loadtests.analysis.stamps import NEVER, UNKNOWN, Bools, Ints
from loadtests.clients.requests import PAGE_LIMIT
from loadtests.history.history import History
from loadtests.history.kinds import ItemFlag, Kind
from loadtests.scenario.vocabulary import MutationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueJobs:
    """One entry per job as it stands at the end, from the oldest to the newest of all organizations."""

    job: Ints
    organization: Ints
    created_ns: Ints
    revision: Ints
    documents: Ints
    is_archived: Bools
    is_archive_known: bool
    """Whether the database tells what is archived. Where it does not, only what this run's mutations archived counts as
    archived: enough to say when a job left page 1, too little to call a screen right or wrong."""
    archived_ns: Ints
    """NEVER while it is not; UNKNOWN when no mutation of this run archived it."""

    def __len__(self) -> int:
        return len(self.job)


def read_true_jobs(history: History, clock: Clock, mutations: Mutations) -> TrueJobs:
    """Return all jobs in the order of their creation."""
    rows = history.of(Kind.TRUE_JOB)
    # Newest first, then by ascending id, says the API: of jobs created together, the lower id is the newer one.
    rows = rows[np.lexsort((-np.arange(len(rows)), rows["due_ns"]))]
    archives = np.flatnonzero(mutations.is_done & (mutations.kind == MutationKind.ARCHIVE))
    archived_of_name = np.full(len(history.names), UNKNOWN, dtype=np.int64)
    archived_of_name[mutations.job[archives]] = mutations.effective_ns[archives]
    is_untold = (rows["flag"] & ItemFlag.ARCHIVE_UNTOLD) > 0
    is_archived = np.where(
        is_untold, archived_of_name[rows["entity"]] != UNKNOWN, (rows["flag"] & ItemFlag.ARCHIVED) > 0
    )
    return TrueJobs(
        job=rows["entity"].astype(np.int64),
        organization=rows["actor"].astype(np.int64),
        created_ns=clock.monotonic_ns(rows["due_ns"]),
        revision=rows["revision"].astype(np.int64),
        documents=rows["value"].astype(np.int64),
        is_archived=is_archived,
        is_archive_known=not is_untold.any(),
        archived_ns=np.where(is_archived, archived_of_name[rows["entity"]], NEVER),
    )


def reason_against_pages(jobs: TrueJobs, *, had_a_past: bool) -> list[str]:
    """Return why what stood on page 1 is not known, in words.

    Where the database does not tell, nobody knows which jobs were archived before the run. In organizations of the
    run's own none were; in others that have more jobs than a page, some of these may have stood on it.
    """
    if jobs.is_archive_known or not had_a_past:
        return []
    crowded = int((np.bincount(jobs.organization[~jobs.is_archived]) > PAGE_LIMIT).sum())
    if not crowded:
        return []
    reason = (
        "the database does not tell which jobs are archived (jobs.archived_at), and organizations that are older than "
        f"the run have more jobs than the {PAGE_LIMIT} of a page ({crowded:,}): what stood on screens is not known"
    )
    return [reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTimes:
    """Stretches of time in which jobs stood on page 1, sorted by job and begin."""

    job: Ints
    enter_ns: Ints
    leave_ns: Ints
    """NEVER when it was still there at the end."""
    is_known: bool
    """Without the truth, every job counts as being on page 1."""

    def stretch(self, job: Ints, at_ns: Ints) -> Ints:
        """Return the stretch that holds the stamp, its end included (an archive is what ends it), else -1."""
        place = find_last(self.job, self.enter_ns, job, at_ns)
        if len(self.job):
            place[(place >= 0) & (self.leave_ns[place] < at_ns)] = -1
        return place

    def leave(self, stretch: Ints) -> Ints:
        """Return when each stretch ended; NEVER for those that are not known."""
        if not len(self.job):
            return np.full(len(stretch), NEVER, dtype=np.int64)
        return np.where(stretch >= 0, self.leave_ns[stretch], NEVER)


def page_times(jobs: TrueJobs) -> PageTimes:
    """Replay creations and archives of each organization, and note who entered and left page 1."""
    is_known = bool(len(jobs)) and bool((jobs.created_ns != UNKNOWN).all())
    stretches: list[tuple[int, int, int]] = []
    if is_known:
        for organization in np.unique(jobs.organization):
            # Archived before the run, a job never stands on a page of it.
            rows = np.flatnonzero((jobs.organization == organization) & (jobs.archived_ns != UNKNOWN))
            stretches += _replay(jobs, rows)
    table = np.array(sorted(stretches), dtype=np.int64).reshape(-1, 3)
    return PageTimes(job=table[:, 0], enter_ns=table[:, 1], leave_ns=table[:, 2], is_known=is_known)


def _replay(jobs: TrueJobs, rows: Ints) -> list[tuple[int, int, int]]:
    """Return (job, enter, leave) of one organization; `rows` ascend by creation, so a row's number is its age."""
    archived = rows[jobs.archived_ns[rows] != NEVER]
    changes = [(int(jobs.created_ns[row]), 0, int(row)) for row in rows]
    changes += [(int(max(jobs.archived_ns[row], jobs.created_ns[row])), 1, int(row)) for row in archived]
    # A stable sort by time and kind keeps jobs that were created together in their order of age.
    changes.sort(key=lambda change: change[:2])
    alive: list[int] = []
    entered: dict[int, int] = {}
    stretches: list[tuple[int, int, int]] = []

    def leave(row: int, at_ns: int) -> None:
        stretches.append((int(jobs.job[row]), entered.pop(row), at_ns))

    for at_ns, is_archive, row in changes:
        if not is_archive:
            alive.append(row)
            entered[row] = at_ns
            if len(alive) > PAGE_LIMIT:
                leave(alive[-PAGE_LIMIT - 1], at_ns)
            continue
        place = bisect_left(alive, row)
        if row in entered:
            leave(row, at_ns)
            if len(alive) > PAGE_LIMIT:
                entered[alive[-PAGE_LIMIT - 1]] = at_ns
        alive.pop(place)
    for row in list(entered):
        leave(row, NEVER)
    return stretches
