"""The tables of what misses and delays are put down to, each cause with the worst example that can be looked up."""

from collections.abc import Mapping
from typing import Any, Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NO_NUMBER, count, milliseconds

CLASSES: Final = {
    "late": "late",
    "missed_live": "missed while live",
    "missed_healed": "missed while away, healed",
    "missed_unhealed": "missed while away, never healed",
}


def cause_table(metrics: Metrics) -> Table:
    """Return misses and late deliveries by class and cause; without rows if there were none."""
    rows = metrics.at("delivery", "table") or ()
    return Table(
        caption="Causes of misses and late deliveries",
        head=(
            "class",
            "cause",
            "began with",
            "deliveries",
            "worst example: event",
            "subscriber",
            "committed, ms",
            "beside it",
        ),
        rows=tuple(_row(row) for row in rows),
        words=frozenset({1, 2, 4, 7}),
        note="The example of misses is the first one, that of late deliveries the one that waited longest; its stamp "
        "counts from the start of the load. What stands beside it was planted at the time, and has no part in the "
        "cause. `loadtests explain RUN --event ID --subscriber N` shows the whole story.",
    )


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    example = row["example"]
    return (
        CLASSES[row["class"]],
        str(row["cause"]),
        str(row["began"]) or NO_NUMBER,
        count(row["pairs"]),
        str(example["event"]),
        str(example["subscriber"]),
        milliseconds(example["committed_ms"]),
        "; ".join(example["faults"]) or NO_NUMBER,
    )


def delay_table(metrics: Metrics) -> Table:
    """Return what slow stages are put down to; without rows if none was slow."""
    told = [(cause, metrics.quantiles("push", "delays", cause)) for cause in metrics.keys("push", "delays")]
    return Table(
        caption="Causes of delays: stages that took longer than 100 ms, in milliseconds",
        head=("cause", "p50", "max", "mutations and re-fetches", "stages"),
        rows=tuple(
            (cause, milliseconds(each.p50), milliseconds(each.max), count(each.n), count(each.pairs))
            for cause, each in sorted(told, key=lambda one: -one[1].pairs)
        ),
        note="Of all mutations, receipts and re-fetches, whether or not a screen waited for them. The debounce is no "
        "delay. Only what there is evidence of has a name.",
    )
