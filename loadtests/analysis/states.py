"""Where the subscribers were over time: live and looked at, away, cut off, or logged out.

Time-weighted: a device that was away for a quarter of a bin counts a quarter in it, so that nothing falls between
two samples. What a state is follows from the spans of `devices` alone.
"""

from typing import Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER, Devices, Presence, Spans
from loadtests.analysis.results import States
from loadtests.analysis.stamps import Bools, Floats, Ints
from loadtests.analysis.timeline import Bins
from loadtests.analysis.window import Window

_LOGGED_IN: Final = 1
_LOOKED_AT: Final = 2
_LIVE: Final = 4


def device_states(presence: Presence, devices: Devices, window: Window) -> States:
    """Return how many subscribers were in each state, in the bins of the timeline."""
    bins = Bins.of(window)
    is_subscriber = devices.cohort == SUBSCRIBER
    begin_ns, end_ns, code = _stretches(presence, is_subscriber)
    begin_ns, end_ns = np.minimum(begin_ns, window.end_ns), np.minimum(end_ns, window.end_ns)
    # The last bin may reach beyond the window: it is told of its part within.
    within_ns = np.minimum(bins.width_ns, window.end_ns - bins.first_ns - np.arange(bins.count) * bins.width_ns)

    def counted(chosen: Bools) -> Floats:
        return (_since(begin_ns[chosen], bins) - _since(end_ns[chosen], bins)) / within_ns

    logged_in, looked_at, live = ((code & bit) > 0 for bit in (_LOGGED_IN, _LOOKED_AT, _LIVE))
    return States(
        bin_s=bins.width_s,
        begin_s=bins.begin_s,
        live=counted(looked_at & live),
        away=counted(logged_in & ~looked_at),
        not_live=counted(looked_at & ~live),
        logged_out=int(is_subscriber.sum()) - counted(logged_in),
    )


def _stretches(presence: Presence, among: Bools) -> tuple[Ints, Ints, Ints]:
    """Return begin, end and bits of all stretches in which nothing changed for one of the devices `among`."""
    told: tuple[tuple[Spans, int], ...] = (
        (presence.lifetimes, _LOGGED_IN),
        (presence.foreground, _LOOKED_AT),
        (presence.live, _LIVE),
    )
    device = np.concatenate([spans.device for spans, _ in told for _ in range(2)])
    at_ns = np.concatenate([stamps for spans, _ in told for stamps in (spans.begin_ns, spans.end_ns)])
    step = np.concatenate([np.full(len(spans.device), sign * bit) for spans, bit in told for sign in (1, -1)])
    order = np.lexsort((at_ns, device))
    order = order[among[device[order]]]
    # Spans of one kind do not overlap, and all end: what a device has begun adds up to its bits, in the end to 0.
    code = np.cumsum(step[order])
    lasts = np.flatnonzero(code[:-1] > 0)
    return at_ns[order[lasts]], at_ns[order[lasts + 1]], code[lasts]


def _since(at_ns: Ints, bins: Bins) -> Floats:
    """Return for each bin how much of it lies after the stamps, summed over the stamps; in nanoseconds."""
    offset_ns = np.maximum(at_ns - bins.first_ns, 0)
    place = np.minimum(offset_ns // bins.width_ns, bins.count)
    rest_ns = (place + 1) * bins.width_ns - offset_ns
    begun = np.bincount(place, minlength=bins.count + 1)[: bins.count]
    partly_ns = np.bincount(place, weights=rest_ns, minlength=bins.count + 1)[: bins.count]
    since_ns: Floats = partly_ns.astype(np.float64) + (np.cumsum(begun) - begun).astype(np.float64) * bins.width_ns
    return since_ns
