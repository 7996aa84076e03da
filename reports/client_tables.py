"""The table of the client models that took part, side by side."""

from typing import Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, milliseconds, percent, rate

_NAMES: Final = {
    "ios": "iOS",
    "web": "web",
    "hybrid": "hybrid",
    "ios_as_built": "iOS as built",
    "web_as_built": "web as built",
}


def client_table(metrics: Metrics) -> Table:
    """Return what each client model was shown, and what that cost; without rows where the metrics tell of none."""
    models = metrics.keys("clients") if "clients" in metrics.document else ()
    return Table(
        caption="Client models side by side",
        head=(
            "",
            "devices",
            "visibility p50, ms",
            "p95, ms",
            "seen within 1 s",
            "staleness mean, ms",
            "after coming back, p50, ms",
            "refreshes/min",
            "wasted",
            "wrong views",
        ),
        rows=tuple(_row(metrics, model) for model in models),
        note="Per device and minute. “After coming back”: from looking again until a change was shown that had been "
        "promised while nobody looked.",
    )


def _row(metrics: Metrics, model: str) -> tuple[str, ...]:
    told = ("clients", model)
    seen, of = (metrics.number(*told, "seen_within_1s", key) for key in ("pairs", "of_pairs"))
    visibility = metrics.quantiles(*told, "visibility_ms")
    return (
        _NAMES.get(model, model),
        count(metrics.number(*told, "devices")),
        milliseconds(visibility.p50),
        milliseconds(visibility.p95),
        percent(seen / of if seen is not None and of else None),
        milliseconds(metrics.number(*told, "staleness_ms", "mean")),
        milliseconds(metrics.quantiles(*told, "recovery_ms").p50),
        rate(metrics.number(*told, "refreshes_per_subscriber_minute")),
        percent(metrics.number(*told, "wasted_share")),
        count(metrics.number(*told, "convergence", "wrong_views")),
    )
