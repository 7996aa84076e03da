"""Delivery accounting: each event, each subscriber of its organization, exactly one class. They add up, always.

Truth is what the database holds. The order of the classes is the definition: outside the lifetime, duplicate,
delivered once or late, missed while live, missed while away and healed, or never healed.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from loadtests.analysis.causes import Deviations
from loadtests.analysis.devices import SUBSCRIBER, Devices, Presence
from loadtests.analysis.events import NOT_IN_DATABASE, Events, Signals
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.segments import is_record, starts
from loadtests.analysis.stamps import NEVER, NS_PER_MS, UNKNOWN, Bools, Ints
from loadtests.history.kinds import NO_ENTITY, NOBODY


class DeliveryClass(IntEnum):
    """What became of one (event, subscriber)."""

    OUTSIDE = 0
    DUPLICATE = 1
    DELIVERED_ONCE = 2
    LATE = 3
    MISSED_LIVE = 4
    MISSED_HEALED = 5
    MISSED_UNHEALED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The account of the window's events, and what was seen beside it."""

    event: Ints
    device: Ints
    classes: Ints
    """A `DeliveryClass` for each (event, device); the three columns are equally long."""
    expected: int
    """Counted apart, from events and members alone."""
    early: int
    live_healed: int
    unhealed_outside_screen: int
    deviations: Deviations
    """Those that were missed or came late."""
    leaked: int
    phantom: int | None
    """None when the truth was not read."""
    out_of_order: int
    degraded: int

    def count(self, of: DeliveryClass) -> int:
        """Return how many pairs are of a class."""
        return int((self.classes == of).sum())

    @property
    def adds_up(self) -> bool:
        """Whether the classes sum to the expected count."""
        return sum(self.count(each) for each in DeliveryClass) == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """For each (event, subscriber) of the account: how often received, and when first."""

    times: Ints
    first_ns: Ints


def account(
    events: Events, signals: Signals, pairs: Pairs, *, devices: Devices, presence: Presence, deadline_ms: int
) -> Delivery:
    """Return the account of all events in the window."""
    counted = np.flatnonzero(events.in_window & (events.organization >= 0))
    row, device = devices.watching(events.organization[counted])
    is_subscriber = devices.cohort[device] == SUBSCRIBER
    event, device = counted[row[is_subscriber]], device[is_subscriber]
    receipts = _receipts(signals, event, device, devices=len(devices))
    placed_ns = events.placed_ns[event]
    until_ns = placed_ns + deadline_ms * NS_PER_MS
    is_received = receipts.times > 0
    is_live = presence.live.covers(device, placed_ns, until_ns)
    pair = pairs.find(np.where(events.is_primary[event], events.mutation[event], -1), device)
    is_shown = _of_pairs(pairs.visible_ns != NEVER, pair)
    classes = np.select(
        [
            presence.lifetimes.at(device, placed_ns) < 0,
            receipts.times > 1,
            is_received & (receipts.first_ns <= until_ns),
            is_received,
            is_live,
            is_shown,
        ],
        [
            DeliveryClass.OUTSIDE,
            DeliveryClass.DUPLICATE,
            DeliveryClass.DELIVERED_ONCE,
            DeliveryClass.LATE,
            DeliveryClass.MISSED_LIVE,
            DeliveryClass.MISSED_HEALED,
        ],
        DeliveryClass.MISSED_UNHEALED,
    ).astype(np.int64)
    inside = classes != DeliveryClass.OUTSIDE
    off_screen = ~_of_pairs(pairs.on_screen, pair)
    members = np.bincount(devices.organization[devices.cohort == SUBSCRIBER], minlength=devices.organizations)
    return Delivery(
        event=event,
        device=device,
        classes=classes,
        expected=int(members[events.organization[counted]].sum()),
        early=int((inside & is_received & (presence.live.at(device, placed_ns) < 0)).sum()),
        live_healed=int(((classes == DeliveryClass.MISSED_LIVE) & is_shown).sum()),
        unhealed_outside_screen=int(((classes == DeliveryClass.MISSED_UNHEALED) & off_screen).sum()),
        deviations=Deviations(event=event, device=device, classes=classes, placed_ns=placed_ns, until_ns=until_ns).of(
            classes >= DeliveryClass.LATE
        ),
        leaked=int((signals.is_named & (signals.organization != devices.organization[signals.device])).sum()),
        phantom=_phantoms(signals, len(events)),
        out_of_order=_out_of_order(signals, events),
        # What tells no event, or none that the database has, cannot be placed in the window: it counts wherever it
        # was received.
        degraded=int((signals.is_degraded & (_in_window(signals, events) | (signals.event == NOT_IN_DATABASE))).sum()),
    )


def _receipts(signals: Signals, event: Ints, device: Ints, *, devices: int) -> Receipts:
    """Count receipts by sorting: memory grows with what was received, not with events times devices."""
    known = signals.event != NOT_IN_DATABASE
    receipt = signals.event[known] * devices + signals.device[known]
    order = np.lexsort((signals.received_ns[known], receipt))
    receipt, received_ns = receipt[order], signals.received_ns[known][order]
    begin = starts(receipt)
    distinct, times = receipt[begin], np.diff(np.append(begin, len(receipt)))
    if not len(distinct):
        return Receipts(times=np.zeros(len(event), dtype=np.int64), first_ns=np.full(len(event), NEVER))
    asked = event * devices + device
    place = np.minimum(np.searchsorted(distinct, asked), len(distinct) - 1)
    is_received = distinct[place] == asked
    return Receipts(
        times=np.where(is_received, times[place], 0),
        first_ns=np.where(is_received, received_ns[begin[place]], NEVER),
    )


def _of_pairs(column: Bools, pair: Ints) -> Bools:
    """Return the column of each pair, False where there is none (-1)."""
    return (pair >= 0) & column[pair] if len(column) else pair >= 0


def _in_window(signals: Signals, events: Events) -> Bools:
    if not len(events):
        return np.zeros(len(signals), dtype=np.bool_)
    is_inside: Bools = (signals.event != NOT_IN_DATABASE) & events.in_window[signals.event]
    return is_inside


def _phantoms(signals: Signals, true_events: int) -> int | None:
    if not true_events and len(signals):
        return None
    # An event of a foreign organization cannot be looked up in the truth of the run's own: it is a leak, no phantom.
    is_absent = signals.is_named & (signals.event == NOT_IN_DATABASE)
    return int((is_absent & (signals.organization != NOBODY)).sum())


def _out_of_order(signals: Signals, events: Events) -> int:
    """Count signals that came after one of the same job with a later commit; a job has one change in flight."""
    rows = np.flatnonzero(_in_window(signals, events))
    event = signals.event[rows]
    told = (events.job[event] != NO_ENTITY) & (events.committed_ns[event] != UNKNOWN) & events.is_primary[event]
    rows, event = rows[told], event[told]
    view = signals.device[rows] * (int(events.job.max(initial=0)) + 1) + events.job[event]
    order = np.lexsort((signals.received_ns[rows], view))
    view, committed_ns = view[order], events.committed_ns[event[order]]
    # A second receipt of one event is a duplicate and is counted there, so equal commits are in order.
    is_new = is_record(view, committed_ns)
    newest = committed_ns[np.maximum.accumulate(np.where(is_new, np.arange(len(view)), 0))] if len(view) else view
    return int((committed_ns < newest).sum())
