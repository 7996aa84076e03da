"""What the run was made against, in words: the pipeline's behaviours that a scenario can ask for."""

from collections.abc import Mapping
from typing import Any

from reports.input import ReportInput
from reports.table import Table
from reports.wording import NBSP, count, duration

_LIMITS = {
    "label": "stored all the same, with a dedupe_key",
    "coalesce": "coalesced: one of each key and minute, the last one included",
}


def target_table(run: ReportInput) -> Table:
    """Return one row for each behaviour, the defaults too: a reader does not know them."""
    if run.target_kind != "embedded":
        return _of_file(run.manifest["target"])
    target = run.scenario.target
    latency = duration(target.upstream_latency_ms) if target.upstream_latency_ms else "none"
    cleaning = f"every {_span(target.retention_every_s)}" if target.retention_every_s else "never"
    return Table(
        caption="Target",
        head=("", "value"),
        rows=(
            ("kind", target.kind),
            ("behaviour", "as built: today's code" if target.as_built else "as designed"),
            ("change feed", target.feed),
            ("plan", target.plan),
            (
                f"an organization's events beyond {count(target.events_per_minute)} a minute",
                _LIMITS[target.event_limit],
            ),
            ("latency of each upstream call", latency),
            (f"events older than {_span(target.retention_s)} removed", cleaning),
            ("push notifications", "sent" if target.push_notifications else "none"),
        ),
        words=frozenset({1}),
    )


def _of_file(target: Mapping[str, Any]) -> Table:
    """Return where somebody's own target is, and how its users came in; a target file holds no secret."""
    names = (
        ("kind", "kind"),
        ("supabase_url", "Supabase"),
        ("realtime_url", "Realtime"),
        ("api_url", "jobs API"),
        ("plan", "plan"),
    )
    rows = [(name, str(target[key])) for key, name in names if target.get(key)]
    users = (target.get("auth") or {}).get("users", "mint")
    return Table(
        caption="Target", head=("", "value"), rows=(*rows, ("users signed in by", users)), words=frozenset({1})
    )


def _span(seconds: float) -> str:
    """Return a length of time that somebody chose, in the largest unit that it is a whole number of."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{count(seconds / length)}{NBSP}{unit}"
    return f"{seconds:g}{NBSP}s"
