"""What was received beside the account: phantoms, what came degraded, and what came out of order."""

import numpy as np

from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.receipts import chunks
from loadtests.analysis.segments import is_record
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


def out_of_order(signals: Signals, events: Events) -> int:
    """Count signals that came after one of the same job with a later commit; a job has one change in flight.

    Whatever came after a later commit of its own job came after a later commit on its device: only devices that
    received anything so are looked at job by job.
    """
    newest = np.full(int(signals.device.max(initial=-1)) + 1, UNKNOWN, dtype=np.int64)
    disturbed = np.zeros(len(newest), dtype=np.bool_)
    for chunk in chunks(len(signals)):
        device, event = signals.device[chunk], signals.event[chunk]
        told = _told(event, events)
        device, event = device[told], event[told]
        order = np.argsort(device, kind="stable")
        device, committed_ns = device[order], events.committed_ns[event[order]]
        _note_disorder(newest, disturbed, device, committed_ns)
    rows = np.flatnonzero(disturbed[signals.device]) if len(newest) else np.zeros(0, dtype=np.int64)
    rows = rows[_told(signals.event[rows], events)]
    view = signals.device[rows] * (int(events.job.max(initial=0)) + 1) + events.job[signals.event[rows]]
    order = np.argsort(view, kind="stable")  # signals stand in the order of receipt
    return int(_is_behind(view[order], events.committed_ns[signals.event[rows[order]]]).sum())


def _note_disorder(newest: Ints, disturbed: Bools, device: Ints, committed_ns: Ints) -> None:
    """Add a chunk of receipts by device: the newest commit that each has received, and who received an older one."""
    behind = _is_behind(device, committed_ns) | (committed_ns < newest[device])
    disturbed[device[behind]] = True
    np.maximum.at(newest, device, committed_ns)


def _is_behind(group: Ints, committed_ns: Ints) -> Bools:
    """Return which receipts came after one of their group with a later commit.

    A second receipt of one event is a duplicate and is counted there, so equal commits are in order.
    """
    if not len(group):
        return np.zeros(0, dtype=np.bool_)
    is_new = is_record(group, committed_ns)
    newest = committed_ns[np.maximum.accumulate(np.where(is_new, np.arange(len(group)), 0))]
    behind: Bools = committed_ns < newest
    return behind


def _told(event: Ints, events: Events) -> Bools:
    """Return which signals are of an event of the window that is its mutation's own and whose commit is known."""
    if not len(events):
        return np.zeros(len(event), dtype=np.bool_)
    tells = (events.job != NO_ENTITY) & (events.committed_ns != UNKNOWN) & events.is_primary & events.in_window
    is_told: Bools = (event != NOT_IN_DATABASE) & tells[event]
    return is_told


def _in_window(event: Ints, events: Events) -> Bools:
    if not len(events):
        return np.zeros(len(event), dtype=np.bool_)
    is_inside: Bools = (event != NOT_IN_DATABASE) & events.in_window[event]
    return is_inside
