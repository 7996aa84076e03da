"""Identifiers that several organizations use: job 7 of one and job 7 of another, as where each counts by itself.

Inside an identifier is a name, and one name is one thing. What has a name of several organizations cannot be told
apart: it is left out of what would call it lost or leaked, and a run that has any is not good enough to judge.
"""

import numpy as np

from loadtests.analysis.stamps import Bools, Ints
from loadtests.analysis.truth_source import truth_source
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind, TruthSource


def events_of_several(history: History) -> Bools:
    """Return for each name whether it is that of events of several organizations, by whoever tells the truth."""
    if truth_source(history) is TruthSource.AGREEMENT:
        rows = history.of(Kind.EVENT_NAMED)
        return _of_several(rows["entity"], rows["revision"], names=len(history.names))
    rows = history.of(Kind.TRUE_EVENT)
    return _of_several(rows["entity"], rows["actor"], names=len(history.names))


def jobs_of_several(history: History) -> Bools:
    """Return for each name whether it is that of jobs of several organizations, by the database."""
    rows = history.of(Kind.TRUE_JOB)
    return _of_several(rows["entity"], rows["actor"], names=len(history.names))


def reason_against_shared_ids(history: History) -> list[str]:
    """Return why identifiers make a run not good enough, in words; nothing where each is of one organization."""
    told = [
        f"{count:,} ids of {what}"
        for count, what in (
            (int(events_of_several(history).sum()), "events"),
            (int(jobs_of_several(history).sum()), "jobs"),
        )
        if count
    ]
    if not told:
        return []
    reason = (
        f"{' and '.join(told)} stand in more than one organization: nobody can tell which is meant; ids have to be "
        "unique in the whole table, or measure one organization (organizations.count = 1)"
    )
    return [reason]


def _of_several(name: Ints, organization: Ints, *, names: int) -> Bools:
    # Who could not tell the organization does not say that it is another one.
    known = (name != NO_ENTITY) & (organization != NOBODY)
    name, organization = name[known], organization[known]
    last = np.full(names, NOBODY, dtype=np.int64)
    last[name] = organization
    several = np.zeros(names, dtype=np.bool_)
    several[name[organization != last[name]]] = True
    return several
