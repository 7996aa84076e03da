"""The tables of what misses and delays are put down to, each cause with the worst example that can be looked up."""

from collections.abc import Mapping
from typing import Any, Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import MINUS, NBSP, count, milliseconds

CLASSES: Final = {
    "delivered_once": "delivered once",
    "late": "delivered late",
    "duplicate": "received twice or more",
    "missed_live": "missed while live",
    "missed_healed": "missed while away, healed",
    "missed_unhealed": "missed while away, never healed",
    "outside": "outside its lifetime",
}
"""Class of a delivery → its name where there is one of it."""


def explain_command(event: str, subscriber: int | None = None) -> str:
    """Return the command that tells the life of an event, as it is to be given beside the report."""
    device = "" if subscriber is None else f" --subscriber {subscriber}"
    return f"loadtests explain . --event {event}{device}"


def cause_table(metrics: Metrics) -> Table:
    """Return misses and late deliveries by class and cause; without rows if there were none."""
    rows = metrics.at("delivery", "table") or ()
    return Table(
        caption="Misses and late deliveries, by cause",
        head=("class", "cause", "deliveries", "worst example", "its whole story"),
        rows=tuple(_row(row) for row in rows),
        words=frozenset({1, 3}),
        code=frozenset({4}),
        note="The worst example of misses is the first one, that of late deliveries the one that waited longest; its "
        "stamps count from the start of the load. What was planted at the time stands beside it, and has no part in "
        "the cause. The commands are for the directory that this report lies in.",
    )


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    example = row["example"]
    return (
        CLASSES[row["class"]],
        _cause(row["cause"], row["began"]),
        count(row["pairs"]),
        "; ".join([*_stamps(example), *example["faults"]]),
        explain_command(example["event"], example["subscriber"]),
    )


def _cause(cause: str, began: str) -> str:
    return f"{cause} ({began})" if began and began != cause else cause


def _stamps(example: Mapping[str, Any]) -> list[str]:
    """Return what is known of an example, in order of time, and last what never came."""
    named = {
        "committed": example["committed_ms"],
        "others told": example["others_told_ms"],
        "cause began": example["began_ms"],
        "deadline": example["deadline_ms"],
        "received": example["received_ms"],
    }
    known = sorted((at_ms, name) for name, at_ms in named.items() if at_ms is not None)
    told = [f"{name} {at_ms / 1000:,.3f}{NBSP}s".replace("-", MINUS) for at_ms, name in known]
    return told if example["received_ms"] is not None else [*told, "never received"]


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
