"""Events whose mutation leaves no choice, though they name no request and no clock is known yet.

Such is the only event of its type for a job that only one mutation of that type changed. A job is created and archived
once, so every run that does so has some. Knows rows, and nothing of clocks: where nobody may ask the database, the
clock is told by what stands here.
"""

import numpy as np

from loadtests.analysis.stamps import Ints
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind
from loadtests.scenario.vocabulary import EVENT_OF_MUTATION


def jobs_of_events(history: History, events: Rows) -> Ints:
    """Return the job that each event is about, NO_ENTITY where the event names its request instead."""
    about = np.full(len(history.names), NO_ENTITY, dtype=np.int64)
    rows = history.of(Kind.EVENT_ABOUT)
    about[rows["entity"]] = rows["value"]
    jobs: Ints = about[events["entity"]]
    return jobs


def subjects(jobs: Ints, event_types: Ints) -> Ints:
    """Return one number for each job and type of event."""
    return jobs.astype(np.int64) * 2**16 + event_types


def types_announced(kinds: Ints) -> Ints:
    """Return the type of the event that announces each kind of mutation, 0 for none."""
    announced = np.zeros(max(EVENT_OF_MUTATION) + 1, dtype=np.int64)
    for kind, event_type in EVENT_OF_MUTATION.items():
        announced[kind] = event_type
    return announced[kinds]


def anchored(history: History, events: Rows) -> Ints:
    """Return for each TRUE_EVENT row the mutation that it names or must mean, NOBODY where that is not clear."""
    mutation = events["revision"].astype(np.int64)
    jobs = jobs_of_events(history, events)
    is_open = (mutation == NOBODY) & (jobs != NO_ENTITY)
    due, sent, acked = history.of(Kind.DUE), history.of(Kind.SENT), history.of(Kind.ACKED)
    size = int(max(rows["actor"].max(initial=-1) for rows in (due, sent, acked))) + 1
    if not is_open.any() or not size:
        return mutation
    kind, job = np.zeros(size, dtype=np.int64), np.full(size, NO_ENTITY, dtype=np.int64)
    kind[due["actor"]] = due["flag"]
    for rows in (sent, acked):
        job[rows["actor"]] = np.where(rows["entity"] != NO_ENTITY, rows["entity"], job[rows["actor"]])
    changed = np.flatnonzero(job != NO_ENTITY)
    told = np.flatnonzero(is_open)
    only_told, event = _once(subjects(jobs[told], events["flag"][told]))
    only_changed, index = _once(subjects(job[changed], types_announced(kind[changed])))
    _, left, right = np.intersect1d(only_told, only_changed, return_indices=True)
    mutation[told[event[left]]] = changed[index[right]]
    return mutation


def _once(values: Ints) -> tuple[Ints, Ints]:
    """Return the values that stand there once, and where."""
    found, place, count = np.unique(values, return_index=True, return_counts=True)
    return found[count == 1], place[count == 1]
