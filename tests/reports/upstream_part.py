"""What a run's `metrics.json` says of silent failures upstream, when there were none."""

from collections.abc import Callable
from typing import Any

import numpy as np

Quantiles = Callable[[Any, int], dict[str, Any]]


def upstream_of(quantiles_of: Quantiles, mutations: int) -> dict[str, Any]:
    """Return the object `upstream`."""
    return {
        "announced_ms": quantiles_of(np.full(mutations, 1.8), mutations),
        "before_commit": 0,
        "before_sent": 0,
        "before_sent_beyond_bound": 0,
        "peak_events_per_minute": 25,
        "created_with_score": 0,
        "created_before_score": 0,
        "score_after_event_ms": quantiles_of(np.empty(0), 0),
        "screens_with_new_job": 0,
        "screens_without_score": 0,
        "screens_without_score_left": 0,
        "score_shown_ms": quantiles_of(np.empty(0), 0),
        "silent": [],
    }
