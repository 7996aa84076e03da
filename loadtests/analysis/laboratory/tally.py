"""What requests meant to those who looked: how long signals waited to be shown, and how stale screens were meanwhile.

A signal is shown by the earliest answer that was requested after it, of the last of the keys that it made stale. The
same for requests that were recorded and for those of a replay.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from loadtests.analysis.laboratory.arrivals import Part
from loadtests.analysis.laboratory.carried_out import Requests
from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import NEVER, NS_PER_MS, Bools, Floats, Ints
from loadtests.analysis.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The signals of a part that asked for something."""

    waits_ms: Floats
    """Of those received in the window, until they were shown; inf: not before they looked away."""
    from_ns: Ints
    to_ns: Ints
    """As in `Staleness`: the age of the oldest signal that is not shown, while it grows."""
    intervals: int
    changes: int


def tally(part: Part, requests: Requests, window: Window, *, look_begin_ns: Ints, end_ns: Ints) -> Tally:
    """Return what the requests of a part showed when; an answer after the end of its lifetime shows nothing.

    `look_begin_ns` has an entry for each look of the run, `end_ns` one for each lifetime of the part.
    """
    shown_ns = _shown(part, requests, end_ns)
    received_ns, until_ns = part.at_ns, part.look_end_ns
    counted = window.holds(received_ns)
    if not part.asks.all():
        counted &= part.asks
    waits_ms = (shown_ns - received_ns) / NS_PER_MS
    waits_ms[shown_ns >= until_ns] = np.inf
    ends_ns = np.minimum(np.minimum(shown_ns, until_ns), window.end_ns)
    is_open = (ends_ns > received_ns) & (ends_ns > window.start_ns) & part.asks
    # Of signals that are shown together only the first can be the oldest.
    row = np.flatnonzero(is_open)
    look = part.look[row].astype(np.int64)
    first = is_start(ends_ns[row]) | is_start(look)
    row, look = row[first], look[first]
    first_ns = np.maximum(look_begin_ns[look], window.start_ns)
    from_ns, to_ns, intervals = _pieces(look, received_ns[row], ends_ns[row], first_ns)
    return Tally(
        waits_ms=waits_ms[counted],
        from_ns=from_ns,
        to_ns=to_ns,
        intervals=intervals,
        changes=int(is_open.sum()),
    )


def _pieces(look: Ints, promised_ns: Ints, end_ns: Ints, first_ns: Ints) -> tuple[Ints, Ints, int]:
    """Return the ages between which the oldest signals are that, and how many stretches that makes.

    It is the oldest one from when all that came before it in the look are shown; see `staleness.behind`.
    """
    done_ns = first_ns.copy()
    first = is_start(look)
    done_ns[1:] = _highest_so_far(first, end_ns)[:-1]
    done_ns[first] = first_ns[first]
    seen_ns = np.maximum(promised_ns, first_ns)
    leads_ns = np.maximum(seen_ns, done_ns)
    leads = leads_ns < end_ns
    return (
        (leads_ns - promised_ns)[leads],
        (end_ns - promised_ns)[leads],
        int((first | (seen_ns > done_ns))[leads].sum()),
    )


def _highest_so_far(first: Bools, values: Ints) -> Ints:
    """Return the running maximum within groups that begin where `first` is true."""
    if not len(values):
        return values
    low = int(values.min())
    span = int(values.max()) - low + 1
    group = np.cumsum(first) - 1
    if span * (int(group[-1]) + 1) >= 2**62:
        begin = np.flatnonzero(first)
        return np.concatenate([np.maximum.accumulate(each) for each in np.split(values, begin[1:])])
    lifted = group * span
    highest: Ints = np.maximum.accumulate(values - low + lifted) - lifted + low
    return highest


def _shown(part: Part, requests: Requests, end_ns: Ints) -> Ints:
    """Return when the last of the keys of each arrival was shown; what asks for nothing at once."""
    shown_ns = np.zeros(len(part), dtype=np.int64)
    answered_ns = np.where(requests.answered_ns < end_ns[requests.owner], requests.answered_ns, NEVER)
    for kind in part.kinds:
        row = np.flatnonzero(requests.kind == kind)
        served_ns = _served(
            part,
            part.packed_of_kind(kind),
            _Asked(requests.owner[row], requests.started_ns[row], answered_ns[row]),
        )
        if len(served_ns) == len(part):
            np.maximum(shown_ns, served_ns, out=shown_ns)
        else:
            place = part.of_kind[kind]
            shown_ns[place] = np.maximum(shown_ns[place], served_ns)
    return shown_ns


class _Asked(NamedTuple):
    """Requests of one kind of key."""

    owner: Ints
    started_ns: Ints
    answered_ns: Ints


def _served(part: Part, arrivals: Ints, asked: _Asked) -> Ints:
    """Return for each of some arrivals, packed, the earliest answer to a request of its lifetime that followed it."""
    owner, started_ns, answered_ns = asked
    # Stamps beyond those of all arrivals serve the same as the first beyond, so that lifetimes stay apart.
    at = np.clip(started_ns - part.first_ns, -1, part.span_ns - 2)
    at += owner * part.span_ns
    if not bool((at[1:] >= at[:-1]).all()):
        order = np.argsort(at, kind="stable")
        owner, at, answered_ns = owner[order], at[order], answered_ns[order]
    # One more request behind those of each lifetime, which nobody answers.
    behind = np.searchsorted(owner, np.arange(part.size), side="right")
    at = np.insert(at, behind, np.arange(1, part.size + 1) * part.span_ns - 2)
    owner = np.insert(owner, behind, np.arange(part.size))
    answered_ns = np.insert(answered_ns, behind, NEVER)
    is_last = np.zeros(len(owner), dtype=np.bool_)
    is_last[:-1] = owner[1:] != owner[:-1]
    is_last[-1:] = True
    earliest_ns = _lowest_from(is_last, answered_ns)
    served: Ints = np.repeat(earliest_ns, np.diff(np.searchsorted(arrivals, at, side="right"), prepend=0))
    return served


def _lowest_from(is_last: Bools, answered_ns: Ints) -> Ints:
    """Return the lowest value from each entry on within groups that end where `is_last` is true."""
    known = answered_ns != NEVER
    if not known.any():
        return answered_ns
    beyond_ns = int(answered_ns[known].max()) + 1
    lowest_ns = -_highest_so_far(is_last[::-1], -np.minimum(answered_ns, beyond_ns)[::-1])[::-1]
    return np.where(lowest_ns == beyond_ns, NEVER, lowest_ns)
