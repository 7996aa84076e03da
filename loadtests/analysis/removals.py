"""Which list took a job off a screen.

Most clients show what they fetched last, so a list without the job does. One that merges what it fetches goes on
showing the job until a list replaces everything.
"""

import numpy as np

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.segments import find, find_exact
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import KeyKind


def first_list_without(requests: Requests, bodies: Bodies, removes: Bools, asked: tuple[Ints, Ints, Ints]) -> Ints:
    """Return the first list of a lifetime from a stamp on that took the job off the screen, or shows it archived.

    Nearly always it is the first or second one, so each round asks only for those that are still open.

    Args:
        requests: all re-fetches.
        bodies: what they answered.
        removes: which re-fetches take off the screen what they do not hold.
        asked: lifetime, job and stamp of each question.

    """
    lifetime, job, from_ns = asked
    lists = _lists_that_may_tell(requests, bodies, removes)
    found = np.full(len(lifetime), -1, dtype=np.int64)
    place = find(requests.lifetime[lists], requests.answered_ns[lists], lifetime, from_ns)
    open_ = np.flatnonzero(place >= 0)
    while len(open_):
        request = lists[place[open_]]
        item = find_exact(bodies.item_body, bodies.item_job, requests.body[request], job[open_])
        shows = (item < 0) & removes[request]
        if len(bodies.is_archived):
            shows |= (item >= 0) & bodies.is_archived[item]
        found[open_[shows]] = request[shows]
        open_ = open_[~shows]
        place[open_] += 1
        open_ = open_[place[open_] < len(lists)]
        open_ = open_[requests.lifetime[lists[place[open_]]] == lifetime[open_]]
    return found


def _lists_that_may_tell(requests: Requests, bodies: Bodies, removes: Bools) -> Ints:
    """Return the lists that replace what is shown or hold a job marked as archived, by lifetime and answer."""
    marks = np.zeros(len(bodies.bytes) + 1, dtype=np.bool_)  # the last entry is NO_BODY's
    marks[bodies.item_body[bodies.is_archived]] = True
    chosen = requests.is_seen & (requests.kind == KeyKind.JOB_LIST) & (removes | marks[requests.body])
    rows = np.flatnonzero(chosen)
    ordered: Ints = rows[np.lexsort((requests.answered_ns[rows], requests.lifetime[rows]))]
    return ordered
