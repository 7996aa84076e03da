"""What requests meant to those who looked: how long signals waited to be shown, and how stale screens were meanwhile.

A signal is shown by the earliest answer that was requested after it, of the last of the keys that it made stale. The
same for requests that were recorded and for those of a replay.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.laboratory.arrivals import Masks, Part, Places
from loadtests.analysis.laboratory.carried_out import Requests
from loadtests.analysis.laboratory.compiled import compiled
from loadtests.analysis.stamps import Floats, Ints
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
    begin, started_ns, kind, answered_ns = _by_start(part, requests)
    shown_ns = _shown(part.begin, part.at_ns, part.mask, begin, started_ns, kind, answered_ns, end_ns)
    waits_ms, from_ns, to_ns, intervals, changes = _behind(
        part.at_ns,
        part.mask,
        part.look,
        shown_ns,
        part.every_look_end_ns,
        look_begin_ns,
        (window.start_ns, window.end_ns),
    )
    return Tally(waits_ms=waits_ms, from_ns=from_ns, to_ns=to_ns, intervals=intervals, changes=changes)


def _by_start(part: Part, requests: Requests) -> tuple[Ints, Ints, Masks, Ints]:
    """Return where the requests of each lifetime begin, and their columns ordered by start."""
    begin = np.searchsorted(requests.owner, np.arange(part.size + 1))
    return begin, *_ordered(begin, requests.started_ns, requests.kind, requests.answered_ns)


@compiled
def _ordered(begin: Ints, started_ns: Ints, kind: Masks, answered_ns: Ints) -> tuple[Ints, Masks, Ints]:
    """Return requests by start within each lifetime: they nearly are, so each goes back past the few before it."""
    started_ns, kind, answered_ns = started_ns.copy(), kind.copy(), answered_ns.copy()
    for owner in range(len(begin) - 1):
        for each in range(begin[owner] + 1, begin[owner + 1]):
            start, which, answer = started_ns[each], kind[each], answered_ns[each]
            place = each
            while place > begin[owner] and started_ns[place - 1] > start:
                started_ns[place] = started_ns[place - 1]
                kind[place] = kind[place - 1]
                answered_ns[place] = answered_ns[place - 1]
                place -= 1
            started_ns[place], kind[place], answered_ns[place] = start, which, answer
    return started_ns, kind, answered_ns


@compiled
def _shown(  # noqa: PLR0913, PLR0917 - columns, for the compiler
    begin: Ints,
    at_ns: Ints,
    mask: Masks,
    first_request: Ints,
    started_ns: Ints,
    kind: Masks,
    answered_ns: Ints,
    end_ns: Ints,
) -> Ints:
    """Return when the last of the keys of each arrival was shown; what asks for nothing before everything."""
    never = np.iinfo(np.int64).max
    shown_ns = np.zeros(len(at_ns), np.int64)
    # By kind, of which a mask has room for eight, and OTHER_KEY: the earliest answer to all requested from here on.
    earliest_ns = np.empty(9, np.int64)
    for owner in range(len(begin) - 1):
        earliest_ns[:] = never
        request = first_request[owner + 1] - 1
        for each in range(begin[owner + 1] - 1, begin[owner] - 1, -1):
            while request >= first_request[owner] and started_ns[request] >= at_ns[each]:
                if answered_ns[request] < end_ns[owner]:
                    earliest_ns[kind[request]] = min(earliest_ns[kind[request]], answered_ns[request])
                request -= 1
            asked, which = mask[each], 1
            while asked:
                if asked & 1:
                    shown_ns[each] = max(shown_ns[each], earliest_ns[which])
                asked >>= 1
                which += 1
    return shown_ns


@compiled
def _behind(  # noqa: PLR0917 - columns, for the compiler
    at_ns: Ints,
    mask: Masks,
    look: Places,
    shown_ns: Ints,
    look_end_ns: Ints,
    look_begin_ns: Ints,
    window_ns: tuple[int, int],
) -> tuple[Floats, Ints, Ints, int, int]:
    """Return the columns of a `Tally`.

    A signal is the oldest one from when all that came before it in the look are shown; see `staleness.behind`.
    """
    most = np.count_nonzero(mask)
    waits_ms, froms_ns, tos_ns = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    waits, pieces, intervals, changes = 0, 0, 0, 0
    looked, first_ns, done_ns, is_first = -1, 0, 0, True
    start_ns, stop_ns = window_ns
    for each in range(len(at_ns)):
        if mask[each] == 0:
            continue
        received_ns, until_ns = at_ns[each], look_end_ns[look[each]]
        if start_ns <= received_ns < stop_ns:
            is_shown = shown_ns[each] < until_ns
            waits_ms[waits] = (shown_ns[each] - received_ns) / 1_000_000 if is_shown else np.inf
            waits += 1
        ends_ns = min(shown_ns[each], until_ns, stop_ns)
        if ends_ns <= max(received_ns, start_ns):
            continue
        changes += 1
        if look[each] != looked:
            looked, is_first = look[each], True
            first_ns = max(look_begin_ns[looked], start_ns)
            done_ns = first_ns
        seen_ns = max(received_ns, first_ns)
        if max(seen_ns, done_ns) < ends_ns:
            froms_ns[pieces] = max(seen_ns, done_ns) - received_ns
            tos_ns[pieces] = ends_ns - received_ns
            pieces += 1
            intervals += is_first or seen_ns > done_ns
        done_ns, is_first = max(done_ns, ends_ns), False
    return waits_ms[:waits], froms_ns[:pieces], tos_ns[:pieces], intervals, changes
