"""The life of one event, stamp by stamp: from its mutation's due time to every screen, or to where it ended.

Values only; how they are told in words is the business of `explained`. The same definitions as everywhere: what is
told here of one (event, subscriber) is what was counted of it.
"""

import difflib
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.cause_table import Explained, explain, read_scene
from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.events import NOT_IN_DATABASE
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NEVER, UNKNOWN, Ints
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, DownCause, Kind, Leaving
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.event_types import EventType

WORST: Final = 5
"""So many subscribers are told one by one when nobody asked for a particular one."""
_FROM_WORST: Final = (
    DeliveryClass.MISSED_UNHEALED,
    DeliveryClass.MISSED_LIVE,
    DeliveryClass.MISSED_HEALED,
    DeliveryClass.LATE,
    DeliveryClass.DUPLICATE,
    DeliveryClass.DELIVERED_ONCE,
    DeliveryClass.OUTSIDE,
)
_NEAREST: Final = 3


class UnknownIdError(ValueError):
    """There is no such event, or no such subscriber of it. The text says how to find one."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Something that happened; `at_ns` may be UNKNOWN or NEVER."""

    what: str
    at_ns: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberPart:
    """What became of the event on one device."""

    device: int
    delivery: str
    """Its class, or why it has none."""
    cause: str
    """Empty when there is nothing to explain."""
    pair: str
    """How it counts for visibility; empty when the event shows nothing."""
    stamps: tuple[Stamp, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The life of one event."""

    event: str
    type: str
    organization: int
    job: str
    mutation: int
    """NOBODY if none of this run is known."""
    kind: str
    counted: str
    """Whether it is in the account, and if not, why."""
    zero_ns: int
    """What stamps are told relative to: due, or when it was committed."""
    start_ns: int
    """Where the measurement window begins."""
    stamps: tuple[Stamp, ...]
    classes: dict[str, int]
    """How many subscribers are of each class."""
    subscribers: tuple[SubscriberPart, ...]


def explain_event(
    run: Reconstruction, delivery: Delivery, history: History, name: str, *, subscriber: int | None = None
) -> Explanation:
    """Return the life of the event called `name`, for one subscriber or for those that fared worst.

    Raises:
        UnknownIdError: the run has no such event, or the subscriber is no member of its organization.

    """
    event = _find(run, history, name)
    organization = int(run.events.organization[event])
    devices, classes = _members(run, delivery, event, organization)
    chosen = devices if subscriber is None else devices[devices == subscriber]
    if not len(chosen) and subscriber is not None:
        raise UnknownIdError(_no_member(subscriber, organization, devices))
    if subscriber is None:
        chosen = _worst(run, event, devices, classes)[:WORST]
    explained = explain(delivery, read_scene(run.events, run.signals, run.screens, history))
    mutation = int(run.events.mutation[event])
    job = int(run.events.job[event])
    due_ns = int(run.mutations.due_ns[mutation]) if mutation != NOBODY else UNKNOWN
    return Explanation(
        event=name,
        type=EventType(int(run.events.type[event])).name.lower(),
        organization=organization,
        job=history.names[job] if job >= 0 else "",
        mutation=mutation,
        kind=_kind(run, mutation),
        counted="" if run.events.in_window[event] else "outside the measurement window: it is in no count",
        zero_ns=due_ns if due_ns != UNKNOWN else int(run.events.placed_ns[event]),
        start_ns=run.window.start_ns,
        stamps=_life(run, event, mutation),
        classes={each.name.lower(): int((classes == each).sum()) for each in DeliveryClass if (classes == each).any()},
        subscribers=tuple(
            _part(run, delivery, explained, history, event=event, device=int(device)) for device in chosen
        ),
    )


def _find(run: Reconstruction, history: History, name: str) -> int:
    number = history.number(name)
    event = int(run.events.index_of_name[number]) if number >= 0 else NOT_IN_DATABASE
    if event != NOT_IN_DATABASE:
        return event
    if number >= 0 and (run.signals.name == number).any():
        raise UnknownIdError(f"event '{name}' was received, but the database of the run does not have it: a phantom")
    known = [history.names[each] for each in run.events.name]
    near = difflib.get_close_matches(name, known, n=_NEAREST, cutoff=0.3) or known[:_NEAREST]
    there_are = f"near it are: {', '.join(near)}" if near else "it has no events at all"
    raise UnknownIdError(
        f"the run has no event '{name}'; {there_are}. delivery.table, delivery.leaks and convergence.differences in "
        "metrics.json name those that something happened to"
    )


def _no_member(subscriber: int, organization: int, devices: Ints) -> str:
    some = ", ".join(str(device) for device in devices[: _NEAREST * 3])
    more = f" and {len(devices) - _NEAREST * 3} more" if len(devices) > _NEAREST * 3 else ""
    there_are = f"its subscribers are: {some}{more}" if len(devices) else "it has no subscribers"
    return f"device {subscriber} is no subscriber of organization {organization}, whose event it is; {there_are}"


def _members(run: Reconstruction, delivery: Delivery, event: int, organization: int) -> tuple[Ints, Ints]:
    """Return the subscribers that are expected to hear of the event, and the class of each (-1: not counted)."""
    if organization < 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    _, devices = run.devices.watching(np.array([organization]))
    devices = devices[run.devices.cohort[devices] == SUBSCRIBER]
    return devices, delivery.class_of(np.full(len(devices), event), devices, np.full(len(devices), organization))


def _worst(run: Reconstruction, event: int, devices: Ints, classes: Ints) -> Ints:
    """Return the devices from the worst class to the best, and in each those first that waited longest."""
    badness = np.zeros(len(DeliveryClass) + 1, dtype=np.int64)
    badness[[int(each) for each in _FROM_WORST]] = range(len(_FROM_WORST), 0, -1)
    pair = run.pairs.find(np.full(len(devices), _shown_mutation(run, event)), devices)
    visible_ns = run.pairs.visible_ns[pair] if len(run.pairs) else pair
    return devices[np.lexsort((devices, -visible_ns, -badness[classes]))]


def _shown_mutation(run: Reconstruction, event: int) -> int:
    """Return the mutation that the event makes visible, NOBODY for an event that shows nothing by itself."""
    return int(run.events.mutation[event]) if run.events.is_primary[event] else NOBODY


def _kind(run: Reconstruction, mutation: int) -> str:
    kind = int(run.mutations.kind[mutation]) if mutation != NOBODY else 0
    return MutationKind(kind).name.lower() if kind else ""


def _life(run: Reconstruction, event: int, mutation: int) -> tuple[Stamp, ...]:
    """Return the stamps that the event has whoever receives it."""
    bound_ms = run.clock.bound_ms
    bound = "" if bound_ms is None else f"± {bound_ms:.3g} ms, by the database's clock"
    committed = Stamp("committed", int(run.events.committed_ns[event]), bound)
    if mutation == NOBODY:
        return (committed,)
    mutations = run.mutations
    return (
        Stamp("due", int(mutations.due_ns[mutation]), "when the schedule wanted it"),
        Stamp("sent", int(mutations.sent_ns[mutation])),
        Stamp("stored", int(mutations.stored_ns[mutation]), bound),
        committed,
        Stamp("acked", int(mutations.acked_ns[mutation]), "when its writer had the response"),
    )


def _part(
    run: Reconstruction, delivery: Delivery, explained: Explained, history: History, *, event: int, device: int
) -> SubscriberPart:
    organization = run.events.organization[[event]]
    value = int(delivery.class_of(np.array([event]), np.array([device]), organization)[0])
    stamps = [
        *_edges(history, device, int(run.events.placed_ns[event])),
        *_receipts(run, history, event, device),
    ]
    pair, shown = _pair(run, event, device)
    return SubscriberPart(
        device=device,
        delivery=DeliveryClass(value).name.lower() if value >= 0 else "not counted",
        cause=explained.cause_of(event, device),
        pair=pair,
        stamps=tuple(sorted([*stamps, *shown], key=lambda stamp: stamp.at_ns)),
    )


def _edges(history: History, device: int, placed_ns: int) -> list[Stamp]:
    """Return what the device's own record says around the commit: the last of each sort before it, the next after."""
    rows = history.of(*_EDGES)
    rows = rows[rows["actor"] == device]
    is_connection = np.isin(rows["kind"], [int(Kind.LIVE), int(Kind.DOWN)])
    before = rows["at_ns"] <= placed_ns
    around = [
        *rows[before & is_connection][-1:],
        *rows[before & ~is_connection][-1:],
        *rows[~before & is_connection][:2],
        *rows[~before & ~is_connection][:1],
    ]
    if not len(rows):
        return [Stamp("never logged in", UNKNOWN)]
    return [Stamp(_edge(Kind(int(row["kind"])), row), int(row["at_ns"])) for row in around]


def _edge(kind: Kind, row: np.void) -> str:
    match kind:
        case Kind.LOGIN:
            return f"logged in to organization {int(row['value'])}"
        case Kind.DOWN:
            return f"not live any more: {DownCause(int(row['flag'])).name.lower().replace('_', ' ')}"
        case Kind.LOGOUT:
            return f"left: {Leaving(int(row['flag'])).name.lower().replace('_', ' ')}"
        case _:
            return _PLAIN_EDGES[kind]


_PLAIN_EDGES: Final = {
    Kind.LIVE: "live",
    Kind.BACKGROUND: "nobody looks from here",
    Kind.FOREGROUND: "somebody looks again",
}
_EDGES: Final = (Kind.LOGIN, Kind.LIVE, Kind.DOWN, Kind.LOGOUT, Kind.BACKGROUND, Kind.FOREGROUND)


def _receipts(run: Reconstruction, history: History, event: int, device: int) -> list[Stamp]:
    """Return each receipt, the flush that it fell into, and what that fetched."""
    signals, requests = run.signals, run.screens.requests
    rows = np.flatnonzero((signals.event == event) & (signals.device == device))
    if not len(rows):
        return [Stamp("received", NEVER)]
    stamps = [Stamp("received", int(signals.received_ns[row])) for row in rows]
    batch = int(signals.batch[rows[0]])
    if not batch:
        return [*stamps, Stamp("flushed", NEVER, "it asked for no refresh")]
    flushes = history.of(Kind.FLUSH)
    flush = flushes[(flushes["actor"] == device) & (flushes["value"] == batch)]
    stamps += [Stamp("flushed", int(row["at_ns"]), f"{int(row['revision'])} signals waited for it") for row in flush]
    for request in np.flatnonzero((requests.device == device) & (requests.batch == batch)):
        key = history.names[requests.key[request]]
        stamps.append(Stamp("requested", int(requests.requested_ns[request]), key))
        outcome = "" if requests.is_ok[request] else ", with an error"
        if requests.is_discarded[request]:
            outcome = ", discarded: the key had been requested again"
        stamps.append(Stamp("answered", int(requests.answered_ns[request]), f"{key}{outcome}"))
    return stamps


def _pair(run: Reconstruction, event: int, device: int) -> tuple[str, list[Stamp]]:
    """Return how the pair counts for visibility, and when it was shown."""
    pair = int(run.pairs.find(np.array([_shown_mutation(run, event)]), np.array([device]))[0])
    if pair < 0:
        return "", []
    pairs = run.pairs
    shown = [Stamp("visible", int(pairs.shown_ns[pair]))]
    left_out = (
        (~pairs.on_screen, "outside the screen: no page of the device shows its job"),
        (pairs.is_own, "own: who made the change has nothing to wait for on this device"),
        (pairs.is_away, "away: nobody looked at the device in that organization when it was promised"),
        (pairs.is_interrupted, "interrupted: they looked away before it was visible and before the deadline"),
        (pairs.left_screen, "its job was pushed off page 1 before it was shown"),
    )
    return next((why for holds, why in left_out if holds[pair]), ""), shown
