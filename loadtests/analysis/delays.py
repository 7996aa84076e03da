"""What late deliveries and slow stages are put down to; only what evidence supports has a name.

In the order of strength: the device's own record, our own lateness, what others received sooner, the feed as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.causes import Causes, Deviations, Witnesses
from loadtests.analysis.events import Events
from loadtests.analysis.feed_delays import feed_delays
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.receipts import chunks
from loadtests.analysis.stamps import NEVER, NS_PER_MS, UNKNOWN, Bools, Floats, Ints, elapsed_ms
from loadtests.analysis.why import Why
from loadtests.analysis.window import Window
from loadtests.clients.requests import Cause as RefreshCause
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, Kind, Process

SLOW_MS: Final = 100.0
"""A stage that took longer asks for a cause."""
_REQUESTS_FROM: Final = 2**40
_BIN_NS: Final = 100 * NS_PER_MS
"""Our own processes sample their lateness that often."""


@dataclass(frozen=True, slots=True)
class OwnLateness:
    """How late our own swarms were, at worst, in each tenth of a second since `begin_ns`."""

    begin_ns: int
    worst_ns: Ints

    def around(self, at_ns: Ints) -> Ints:
        """Return the worst that was sampled from 0.1 s before each stamp to 0.3 s after it."""
        place = (at_ns - self.begin_ns) // _BIN_NS
        worst = np.zeros(len(at_ns), dtype=np.int64)
        for shift in range(-1, 4):
            near = np.clip(place + shift, 0, len(self.worst_ns) - 1)
            is_inside = (place + shift >= 0) & (place + shift < len(self.worst_ns))
            worst = np.maximum(worst, np.where(is_inside, self.worst_ns[near], 0))
        return worst


def read_own_lateness(history: History) -> OwnLateness:
    """Return what the swarms sampled of themselves."""
    rows = history.of(Kind.LOOP_LAG, Kind.RECEIVE_AGE)
    rows = rows[rows["actor"] == Process.SWARM]
    if not len(rows):
        return OwnLateness(0, np.zeros(1, dtype=np.int64))
    begin_ns = int(rows["at_ns"][0])
    place = (rows["at_ns"] - begin_ns) // _BIN_NS
    worst_ns = np.zeros(int(place.max()) + 1, dtype=np.int64)
    np.maximum.at(worst_ns, place, rows["value"])
    return OwnLateness(begin_ns, worst_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayWitnesses:
    """Everything that can say something about a delay."""

    witnesses: Witnesses
    lateness: OwnLateness
    feed: Ints
    """For each event the `Why` of its delay up to its first receipt."""


def read_delay_witnesses(events: Events, witnesses: Witnesses, history: History) -> DelayWitnesses:
    """Return them."""
    return DelayWitnesses(
        witnesses=witnesses,
        lateness=read_own_lateness(history),
        feed=feed_delays(events, witnesses.hearing, witnesses.edges, polls=witnesses.evidence.polls),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One entry per receipt of an event by a device that took long."""

    event: Ints
    device: Ints
    placed_ns: Ints
    received_ns: Ints


def causes_of_late(late: Deviations, scene: DelayWitnesses) -> Causes:
    """Return the cause of each late delivery."""
    received_ns = scene.witnesses.hearing.first_received_ns(late.event, late.device)
    receipt = Receipt(event=late.event, device=late.device, placed_ns=late.placed_ns, received_ns=received_ns)
    edges = scene.witnesses.edges
    edge = edges.at(late.device, late.placed_ns)
    is_away = ~edges.is_live(edge)
    began = np.where(is_away, edges.beginning(edge), -1)
    return Causes(np.where(is_away, edges.causes(began), why_late(receipt, scene)), began)


def why_late(receipt: Receipt, scene: DelayWitnesses) -> Ints:
    """Return why each receipt took long, apart from what the device's own edges say."""
    hearing = scene.witnesses.hearing
    took_ns = receipt.received_ns - receipt.placed_ns
    told_ns = hearing.told_ns[receipt.event]
    # More than half of it: then the rest alone would have been no delay worth a name.
    is_ours = scene.lateness.around(receipt.received_ns) * 2 >= took_ns
    others_sooner = (told_ns - receipt.placed_ns) * 2 <= took_ns
    return np.select([is_ours, others_sooner], [Why.SLOW_CONSUMER, Why.LATE_FRAME], scene.feed[receipt.event]).astype(
        np.int64
    )


