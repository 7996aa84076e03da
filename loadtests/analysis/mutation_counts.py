"""What became of the mutations of the window, and of the events that should announce them."""

from typing import Any

import numpy as np

from loadtests.analysis.coalesced import coalesced_mutations, silent_mutations
from loadtests.analysis.events import Events
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.stamps import UNKNOWN, Bools, Ints, elapsed_ms
from loadtests.history.kinds import NOBODY, Unsent
from loadtests.scenario.vocabulary import MutationKind


def mutation_metrics(mutations: Mutations, events: Events, *, truth_is_read: bool) -> dict[str, Any]:
    """Return the object `mutations` of `metrics.json`; without the whole truth no event is known to be missing."""
    inside = mutations.in_window
    of_fate = {fate: inside & (mutations.fate == fate) for fate in Fate}
    is_sent = inside & (mutations.sent_ns != UNKNOWN)
    is_coalesced = coalesced_mutations(mutations, events)
    own_events = np.bincount(events.mutation[events.is_primary], minlength=len(mutations))
    return {
        "due": int(inside.sum()),
        "sent": int(is_sent.sum()),
        "acked": int(of_fate[Fate.ACKED].sum()),
        "failed": int(of_fate[Fate.FAILED].sum()),
        # What was still under way when its mutator ended may or may not be done, as after a timeout.
        "unknown": int((of_fate[Fate.UNKNOWN] | (of_fate[Fate.UNDER_WAY] & is_sent)).sum()),
        "unsent": int(of_fate[Fate.UNSENT].sum()),
        "unsent_by_reason": {
            reason.name.lower(): int((of_fate[Fate.UNSENT] & (mutations.unsent == reason)).sum()) for reason in Unsent
        },
        "by_kind": {kind.name.lower(): int((inside & (mutations.kind == kind)).sum()) for kind in MutationKind},
        "without_event": int(silent_mutations(mutations, events).sum()) if truth_is_read else None,
        "coalesced": int((of_fate[Fate.ACKED] & is_coalesced).sum()) if truth_is_read else None,
        "beyond_limit": int((events.in_window & events.is_labelled).sum()) if truth_is_read else None,
        "ambiguous": int((inside & (own_events > 1)).sum() + (events.in_window & events.is_ambiguous).sum()),
        "events_without_acked": _events_without_acked(mutations, events),
        "ack_ms": _since_due(mutations, mutations.acked_ns, of_fate[Fate.ACKED]),
        "send_delay_ms": _since_due(mutations, mutations.sent_ns, is_sent),
    }


def _events_without_acked(mutations: Mutations, events: Events) -> int:
    if not len(mutations):
        return int(events.in_window.sum())
    is_acked = (events.mutation != NOBODY) & (mutations.fate[events.mutation] == Fate.ACKED)
    return int((events.in_window & ~is_acked).sum())


def _since_due(mutations: Mutations, stamp_ns: Ints, chosen: Bools) -> dict[str, Any]:
    rows = np.flatnonzero(chosen)
    return distribution(elapsed_ms(mutations.due_ns[rows], stamp_ns[rows]), rows).to_json()
