"""What a group of devices was shown and what that cost: how push, polling and client models are compared."""

from typing import Any, Final

import numpy as np

from loadtests.analysis.attention import read_looks
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.refreshes import Spending, Traffic, spending
from loadtests.analysis.staleness import staleness
from loadtests.analysis.stamps import Bools, Ints

_SOON_MS: Final = 1000
"""What the design promises: a colleague's screen shows a change within one second."""


def spent_by(run: Reconstruction, among: Bools) -> Spending:
    """Return what the devices `among` (one entry per device) spent in the window."""
    traffic = Traffic(
        requests=run.screens.requests,
        bodies=run.screens.bodies,
        sightings=run.screens.sightings,
        signals=run.signals,
        window=run.window,
    )
    lived_ns = run.presence.lifetimes.device_ns(run.window.start_ns, run.window.end_ns, among)
    return spending(traffic, among, device_ns=lived_ns)


def watched_by(run: Reconstruction, among: Bools, spent: Spending) -> dict[str, Any]:
    """Return what push and polling are compared by, of the devices `among`."""
    pairs, window = run.pairs, run.window
    chosen = counted_pairs(pairs, among)
    stale = staleness(
        pairs,
        run.mutations,
        np.flatnonzero(pairs.is_awaited & among[pairs.device]),
        window,
        looks=read_looks(run.presence, run.devices),
        device_ns=run.presence.foreground.device_ns(window.start_ns, window.end_ns, among),
    )
    visible = int(np.isfinite(pairs.visibility_ms[chosen]).sum())
    return {
        "visibility_ms": distribution(pairs.visibility_ms[chosen], pairs.mutation[chosen]).to_json(),
        "staleness_ms": {**stale.quantiles().to_json(), "mean": stale.mean_ms},
        "refreshes_per_subscriber_minute": spent.cost.refreshes,
        "requests_per_subscriber_minute": spent.cost.requests,
        "bytes_per_subscriber_minute": spent.cost.bytes,
        "refreshes_per_visible_change": spent.refreshes / visible if visible else None,
        "wasted_refreshes": spent.wasted,
        "wasted_share": spent.wasted / spent.answered if spent.answered else None,
        "unchanged_answers": spent.unchanged,
        "database_reads_per_subscriber_hour": spent.database_reads_per_hour,
        "failed_requests": spent.requests - spent.answered,
        "left_screen": int(pairs.left_screen[chosen].sum()),
    }


def seen_soon(pairs: Pairs, among: Bools) -> dict[str, int]:
    """Return how many mutations and pairs of the devices `among` were seen within a second."""
    chosen = counted_pairs(pairs, among)
    soon = pairs.visibility_ms[chosen] <= _SOON_MS
    watched = np.unique(pairs.mutation[chosen])
    return {
        "mutations": len(watched) - len(np.unique(pairs.mutation[chosen][~soon])),
        "of": len(watched),
        "pairs": int(soon.sum()),
        "of_pairs": len(chosen),
    }


def counted_pairs(pairs: Pairs, among: Bools) -> Ints:
    """Return the counted pairs of the devices `among`."""
    return np.flatnonzero(pairs.counted & among[pairs.device])
