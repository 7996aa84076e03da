"""How well refreshes are coalesced: signals per refresh, and the least number of refreshes that was possible.

The least possible is the exact offline optimum: the fewest refreshes such that every signal is followed by a request
of its key within D. Piercing intervals greedily, by deadline, is optimal: the first signal not yet served must be
served by its deadline, and no earlier moment serves more of those that come after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.quantiles import rank
from loadtests.analysis.segments import expand, find_exact, is_start, search, starts
from loadtests.analysis.stamps import NS_PER_S, Bools, Ints
from loadtests.analysis.window import Window
from loadtests.clients.requests import Cause, KeyKind
from loadtests.history.kinds import NO_ENTITY
from loadtests.wire.event_types import EventType

BOUNDS_S: Final = {"0.5s": 0.5, "1s": 1.0, "2s": 2.0}

_EVIDENCE: Final = (EventType.EVIDENCE_UPLOADED, EventType.EVIDENCE_SYNCED, EventType.EVIDENCE_VERIFIED)
OF_JOBS: Final = (
    EventType.JOB_CREATED,
    EventType.JOB_UPDATED,
    EventType.JOB_ARCHIVED,
    EventType.JOB_FLAGGED,
    EventType.JOB_DELETED,
)
_ASKED_BY: Final[Mapping[KeyKind, tuple[EventType, ...]]] = {
    KeyKind.JOB_LIST: (*OF_JOBS, *_EVIDENCE),
    KeyKind.JOB: OF_JOBS,
    KeyKind.DOCUMENTS: _EVIDENCE,
    KeyKind.AUDIT: (EventType.AUDIT_APPENDED,),
}
"""Which events make which kind of key stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """One entry per signal and key that it asked for, sorted by device, key and receipt."""

    device: Ints
    key: Ints
    received_ns: Ints
    wait_ns: Ints
    """Until its own flush requested the key."""
    signal: Ints
    """Which signal it is a demand of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coalescing:
    """Signals against refreshes, and against the least possible."""

    signals: int
    refreshes: int
    never_refreshed: int
    optimum: int
    over_bound_share: float | None
    optimum_by_bound: Mapping[str, int]
    over_bound_share_by_bound: Mapping[str, float | None]

    @property
    def ratio(self) -> float | None:
        """Signals per refresh."""
        return self.signals / self.refreshes if self.refreshes else None

    def efficiency(self, optimum: int) -> float | None:
        """Return least possible ÷ actual."""
        return optimum / self.refreshes if self.refreshes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the window's signals asked for, and what came of it."""

    signals: int
    never_refreshed: int
    demands: Demands
    flushed_device: Ints
    """The device of each request of the flushes that the signals fell into."""


def coalescing(signals: Signals, events: Events, requests: Requests, window: Window) -> Coalescing:
    """Return the account of the signals of the window's events, and of the flushes that they fell into."""
    asked = read_asked(signals, events, requests, window)
    demands = asked.demands
    bounds_ns = achieved_bounds(demands)
    fixed = {name: np.full(len(demands.device), round(bound * NS_PER_S)) for name, bound in BOUNDS_S.items()}
    return Coalescing(
        signals=asked.signals,
        refreshes=len(asked.flushed_device),
        never_refreshed=asked.never_refreshed,
        optimum=optimum(demands, bounds_ns),
        over_bound_share=_share(demands.wait_ns > bounds_ns),
        optimum_by_bound={name: optimum(demands, bound_ns) for name, bound_ns in fixed.items()},
        over_bound_share_by_bound={name: _share(demands.wait_ns > bound_ns) for name, bound_ns in fixed.items()},
    )


def read_asked(signals: Signals, events: Events, requests: Requests, window: Window) -> Asked:
    """Return the demands of the signals of the window's events.

    A batch may begin in the warm-up, and where the debounce starves it does: what fell into it before is left out.
    """
    asking = np.flatnonzero(signals.asks_refresh & (signals.batch > 0) & _in_window(window, signals, events))
    asking = asking[np.lexsort((signals.received_ns[asking], signals.batch[asking], signals.device[asking]))]
    flushed = np.flatnonzero((requests.cause == Cause.FLUSH) & (requests.batch > 0))
    flushed = flushed[np.lexsort((requests.batch[flushed], requests.device[flushed]))]
    is_counted = find_exact(
        signals.device[asking], signals.batch[asking], requests.device[flushed], requests.batch[flushed]
    )
    flushed = flushed[is_counted >= 0]
    demands, never = _demands(signals, events, requests, asking=asking, flushed=flushed)
    return Asked(signals=len(asking), never_refreshed=never, demands=demands, flushed_device=requests.device[flushed])