@dataclass(frozen=True, slots=True)
class SlowStages:
    """One entry per stage that took longer than `SLOW_MS`: of a mutation, a receipt or a re-fetch."""

    why: Ints
    ms: Floats
    observed: Ints
    """Whose stage it is: a mutation has one number, however many devices received its event."""


def slow_stages(
    mutations: Mutations, events: Events, requests: Requests, *, window: Window, scene: DelayWitnesses
) -> SlowStages:
    """Return the slow stages of the window.

    All of them, whether or not a screen waited for them: what is late is often shown by a refresh for something else.
    The debounce is meant to wait, and is no delay.
    """
    parts = (*_of_mutations(mutations, events), *_of_receipts(events, scene), *_of_requests(requests, window))
    slow = [(why[ms > SLOW_MS], ms[ms > SLOW_MS], observed[ms > SLOW_MS]) for why, ms, observed in parts]
    why, ms, observed = (np.concatenate(columns) for columns in zip(*slow, strict=True))
    return SlowStages(why, ms, observed)


_Part = tuple[Ints, Floats, Ints]


def _of_mutations(mutations: Mutations, events: Events) -> Iterator[_Part]:
    """Yield send delays and emission delays."""
    sent = np.flatnonzero(mutations.in_window & (mutations.sent_ns != UNKNOWN) & (mutations.due_ns != UNKNOWN))
    yield _why_sent_late(mutations, sent), elapsed_ms(mutations.due_ns[sent], mutations.sent_ns[sent]), sent
    event = events.of_mutations(len(mutations))[sent]
    told, event = sent[event >= 0], event[event >= 0]
    told, event = told[events.committed_ns[event] != UNKNOWN], event[events.committed_ns[event] != UNKNOWN]
    yield _all(Why.API, told), elapsed_ms(mutations.sent_ns[told], events.committed_ns[event]), told


def _of_receipts(events: Events, scene: DelayWitnesses) -> Iterator[_Part]:
    """Yield signal latencies, some cells at a time: of each device's first receipt of each event, the slow ones."""
    hearing = scene.witnesses.hearing
    is_told = events.in_window & (events.mutation != NOBODY) & (events.committed_ns != UNKNOWN)
    for chunk in chunks(len(hearing.received_ns)):
        cell = np.flatnonzero(hearing.received_ns[chunk] != NEVER) + chunk.start
        event, device = hearing.lanes.of_cells(cell)
        received_ns = hearing.received_ns[cell]
        slow = is_told[event] & (elapsed_ms(events.committed_ns[event], received_ns) > SLOW_MS)
        event, device, received_ns = event[slow], device[slow], received_ns[slow]
        committed_ns = events.committed_ns[event]
        receipt = Receipt(event=event, device=device, placed_ns=committed_ns, received_ns=received_ns)
        yield why_late(receipt, scene), elapsed_ms(committed_ns, received_ns), events.mutation[event]


def _of_requests(requests: Requests, window: Window) -> Iterator[_Part]:
    """Yield the waits of re-fetches that signals have caused: in line, and for their answer."""
    rows = np.flatnonzero((requests.cause == RefreshCause.FLUSH) & window.holds(requests.requested_ns))
    # Numbered apart from mutations, of which there never are so many.
    observed = rows + _REQUESTS_FROM
    yield _all(Why.OUR_CLIENT, rows), elapsed_ms(requests.wanted_ns[rows], requests.requested_ns[rows]), observed
    rows, observed = rows[requests.is_ok[rows]], observed[requests.is_ok[rows]]
    yield _all(Why.API, rows), elapsed_ms(requests.requested_ns[rows], requests.answered_ns[rows]), observed


def _all(why: Why, rows: Ints) -> Ints:
    return np.full(len(rows), int(why), dtype=np.int64)


def _why_sent_late(mutations: Mutations, mutation: Ints) -> Ints:
    """Return who delayed the request: we, when more than half of it had passed before it was dispatched."""
    due_ns, dispatched_ns = mutations.due_ns[mutation], mutations.dispatched_ns[mutation]
    is_known: Bools = dispatched_ns != UNKNOWN
    ours_ns = np.where(is_known, dispatched_ns - due_ns, 0)
    is_ours = ours_ns * 2 >= mutations.sent_ns[mutation] - due_ns
    return np.where(is_ours, int(Why.OUR_DISPATCHER), int(Why.BUSY_MUTATORS)).astype(np.int64)
