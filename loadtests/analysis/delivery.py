"""Delivery accounting: each event, each subscriber of its organization, exactly one class. They add up, always.

Truth is what the database holds. The order of the classes is the definition: outside the lifetime, duplicate,
delivered once or late, missed while live, missed while away and healed, or never healed. Each (event, subscriber) is
one byte; only what was missed or late is looked at one by one.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from loadtests.analysis.causes import Deviations
from loadtests.analysis.devices import SUBSCRIBER, Devices, Presence
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.lanes import Bytes, Lanes, Stretches, lanes_of
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.receipts import count_receipts
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import expand
from loadtests.analysis.showings import ever_shown, on_page
from loadtests.analysis.signal_counts import degraded, out_of_order, phantoms
from loadtests.analysis.stamps import NEVER, Bools, Ints
from loadtests.history.kinds import NOBODY


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

    lanes: Lanes
    """Which cell is of which event and subscriber."""
    classes: Bytes
    """A `DeliveryClass` for each cell."""
    deviations: Deviations
    """The cells that are missed or late, one by one."""
    expected: int
    """Counted apart, from events and members alone."""
    early: int
    live_healed: int
    phantom: int | None
    """None when the truth was not read."""
    out_of_order: int
    degraded: int

    def count(self, of: DeliveryClass) -> int:
        """Return how many pairs are of a class."""
        return int(np.count_nonzero(self.classes == of))

    @property
    def adds_up(self) -> bool:
        """Whether the classes sum to the expected count."""
        return sum(self.count(each) for each in DeliveryClass) == self.expected

    def class_of(self, event: Ints, device: Ints, organization: Ints) -> Ints:
        """Return the class of each event of the organization and device, -1 if it is not in the account."""
        cell = self.lanes.cell(event, device, organization)
        found = np.full(len(cell), -1, dtype=np.int64)
        found[cell >= 0] = self.classes[cell[cell >= 0]]
        return found


def account(events: Events, signals: Signals, mutations: Mutations, screens: Screens, *, deadline_ns: int) -> Delivery:
    """Return the account of all events in the window."""
    devices = screens.devices
    counted = np.flatnonzero(events.in_window & (events.organization >= 0))
    lanes = lanes_of(events, counted, devices, devices.cohort == SUBSCRIBER)
    receipts = count_receipts(signals, events, lanes, deadline_ns=deadline_ns)
    alive, live = _lifetimes(screens.presence), _live(screens.presence)
    inside = lanes.within(alive)
    classes = np.full(len(lanes), DeliveryClass.MISSED_UNHEALED, dtype=np.uint8)
    # From the last of the definition's order to the first, so that what comes first in it counts.
    classes[lanes.within(live, margin_ns=deadline_ns)] = DeliveryClass.MISSED_LIVE
    classes[receipts.is_received] = DeliveryClass.DELIVERED_ONCE
    classes[receipts.is_late & receipts.is_received] = DeliveryClass.LATE
    classes[receipts.is_again] = DeliveryClass.DUPLICATE
    classes[~inside] = DeliveryClass.OUTSIDE
    missed = np.flatnonzero(classes >= DeliveryClass.MISSED_LIVE)
    is_shown, off_screen, has_returned = _healing(
        lanes, missed, events=events, mutations=mutations, screens=screens, deadline_ns=deadline_ns
    )
    is_live = classes[missed] == DeliveryClass.MISSED_LIVE
    classes[missed[is_shown & ~is_live]] = DeliveryClass.MISSED_HEALED
    return Delivery(
        lanes=lanes,
        classes=classes,
        deviations=_deviations(
            lanes,
            classes,
            events,
            beyond_screen=missed[~is_shown & off_screen],
            returned=missed[~is_shown & has_returned],
            deadline_ns=deadline_ns,
        ),
        expected=int(_members(devices)[events.organization[counted]].sum()),
        early=int(np.count_nonzero(inside & receipts.is_received & ~lanes.within(live))),
        live_healed=int((is_live & is_shown).sum()),
        phantom=phantoms(signals, len(events)),
        out_of_order=out_of_order(signals, events, lanes),
        degraded=degraded(signals, events),
    )


def _deviations(
    lanes: Lanes, classes: Bytes, events: Events, *, beyond_screen: Ints, returned: Ints, deadline_ns: int
) -> Deviations:
    """Return what wants a cause: whatever is late or missed; `beyond_screen` and `returned` are cells among these."""
    cells = np.flatnonzero(classes >= DeliveryClass.LATE)
    event, device = lanes.of_cells(cells)
    is_beyond_screen, has_returned = (np.zeros(len(cells), dtype=np.bool_) for _ in range(2))
    is_beyond_screen[np.searchsorted(cells, beyond_screen)] = True
    has_returned[np.searchsorted(cells, returned)] = True
    return Deviations(
        event=event,
        device=device,
        classes=classes[cells],
        is_beyond_screen=is_beyond_screen,
        has_returned=has_returned,
        placed_ns=events.placed_ns[event],
        deadline_ns=deadline_ns,
    )


def _members(devices: Devices) -> Ints:
    """Return how many subscribers each organization has, guests included: counted apart from the lanes."""
    pushed = devices.cohort == SUBSCRIBER
    guests = devices.other_organization[pushed & (devices.other_organization != NOBODY)]
    return np.bincount(np.concatenate([devices.organization[pushed], guests]), minlength=devices.organizations)


def _lifetimes(presence: Presence) -> Stretches:
    lives = presence.lifetimes
    return Stretches(
        device=lives.device, organization=presence.organization, begin_ns=lives.begin_ns, end_ns=lives.end_ns
    )


def _live(presence: Presence) -> Stretches:
    """Return when devices were live, each stretch in the organization of its lifetime."""
    live = presence.live
    lifetime = presence.lifetimes.at(live.device, live.begin_ns)
    alive = lifetime >= 0
    return Stretches(
        device=live.device[alive],
        organization=presence.organization[lifetime[alive]],
        begin_ns=live.begin_ns[alive],
        end_ns=live.end_ns[alive],
    )


def _healing(
    lanes: Lanes, missed: Ints, *, events: Events, mutations: Mutations, screens: Screens, deadline_ns: int
) -> tuple[Bools, Bools, Bools]:
    """Return which missed cells were shown all the same, which are of no screen of their device, and which returned.

    An event that is not its mutation's own, such as that of an audit entry, shows nothing by itself.
    """
    event, device = lanes.of_cells(missed)
    shows = np.flatnonzero(events.is_primary[event])
    shows = shows[mutations.is_showable[events.mutation[event[shows]]]]
    mutation, device = events.mutation[event[shows]], device[shows]
    is_shown, has_returned = (np.zeros(len(missed), dtype=np.bool_) for _ in range(2))
    off_screen = np.ones(len(missed), dtype=np.bool_)
    is_shown[shows] = ever_shown(mutations, screens, mutation, device) != NEVER
    is_open = screens.devices.open_job[device] == mutations.job[mutation]
    off_screen[shows] = ~(on_page(mutations, screens)[mutation] | is_open)
    unseen = np.flatnonzero(~is_shown[shows] & ~off_screen[shows])
    has_returned[shows[unseen]] = _have_returned(
        mutations,
        screens,
        (mutation[unseen], device[unseen]),
        events.placed_ns[event[shows[unseen]]],
        stay_ns=deadline_ns,
    )
    return is_shown, off_screen, has_returned


def _have_returned(
    mutations: Mutations, screens: Screens, asked: tuple[Ints, Ints], since_ns: Ints, *, stay_ns: int
) -> Bools:
    """Return of each (mutation, device) whether a later lifetime of the device should have shown the mutation.

    One in the same organization, as long as an event may take, that began with the job on page 1 or open.
    """
    mutation, device = asked
    lives = screens.presence.lifetimes
    first = np.searchsorted(lives.device, device, side="left")
    counts = np.searchsorted(lives.device, device, side="right") - first
    row, position = expand(counts.astype(np.int64))
    lifetime, of = first[row] + position, mutation[row]
    begin_ns, job = lives.begin_ns[lifetime], mutations.job[of]
    is_there = screens.pages.stretch(job, begin_ns) >= 0
    is_there |= (screens.devices.open_job[device[row]] == job) | (not screens.pages.is_known)
    is_return = is_there & (begin_ns > since_ns[row]) & (lives.end_ns[lifetime] >= begin_ns + stay_ns)
    is_return &= screens.presence.organization[lifetime] == mutations.organization[of]
    has_returned = np.zeros(len(mutation), dtype=np.bool_)
    has_returned[row[is_return]] = True
    return has_returned
