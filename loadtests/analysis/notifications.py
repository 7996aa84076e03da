"""Push notifications to devices whose app is closed: how many were wanted, what became of them, and how soon.

From the outbox alone, by the database's clock. A notification counts by when it was put there, with the mutation
that caused it.
"""

from typing import Any

import numpy as np

from loadtests.analysis.clock import Clock
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.stamps import elapsed_ms
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import Kind, NotificationState


def notification_metrics(history: History, clock: Clock, window: Window) -> dict[str, Any]:
    """Return the object `notifications` of `metrics.json`: deliveries, each of one notification to one device."""
    rows = history.of(Kind.TRUE_NOTIFICATION)
    created_ns = clock.monotonic_ns(rows["due_ns"])
    inside = window.holds(created_ns)
    rows, created_ns = rows[inside], created_ns[inside]
    delivered = np.flatnonzero(rows["flag"] == NotificationState.DELIVERED)
    took_ms = elapsed_ms(created_ns[delivered], clock.monotonic_ns(rows["value"][delivered]))
    return {
        "due": len(rows),
        **{state.name.lower(): int((rows["flag"] == state).sum()) for state in NotificationState},
        "attempts": int(rows["revision"].sum()),
        # Devices of one organization are told of one flag together: distinct are the flags.
        "delivered_ms": distribution(took_ms, created_ns[delivered]).to_json(),
    }
