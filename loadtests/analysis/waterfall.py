"""Where the time went: the stages of each pair that its own event made visible, and the share of all others.

A pair follows the refresh that made it visible. Its stages share their stamps, so they add up to the visibility
latency exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.segments import find_exact
from loadtests.analysis.stamps import NEVER, UNKNOWN, Floats, Ints, elapsed_ms
from loadtests.clients.requests import Cause

STAGES: Final = ("send_delay", "emission_delay", "signal_latency", "debounce_wait", "queued", "refresh_latency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Pairs (indices in `Pairs`) by what made them visible."""

    own: Ints
    stages_ms: Mapping[str, Floats]
    """For each stage one value per pair of `own`."""
    others: Ints
    """Made visible by a refresh that something else caused."""
    committed_to_answered_ms: Floats
    """Their single stage."""


def follow_refreshes(
    pairs: Pairs, mutations: Mutations, *, events: Events, signals: Signals, requests: Requests
) -> Waterfall:
    """Return the stages of all counted pairs of subscribers that became visible and whose commit is known."""
    chosen = pairs.of_subscribers()
    event = events.of_mutations(len(mutations))[pairs.mutation[chosen]]
    committed_ns = np.where(event >= 0, events.committed_ns[event], UNKNOWN) if len(events) else event * 0 + UNKNOWN
    traced = (pairs.visible_ns[chosen] != NEVER) & (committed_ns != UNKNOWN)
    traced &= mutations.sent_ns[pairs.mutation[chosen]] != UNKNOWN
    chosen, event, committed_ns = chosen[traced], event[traced], committed_ns[traced]
    request = pairs.request[chosen]
    signal = causing_signals(signals, events, device=pairs.device[chosen], event=event, batch=requests.batch[request])
    is_own = (signal >= 0) & (requests.cause[request] == Cause.FLUSH)
    own, other = np.flatnonzero(is_own), np.flatnonzero(~is_own)
    mutation = pairs.mutation[chosen[own]]
    stamps = (
        mutations.due_ns[mutation],
        mutations.sent_ns[mutation],
        committed_ns[own],
        signals.received_ns[signal[own]],
        requests.wanted_ns[request[own]],
        requests.requested_ns[request[own]],
        requests.answered_ns[request[own]],
    )
    return Waterfall(
        own=chosen[own],
        stages_ms={
            stage: elapsed_ms(earlier, later)
            for stage, earlier, later in zip(STAGES, stamps[:-1], stamps[1:], strict=True)
        },
        others=chosen[other],
        committed_to_answered_ms=elapsed_ms(committed_ns[other], pairs.visible_ns[chosen[other]]),
    )


def causing_signals(signals: Signals, events: Events, *, device: Ints, event: Ints, batch: Ints) -> Ints:
    """Return the first signal of the event that fell into the device's batch, -1 if none did."""
    width = len(events) + 1
    rows = np.flatnonzero((signals.event >= 0) & (signals.batch > 0))
    receipt = signals.device[rows] * width + signals.event[rows]
    order = np.lexsort((signals.received_ns[rows], signals.batch[rows], receipt))
    rows, receipt = rows[order], receipt[order]
    place = find_exact(receipt, signals.batch[rows], device * width + event, batch)
    place[event < 0] = -1
    return np.where(place >= 0, rows[place], -1) if len(rows) else place