def optimum(demands: Demands, bound_ns: Ints) -> int:
    """Return the fewest refreshes that serve each demand within its bound (one entry per demand)."""
    return int(optimum_of_each(demands, bound_ns).sum())


def optimum_of_each(demands: Demands, bound_ns: Ints) -> Ints:
    """Return the same for each stream: the demands of one device for one key, in their order."""
    group = np.cumsum(_is_stream_start(demands)) - 1
    served_ns = demands.received_ns + bound_ns
    # After a refresh at one demand's deadline, this is the next demand that it does not serve; the greedy then is
    # a walk along these links, taken for all streams at once.
    following = search(group, demands.received_ns, group, served_ns, side="right")
    at = np.flatnonzero(_is_stream_start(demands))
    refreshes = np.zeros(len(at), dtype=np.int64)
    while len(at):
        refreshes[group[at]] += 1
        after = following[at]
        goes_on = after < len(group)
        goes_on[goes_on] = group[after[goes_on]] == group[at[goes_on]]
        at = after[goes_on]
    return refreshes


def _is_stream_start(demands: Demands) -> Bools:
    return is_start(demands.device) | is_start(demands.key)


def _in_window(window: Window, signals: Signals, events: Events) -> Bools:
    """Return which signals are of the window's events; those that the truth does not know go by their receipt."""
    inside = window.holds(signals.received_ns)
    known = signals.event >= 0
    inside[known] = events.in_window[signals.event[known]]
    return inside


def _demands(
    signals: Signals, events: Events, requests: Requests, *, asking: Ints, flushed: Ints
) -> tuple[Demands, int]:
    """Return what each signal asked for, and how many signals no request of their flush followed.

    A signal asks for the keys of its own flush that its event makes stale.
    """
    keys = _distinct_keys(requests, flushed)
    begin = search(
        requests.device[keys],
        requests.batch[keys],
        signals.device[asking],
        signals.batch[asking],
        side="left",
    )
    end = search(
        requests.device[keys],
        requests.batch[keys],
        signals.device[asking],
        signals.batch[asking],
        side="right",
    )
    owner, position = expand(end - begin)
    signal, request = asking[owner], keys[begin[owner] + position]
    asked = _asks_for(signals, events, requests, signal=signal, request=request)
    signal, request = signal[asked], request[asked]
    order = np.lexsort((signals.received_ns[signal], requests.key[request], signals.device[signal]))
    signal, request = signal[order], request[order]
    demands = Demands(
        device=signals.device[signal],
        key=requests.key[request],
        received_ns=signals.received_ns[signal],
        wait_ns=requests.requested_ns[request] - signals.received_ns[signal],
        signal=signal,
    )
    return demands, len(asking) - len(np.unique(signal))


def _distinct_keys(requests: Requests, flushed: Ints) -> Ints:
    """Return the first request of each key of each flush, sorted by device and batch."""
    order = np.lexsort(
        (requests.requested_ns[flushed], requests.key[flushed], requests.batch[flushed], requests.device[flushed])
    )
    rows = flushed[order]
    first = is_start(requests.device[rows]) | is_start(requests.batch[rows]) | is_start(requests.key[rows])
    chosen: Ints = rows[first]
    return chosen


def _asks_for(signals: Signals, events: Events, requests: Requests, *, signal: Ints, request: Ints) -> Bools:
    table = np.zeros((max(KeyKind) + 1, max(EventType) + 1), dtype=np.bool_)
    for kind, types in _ASKED_BY.items():
        table[kind, list(types)] = True
    asks = table[requests.kind[request], signals.type[signal]]
    # A job's detail is stale by events of that job; its documents by those of any (an event names the document).
    event = signals.event[signal]
    job = np.where(event >= 0, events.job[event], NO_ENTITY) if len(events) else np.full(len(signal), NO_ENTITY)
    is_detail = requests.kind[request] == KeyKind.JOB
    asks &= ~is_detail | (requests.job[request] == job)
    return asks


def achieved_bounds(demands: Demands) -> Ints:
    """Return for each demand the p99 of the waits that its device was given."""
    order = np.lexsort((demands.wait_ns, demands.device))
    begin = starts(demands.device[order])
    sizes = np.diff(np.append(begin, len(order)))
    p99 = [begin[index] + rank(int(size), 0.99) for index, size in enumerate(sizes)]
    bounds = demands.wait_ns[order][np.array(p99, dtype=np.int64)]
    repeated: Ints = np.repeat(bounds, sizes)
    return repeated


def _share(chosen: Bools) -> float | None:
    return float(chosen.mean()) if len(chosen) else None
