"""Sessions that the run kept alive: how often they were renewed, how late, and what was refused.

Over the whole run, warm-up included: a session that ends is rare, and every one counts.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from loadtests.history.history import History
from loadtests.history.kinds import Kind


def session_metrics(history: History) -> dict[str, Any]:
    """Return the object `sessions` of `metrics.json`."""
    renewed, refused = history.of(Kind.RENEWED), history.of(Kind.NOT_RENEWED)
    return {
        "people": len(np.unique(renewed["entity"])),
        "renewed": len(renewed),
        "late": int((renewed["value"] < 0).sum()),
        "left_s_min": int(renewed["value"].min()) if len(renewed) else None,
        "refused": len(refused),
        "refused_by_status": dict(sorted(Counter(str(int(status)) for status in refused["flag"]).items())),
        "reasons": sorted({history.names[int(entity)] for entity in refused["entity"]}),
        "over": int((refused["revision"] == 1).sum()),
    }


def remarks_on_sessions(sessions: Mapping[str, Any]) -> list[str]:
    """Return a remark on renewals that failed or came late: whoever was cut off so is no finding about the pipeline."""
    told = []
    if sessions["refused"]:
        reasons = "; ".join(sessions["reasons"])
        told.append(f"attempts to renew a session that failed: {sessions['refused']:,} ({reasons})")
    if sessions["over"]:
        told.append(
            f"sessions that ended in the run: {sessions['over']:,}; when their tokens expired, devices lost their "
            "channel and requests were refused, as in life"
        )
    if sessions["late"]:
        told.append(f"renewals that came when the old token had expired already: {sessions['late']:,}")
    return told
