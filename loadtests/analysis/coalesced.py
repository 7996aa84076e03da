"""Which mutations have no event of their own because an event of a later one stands for them.

A coalescing pipeline says in an event for how many earlier ones it stands, not for which: they are the latest
earlier changes of the same kind to the same job that have no row and that no other event stands for. So a change
that was merged is told from one that nobody was told of.
"""

from collections import defaultdict

import numpy as np

from loadtests.analysis.events import Events
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.stamps import Bools, Ints


def has_own_event(mutations: Mutations, events: Events) -> Bools:
    """Return for each mutation whether an event row of its own type announces it."""
    counts = np.bincount(events.mutation[events.is_primary], minlength=len(mutations))
    return counts > 0


def coalesced_mutations(mutations: Mutations, events: Events) -> Bools:
    """Return for each mutation whether an event of a later one stands for it."""
    is_coalesced = np.zeros(len(mutations), dtype=np.bool_)
    standing = np.flatnonzero(events.is_primary & (events.stands_for > 0))
    if not len(standing):
        return is_coalesced
    stands_for = np.zeros(len(mutations), dtype=np.int64)
    np.add.at(stands_for, events.mutation[standing], events.stands_for[standing])
    waiting: dict[tuple[int, int], list[int]] = defaultdict(list)
    for mutation in _in_order(mutations, has_own_event(mutations, events), stands_for > 0):
        row = int(mutation)
        unannounced = waiting[int(mutations.kind[row]), int(mutations.job[row])]
        if not stands_for[row]:
            unannounced.append(row)
            continue
        merged = unannounced[-int(stands_for[row]) :]
        is_coalesced[merged] = True
        del unannounced[len(unannounced) - len(merged) :]
    return is_coalesced


def silent_mutations(mutations: Mutations, events: Events) -> Bools:
    """Return for each mutation of the window whether it was acked and no event announces it: a silent failure."""
    told = has_own_event(mutations, events) | coalesced_mutations(mutations, events)
    is_silent: Bools = mutations.in_window & (mutations.fate == Fate.ACKED) & ~told
    return is_silent


def _in_order(mutations: Mutations, has_event: Bools, stands_for_others: Bools) -> Ints:
    """Return the mutations that stand for others or wait for one that does, in the order in which they took effect."""
    rows = np.flatnonzero(stands_for_others | (mutations.is_done & ~has_event))
    ordered: Ints = rows[np.argsort(mutations.effective_ns[rows], kind="stable")]
    return ordered
