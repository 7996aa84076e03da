"""Events as the database holds them, and signals: the same as devices received them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.anchors import jobs_of_events
from loadtests.analysis.clock import Clock
from loadtests.analysis.identity import identify
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.shared_ids import events_of_several
from loadtests.analysis.stamps import UNKNOWN, Bools, Ints
from loadtests.analysis.truth_source import true_events
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind, SignalFlag
from loadtests.scenario.vocabulary import EVENT_OF_MUTATION
from loadtests.wire.event_types import EventType

NOT_IN_DATABASE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """One entry per row of realtime_events."""

    name: Ints
    organization: Ints
    type: Ints
    mutation: Ints
    """The mutation that it announces, NOBODY if none of this run is known."""
    is_ambiguous: Bools
    """It names no request, and several mutations may be meant."""
    is_primary: Bools
    """Of the type that belongs to its mutation's kind; an audit entry's event is another one of the same mutation."""
    job: Ints
    committed_ns: Ints
    """UNKNOWN when the database does not tell, or the clocks were never compared."""
    placed_ns: Ints
    """The same, or the nearest stamp that is known: good enough to say who was there."""
    in_window: Bools
    """By the due time of its mutation; without one, by when it was committed."""
    stands_for: Ints
    """How many earlier events of its key it was coalesced from."""
    is_labelled: Bools
    """Whether it carries a `dedupe_key`: it lies beyond its organization's limit."""
    index_of_name: Ints
    """For each name of the history the event's index, or NOT_IN_DATABASE."""

    def __len__(self) -> int:
        return len(self.name)

    def of_mutations(self, count: int) -> Ints:
        """Return for each of `count` mutations its own event, the first if there are several, or -1."""
        first = np.full(count, -1, dtype=np.int64)
        own = np.flatnonzero(self.is_primary)[::-1]
        first[self.mutation[own]] = own
        return first


def read_events(history: History, clock: Clock, mutations: Mutations, window: Window) -> Events:
    """Return the truth about events."""
    rows = true_events(history)
    rows = rows[~events_of_several(history)[rows["entity"]]]
    _, first = np.unique(rows["entity"], return_index=True)
    rows = rows[np.sort(first)]
    identified = identify(rows, jobs_of_events(history, rows), mutations, clock)
    mutation = identified.mutation
    has_mutation = mutation != NOBODY
    kind = np.where(has_mutation, mutations.kind[mutation], 0) if len(mutations) else np.zeros_like(mutation)
    event_of_kind = np.full(max(EVENT_OF_MUTATION) + 1, -1, dtype=np.int64)
    for mutation_kind, event_type in EVENT_OF_MUTATION.items():
        event_of_kind[mutation_kind] = event_type
    committed_ns = _committed(history, clock)[rows["entity"]]
    committed_ns = np.where(rows["due_ns"] != 0, clock.monotonic_ns(rows["due_ns"]), committed_ns)
    placed_ns = _first_known(
        committed_ns, clock.monotonic_ns(rows["value"]), _of(mutations.promised_ns, mutation), rows["at_ns"]
    )
    index_of_name = np.full(len(history.names), NOT_IN_DATABASE, dtype=np.int64)
    index_of_name[rows["entity"]] = np.arange(len(rows))
    due_ns = _of(mutations.due_ns, mutation)
    stands_for, is_labelled = _limited(history)
    return Events(
        name=rows["entity"].astype(np.int64),
        organization=rows["actor"].astype(np.int64),
        type=rows["flag"].astype(np.int64),
        mutation=mutation,
        is_ambiguous=identified.is_ambiguous,
        is_primary=has_mutation & (event_of_kind[kind] == rows["flag"]),
        job=np.where(has_mutation, _of(mutations.job, mutation), NO_ENTITY),
        committed_ns=committed_ns,
        placed_ns=placed_ns,
        in_window=window.holds(np.where(due_ns != UNKNOWN, due_ns, placed_ns)),
        stands_for=stands_for[rows["entity"]],
        is_labelled=is_labelled[rows["entity"]],
        index_of_name=index_of_name,
    )


def _limited(history: History) -> tuple[Ints, Bools]:
    """Return for each name what the limit did to the event: how many it stands for, and whether it is labelled."""
    rows = history.of(Kind.TRUE_LIMITED)
    stands_for = np.zeros(len(history.names), dtype=np.int64)
    stands_for[rows["entity"]] = rows["value"]
    is_labelled = np.zeros(len(history.names), dtype=np.bool_)
    is_labelled[rows["entity"]] = rows["flag"] > 0
    return stands_for, is_labelled


def _committed(history: History, clock: Clock) -> Ints:
    """Return for each name the commit stamp that frames told of it, UNKNOWN if none did."""
    named = history.of(Kind.EVENT_NAMED)
    told = np.full(len(history.names), UNKNOWN, dtype=np.int64)
    told[named["entity"]] = clock.monotonic_ns(named["value"])
    return told


def _of(column: Ints, mutation: Ints) -> Ints:
    if not len(column):
        return np.full(len(mutation), UNKNOWN, dtype=np.int64)
    return np.where(mutation != NOBODY, column[mutation], UNKNOWN)


def _first_known(*columns: Ints) -> Ints:
    best = columns[-1].astype(np.int64)
    for column in reversed(columns[:-1]):
        best = np.where(column != UNKNOWN, column, best)
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """One entry per event received by a device, in the order of receipt."""

    device: Ints
    name: Ints
    """The event's; NO_ENTITY when the frame did not tell, which makes the next three unknown."""
    event: Ints
    """Index in `Events`, or NOT_IN_DATABASE."""
    type: Ints
    organization: Ints
    """The event's; NOBODY: not one of this run's."""
    received_ns: Ints
    batch: Ints
    bytes: Ints
    asks_refresh: Bools
    is_degraded: Bools

    def __len__(self) -> int:
        return len(self.device)

    @property
    def is_named(self) -> Bools:
        """Whether the frame told which event it brought."""
        is_named: Bools = self.name != NO_ENTITY
        return is_named


def read_signals(history: History, events: Events) -> Signals:
    """Return all signals of the run."""
    rows = history.of(Kind.SIGNAL)
    named = history.of(Kind.EVENT_NAMED)
    organization = np.full(len(history.names), NOBODY, dtype=np.int64)
    organization[named["entity"]] = named["revision"]
    organization[events.name] = events.organization
    types = np.full(len(history.names), int(EventType.OTHER), dtype=np.int64)
    types[named["entity"]] = named["flag"]
    types[events.name] = events.type
    name = rows["entity"].astype(np.int64)
    several = events_of_several(history)
    if several.any():
        # Such an id tells no event.
        name[(name != NO_ENTITY) & several[name]] = NO_ENTITY
    return Signals(
        device=rows["actor"].astype(np.int64),
        name=name,
        event=_look_up(events.index_of_name, name, NOT_IN_DATABASE),
        type=_look_up(types, name, EventType.OTHER),
        organization=_look_up(organization, name, NOBODY),
        received_ns=rows["at_ns"].astype(np.int64),
        batch=rows["value"].astype(np.int64),
        bytes=rows["due_ns"].astype(np.int64),
        asks_refresh=(rows["flag"] & SignalFlag.ASKS_REFRESH) > 0,
        is_degraded=(rows["flag"] & SignalFlag.ERRORS) > 0,
    )


def _look_up(column: Ints, name: Ints, nameless: int) -> Ints:
    """Return the column of each signal's event; `nameless` for those that did not tell which event they were."""
    is_named = name != NO_ENTITY
    found = np.full(len(name), nameless, dtype=np.int64)
    found[is_named] = column[name[is_named]]
    return found
