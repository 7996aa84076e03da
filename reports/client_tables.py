"""The tables of client models side by side: who sees what how soon, at which cost, and how right it is.

A column that says nothing in this run, because nobody looked away or nothing was held back, is left out.
"""

from collections.abc import Callable
from typing import Final

from loadtests.analysis.quantiles import SAMPLES_NEEDED
from reports.glossary import client_name
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NO_NUMBER, count, milliseconds, percent, rate

_Cell = Callable[[Metrics, str], str]
_Columns = list[tuple[str, _Cell]]

_WHY: Final = {
    "deduped": "fetched a moment ago",
    "in_flight": "one is in flight",
    "background": "nobody looks",
    "ended": "logged out or gone",
    "nothing_missed": "nothing was missed",
}
"""`NotFetched` for people."""


def models_told(metrics: Metrics) -> tuple[str, ...]:
    """Return the client models that the metrics tell of; none where a run was not measured."""
    return metrics.keys("clients")


def client_tables(metrics: Metrics) -> tuple[Table, ...]:
    """Return what each client model was shown and what that cost; none where the metrics tell of no model."""
    every = (_how_soon(metrics), _at_which_cost(metrics), _held_back(metrics))
    return tuple(table for table in every if table.rows and len(table.head) > 1)


def _how_soon(metrics: Metrics) -> Table:
    columns: _Columns = [
        ("devices", _number("devices")),
        ("seen within 1\u00a0s", _seen_soon),
        ("visibility p50, ms", _quantile("visibility_ms", "p50")),
        ("p95, ms", _quantile("visibility_ms", "p95")),
        ("max, ms", _quantile("visibility_ms", "max")),
        ("staleness mean, ms", _quantile("staleness_ms", "mean")),
    ]
    note = (
        "Visibility of what was promised while somebody looked. A p95 needs "
        f"{count(SAMPLES_NEEDED[0.95])} mutations, and is left out with fewer."
    )
    if any(metrics.quantiles("clients", model, "recovery_ms").pairs for model in models_told(metrics)):
        columns += [
            ("after coming back p50, ms", _quantile("recovery_ms", "p50")),
            ("p95, ms", _quantile("recovery_ms", "p95")),
            ("never", lambda told, model: count(told.quantiles("clients", model, "recovery_ms").never)),
        ]
        note += (
            " After coming back: from looking again until a change was shown that had been promised while nobody "
            "looked; never: not in that look. Negative: shown before."
        )
    return _table(metrics, columns, caption="Client models: who sees what how soon", note=note)


def _at_which_cost(metrics: Metrics) -> Table:
    columns: _Columns = [
        ("requests per minute", _rate("requests_per_subscriber_minute")),
        ("bytes per minute", _number("bytes_per_subscriber_minute")),
        ("wasted", lambda told, model: percent(told.number("clients", model, "wasted_share"))),
        ("wrong screens", _wrong_screens),
        ("missed while live", _number("delivery", "missed_live")),
        ("missed while away, healed", _number("delivery", "missed_healed")),
        ("never healed", _number("delivery", "missed_unhealed")),
    ]
    return _table(
        metrics,
        columns,
        caption="Client models: at which cost, and how right",
        note="Per device and minute. Wasted: refreshes whose answer held nothing new.",
    )


def _held_back(metrics: Metrics) -> Table:
    """Return what devices did not act on, by reason; a reason that occurs nowhere has no column."""
    paths = {
        "signals while nobody looked": ("signals_paused",),
        "signals suppressed": ("signals_suppressed",),
        **{f"not fetched: {words}": ("not_fetched", why) for why, words in _WHY.items()},
    }
    models = models_told(metrics)
    columns = [
        (head, _number(*path))
        for head, path in paths.items()
        if any(metrics.number("clients", model, *path) for model in models)
    ]
    return _table(
        metrics,
        columns,
        caption="Client models: heard and not acted on, wanted and not fetched",
        note="By reason, in signals and refreshes; reasons that did not occur are left out.",
    )


def _table(metrics: Metrics, columns: _Columns, *, caption: str, note: str) -> Table:
    models = models_told(metrics)
    filled = [(head, [cell(metrics, model) for model in models]) for head, cell in columns]
    told = [(head, cells) for head, cells in filled if set(cells) != {NO_NUMBER}]
    return Table(
        caption=caption,
        head=("", *(head for head, _ in told)),
        rows=tuple((client_name(model), *(cells[row] for _, cells in told)) for row, model in enumerate(models)),
        note=note,
    )


def _number(*path: str) -> _Cell:
    return lambda told, model: count(told.number("clients", model, *path))


def _rate(key: str) -> _Cell:
    return lambda told, model: rate(told.number("clients", model, key))


def _quantile(metric: str, key: str) -> _Cell:
    return lambda told, model: milliseconds(told.number("clients", model, metric, key))


def _seen_soon(metrics: Metrics, model: str) -> str:
    seen, of = (metrics.number("clients", model, "seen_within_1s", key) for key in ("pairs", "of_pairs"))
    return percent(seen / of if seen is not None and of else None)


def _wrong_screens(metrics: Metrics, model: str) -> str:
    wrong, of = (metrics.number("clients", model, "convergence", key) for key in ("wrong_views", "views"))
    return NO_NUMBER if wrong is None else f"{count(wrong)} of {count(of)}"
