"""Tables of what was possible beside what was measured: refreshes of each subscriber, and polling by arithmetic."""

from typing import Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, interval, milliseconds, percent, times

_LEVELS: Final = (("entity", "by entity"), ("request_key", "by request key"), ("client", "by client, all at once"))
_ACHIEVED: Final = "achieved"


def least_table(metrics: Metrics) -> Table:
    """Return the least possible number of refreshes for each way to count them; empty where none was needed."""
    rows = []
    for level, name in _LEVELS:
        path = ("coalescing", "least", level, _ACHIEVED)
        if not metrics.find(*path, "subscribers"):
            continue
        rows.append(
            (
                name,
                count(metrics.number(*path, "optimum")),
                count(metrics.number(*path, "actual")),
                *(percent(metrics.number(*path, f"efficiency{part}")) for part in ("", "_min", "_p50", "_max")),
            )
        )
    return Table(
        caption="Refreshes beside the least possible",
        head=("counted", "least", "actual", "efficiency", "worst subscriber", "median", "best"),
        rows=tuple(rows),
        note="Within the wait that the live policy gave 99% of a subscriber's signals. `loadtests replay` tells what "
        f"other policies would have cost.{unserved(metrics)}",
    )


def unserved(metrics: Metrics) -> str:
    """Say how many signals asked for a refresh and got none: neither live nor the least possible counts them."""
    dropped, never = metrics.find("push", "signals_suppressed") or 0, metrics.find("coalescing", "never_refreshed") or 0
    if not dropped and not never:
        return ""
    return (
        f" Left out on both sides, so that live looks cheaper than it was: {count(dropped)} signals that its policy "
        f"dropped, and {count(never)} that no re-fetch followed."
    )


def computed_polling_table(metrics: Metrics) -> Table:
    """Return how the measured cohorts compare with polling computed from the commits alone, cohort by cohort."""
    return Table(
        caption="Polling: computed and measured",
        head=("interval", "computed mean, ms", "pairs", "measured ÷ computed", "harness check"),
        rows=tuple(
            (
                interval(key),
                milliseconds(metrics.number("polling", key, "computed_ms_mean")),
                count(metrics.find("polling", key, "computed_pairs")),
                times(metrics.number("polling", key, "mean_over_computed")),
                str(metrics.at("polling", key, "check")),
            )
            for key in metrics.keys("polling")
            if metrics.find("polling", key, "computed_pairs") is not None
        ),
        note="From the commits, each poller's phase and the median fetch. It applies if 30 pairs were seen, no poll "
        "failed and 95% of them ended within 2% of the interval; then the two agree within 2% if the harness is right.",
    )
