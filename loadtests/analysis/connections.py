"""Connections of subscribers: how often they were lost or refused, and how long opening one took.

Over the whole run, warm-up included: a lost connection is rare, and every one counts.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.stamps import elapsed_ms
from loadtests.history.history import History
from loadtests.history.kinds import DownCause, Kind

_TOO_MANY_REQUESTS: Final = 429
_OURS: Final = (
    DownCause.LOGGED_OUT,
    DownCause.CONNECT_FAILED,
    DownCause.GAVE_UP,
    DownCause.BACKGROUND,
    DownCause.KILLED,
    DownCause.SWITCHED,
)
"""Not losses: the device or its person left, or there was no connection to lose."""


def connection_metrics(history: History) -> dict[str, Any]:
    """Return the object `connections` of `metrics.json`."""
    down = history.of(Kind.DOWN)
    refused = history.of(Kind.REFUSED)
    opened = history.of(Kind.OPENED)
    opened = opened[opened["due_ns"] != 0]
    lost = [(DownCause(int(row["flag"])), int(row["value"])) for row in down]
    lost = [(cause, code) for cause, code in lost if cause not in _OURS]
    return {
        "lost": len(lost),
        "lost_by_cause": _counted(cause.name.lower() for cause, _ in lost),
        "lost_by_code": _counted(str(code) for cause, code in lost if cause is DownCause.CLOSED),
        "refused": len(refused),
        "limited_answers": int((history.of(Kind.ANSWERED)["revision"] == _TOO_MANY_REQUESTS).sum()),
        "refused_by_status": _counted(str(int(status)) for status in refused["value"]),
        "open_ms": of_distinct(
            elapsed_ms(opened["due_ns"].astype("int64"), opened["at_ns"].astype("int64")), distinct=len(opened)
        ).to_json(),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
