"""What lists take off a screen: by the rules of `clients.views`, for all devices of a run at once.

By each rule a list takes off the jobs that it lacks and that are newer than its *reach*: everything where the answer
is the list, what a full page covers where it is merged, nothing where it is merged and removes nothing. Knows neither
mutations nor the database: only which job is older than which.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.answers import NO_BODY, Bodies, Requests
from loadtests.analysis.devices import Devices
from loadtests.analysis.model_rules import by_model
from loadtests.analysis.scope import TrueJobs
from loadtests.analysis.segments import find, find_exact, is_start, running_max
from loadtests.analysis.sharing import share
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import Cause, KeyKind
from loadtests.clients.views import ViewRule

_ALL: Final = -1
"""The reach of an answer that takes off whatever it lacks: every job is newer."""
_NONE: Final = int(np.iinfo(np.int64).max)
"""The reach of one that takes nothing off."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the lists of lifetimes in the end."""

    lifetime: Ints
    item: Ints
    """Each job as it was answered last."""
    is_kept: Bools
    """Whether the last answer lacked it, and left it there."""


@dataclass(frozen=True, kw_only=True)
class Removals:
    """What each list that came to stand on a screen took off it."""

    requests: Requests
    bodies: Bodies
    reach: Ints
    """One entry per re-fetch, in ages as below."""
    age: Ints
    """For each name the job's place in the order of creation; those that the truth does not know are the newest."""

    def takes_off(self, request: Ints, job: Ints) -> Bools:
        """Return whether each answer, which lacks the job, takes it off the screen."""
        takes_off: Bools = self.age[job] > self.reach[request]
        return takes_off

    def first_list(self, lifetime: Ints, from_ns: Ints) -> Ints:
        """Return the first list of each lifetime from a stamp on, -1 if there is none."""
        rows = self._lists
        place = find(self.requests.lifetime[rows], self.requests.answered_ns[rows], lifetime, from_ns)
        return np.where(place >= 0, rows[place], -1) if len(rows) else place

    def first_list_without(self, lifetime: Ints, job: Ints, from_ns: Ints) -> Ints:
        """Return the first list of a lifetime from a stamp on that took the job off the screen, or shows it archived.

        Nearly always it is the first or second one, so each round asks only for those that are still open.
        """
        requests, bodies = self.requests, self.bodies
        lists, least = self._telling
        found = np.full(len(lifetime), -1, dtype=np.int64)
        place = find(requests.lifetime[lists], requests.answered_ns[lists], lifetime, from_ns)
        open_ = np.flatnonzero(place >= 0)
        open_ = open_[least[place[open_]] < self.age[job[open_]]]
        while len(open_):
            request = lists[place[open_]]
            item = find_exact(bodies.item_body, bodies.item_job, requests.body[request], job[open_])
            shows = (item < 0) & self.takes_off(request, job[open_])
            if len(bodies.is_archived):
                shows |= (item >= 0) & bodies.is_archived[item]
            found[open_[shows]] = request[shows]
            open_ = open_[~shows]
            place[open_] += 1
            open_ = open_[place[open_] < len(lists)]
            open_ = open_[requests.lifetime[lists[place[open_]]] == lifetime[open_]]
            open_ = open_[least[place[open_]] < self.age[job[open_]]]
        return found

    def standing(self, lifetime: Ints, among: Bools) -> "Standing":
        """Return what stands on these lifetimes' lists in the end; `among`: the jobs asked for, one entry per name."""
        requests, bodies = self.requests, self.bodies
        lists = self._lists[np.isin(requests.lifetime[self._lists], lifetime)]
        own, body = requests.lifetime[lists], requests.body[lists]
        after = np.append(body[1:], NO_BODY)[: len(lists)]
        after[np.append(is_start(own)[1:], True)[: len(lists)]] = NO_BODY
        # A job stands by the last list that holds it, unless one of those after it takes it off.
        count = len(bodies.bytes) + 1
        pairs, which = np.unique(body * count + after + 1, return_inverse=True)

        def lost(some: slice) -> tuple[Ints, Ints]:
            owner, item = bodies.items_of(pairs[some] // count)
            asked = among[bodies.item_job[item]]
            owner, item = owner[asked], item[asked]
            gone = bodies.item((pairs[some] % count - 1)[owner], bodies.item_job[item]) < 0
            return owner[gone], item[gone]

        place, item = share(which.astype(np.int64), len(pairs), lost)
        view = own[place] * len(self.age) + bodies.item_job[item]
        order = np.lexsort((place, view))
        is_last = np.append(is_start(view[order])[1:], True)[: len(order)]
        place, item = place[order[is_last]], item[order[is_last]]
        least = np.append(_least_from(own, self.reach[lists]), _NONE)[place + 1]
        least[after[place] == NO_BODY] = _NONE
        stands = self.age[bodies.item_job[item]] <= least
        place, item = place[stands], item[stands]
        return Standing(own[place], item, after[place] != NO_BODY)

    @cached_property
    def _lists(self) -> Ints:
        """The lists that came to stand on screens, by lifetime and answer."""
        rows = np.flatnonzero(self.requests.is_seen & (self.requests.kind == KeyKind.JOB_LIST))
        ordered: Ints = rows[np.lexsort((self.requests.answered_ns[rows], self.requests.lifetime[rows]))]
        return ordered

    @cached_property
    def _telling(self) -> tuple[Ints, Ints]:
        """Those that take something off or hold a job marked as archived; and the least reach from each on."""
        marks = np.zeros(len(self.bodies.bytes) + 1, dtype=np.bool_)  # the last entry is NO_BODY's
        marks[self.bodies.item_body[self.bodies.is_archived]] = True
        is_marked = marks[self.requests.body[self._lists]]
        reach = np.where(is_marked, _ALL, self.reach[self._lists])
        telling = reach < _NONE
        lists = self._lists[telling]
        return lists, _least_from(self.requests.lifetime[lists], reach[telling])


def read_removals(requests: Requests, bodies: Bodies, jobs: TrueJobs, devices: Devices, *, names: int) -> Removals:
    """Return how far each answer reaches, by the rule of its device's model and by its cause."""
    age = np.full(names, len(jobs), dtype=np.int64)
    age[jobs.job] = np.arange(len(jobs))
    oldest = np.full(len(bodies.bytes) + 1, len(jobs), dtype=np.int64)  # the last entry is NO_BODY's
    np.minimum.at(oldest, bodies.item_body, age[bodies.item_job])
    # What cannot be told apart by age is covered.
    oldest[oldest == len(jobs)] = _ALL
    rule = by_model(devices, lambda model: model.views)[requests.device]
    limit = by_model(devices, lambda model: model.list_limit)[requests.device]
    reach = np.full(len(requests), _ALL, dtype=np.int64)
    is_flush = requests.cause == Cause.FLUSH
    full = is_flush & (rule == ViewRule.MERGE) & (np.append(bodies.items, 0)[requests.body] >= limit)
    reach[full] = oldest[requests.body[full]]
    reach[is_flush & (rule == ViewRule.MERGE_KEEP)] = _NONE
    return Removals(requests=requests, bodies=bodies, reach=reach, age=age)


def _least_from(groups: Ints, values: Ints) -> Ints:
    """Return the least value from each entry to the end of its group; groups are sorted."""
    least: Ints = -running_max(-groups[::-1], -values[::-1])[::-1]
    return least
