"""What was received beside the account: phantoms, what came degraded, and what came out of order."""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.lanes import NO_LANE, NOT_COUNTED, Lanes
from loadtests.analysis.receipts import chunks
from loadtests.analysis.segments import is_start, stable_order
from loadtests.analysis.stamps import UNKNOWN, Bools, Ints
from loadtests.history.kinds import NO_ENTITY, NOBODY


def degraded(signals: Signals, events: Events) -> int:
    """Return how many signals of the window came with errors.

    What tells no event, or none that the database has, cannot be placed in the window: it counts wherever it was
    received.
    """
    event = signals.event[signals.is_degraded]
    return int((_in_window(event, events) | (event == NOT_IN_DATABASE)).sum())


def phantoms(signals: Signals, true_events: int) -> int | None:
    """Return how many signals are of no event that the database has; None when the truth was not read."""
    if not true_events and len(signals):
        return None
    # An event of a foreign organization cannot be looked up in the truth of the run's own: it is a leak, no phantom.
    is_absent = signals.is_named & (signals.event == NOT_IN_DATABASE)
    return int((is_absent & (signals.organization != NOBODY)).sum())


def out_of_order(signals: Signals, events: Events, lanes: Lanes) -> int:
    """Count signals that came after one of the same job with a later commit; a job has one change in flight.

    Signals stand in the order of receipt, so one table of the newest commit that each subscriber received of each job
    tells. A second receipt of one event is a duplicate and is counted there: equal commits are in order.
    """
    if not len(events):
        return 0
    slots = _slots(events, lanes)
    newest = np.full(slots.count, -1, dtype=np.int64)
    total = 0
    for chunk in chunks(len(signals)):
        device, event = signals.device[chunk], signals.event[chunk]
        told = (event != NOT_IN_DATABASE) & (slots.of_event[event] >= 0)
        device, event = device[told], event[told]
        lane = lanes.lane(device, events.organization[event])
        event, lane = event[lane != NO_LANE], lane[lane != NO_LANE]
        slot = slots.of_lane[lane] + slots.of_event[event]
        order = stable_order(slot)
        slot, commit = slot[order], slots.commit[event[order]]
        # One number for slot and commit: within a slot, the largest so far is the newest commit so far.
        stamp = slot * len(events) + commit
        highest = np.maximum.accumulate(stamp)
        total += int(((stamp < highest) | (commit < newest[slot])).sum())
        ends = np.flatnonzero(np.append(is_start(slot)[1:], True)[: len(slot)])
        newest[slot[ends]] = np.maximum(newest[slot[ends]], highest[ends] - slot[ends] * len(events))
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slots:
    """One slot for each subscriber and each job of its organization that events of the account are of."""

    count: int
    of_lane: Ints
    """Where each lane's slots begin."""
    of_event: Ints
    """The place of each event's job among those of its organization; -1 for events that tell no order."""
    commit: Ints
    """Each event's place in the order of commits; equal ones have the same."""


def _slots(events: Events, lanes: Lanes) -> _Slots:
    tells = (events.job != NO_ENTITY) & (events.committed_ns != UNKNOWN) & events.is_primary
    rows = np.flatnonzero(tells & (lanes.row != NOT_COUNTED))
    rows = rows[np.lexsort((events.job[rows], events.organization[rows]))]
    organization = events.organization[rows]
    number = np.cumsum(is_start(organization) | is_start(events.job[rows])) - 1
    organizations = len(lanes.first) - 1
    first = np.searchsorted(organization, np.arange(organizations + 1))
    jobs_before = np.append(number, number[-1] + 1 if len(number) else 0)[first]
    of_event = np.full(len(events), -1, dtype=np.int64)
    of_event[rows] = number - jobs_before[organization]
    sizes = np.diff(jobs_before)[lanes.organization]
    return _Slots(
        count=int(sizes.sum()),
        of_lane=np.cumsum(sizes) - sizes,
        of_event=of_event,
        commit=np.unique(events.committed_ns, return_inverse=True)[1].astype(np.int64),
    )


def _in_window(event: Ints, events: Events) -> Bools:
    if not len(events):
        return np.zeros(len(event), dtype=np.bool_)
    is_inside: Bools = (event != NOT_IN_DATABASE) & events.in_window[event]
    return is_inside
