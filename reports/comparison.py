"""Push and polling compared fairly, in words, as a figure and as tables."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

from loadtests.analysis.baseline.random_phase import SHORTEST_S
from reports.exhibit import Exhibit, draw
from reports.figures.plane import Point, plane_plate
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NBSP, NO_NUMBER, count, duration, interval, percent, rate, sentence

_VERDICTS: Final = {
    "better": "push is sooner",
    "worse": "push is later",
    "crossing": "they cross",
    "same": "no difference beyond chance",
}


def answer(metrics: Metrics) -> str:
    """Say in plain words what push and polling come to at the same cost, and at the same freshness."""
    told = metrics.document.get("comparison")
    if not told:
        return "Push and polling cannot be compared: no subscriber was to see a change."
    p95_ms = metrics.number("comparison", "push_visibility_ms_p95", "value")
    requests = metrics.number("comparison", "push_requests_per_minute", "value")
    cost = f"for {rate(requests)} requests per device and minute"
    shown = f"95{NBSP}% of the changes within {duration(p95_ms)}"
    if p95_ms == inf:
        shown = f"less than 95{NBSP}% of the changes to those who were to see them"
    said = [f"Push showed {shown}, {cost}."]
    every_s = metrics.number("comparison", "equal_cost", "interval_s", "value")
    if every_s is not None:
        late_ms = metrics.number("comparison", "equal_cost", "visibility_ms_p95", "value")
        said.append(
            f"For as many requests one can poll every {duration(every_s * 1000)}, and sees them within "
            f"{duration(late_ms)}{_bounds(metrics, 'equal_cost', 'visibility_ms_p95', told=duration)}."
        )
    said.append(_at_equal_freshness(metrics, p95_ms))
    return " ".join(said)


def _at_equal_freshness(metrics: Metrics, p95_ms: float | None) -> str:
    """Say what it takes to be as fresh as push; without an interval that is, whether none or every one is fresher."""
    fresh_s = metrics.number("comparison", "equal_freshness", "interval_s", "value")
    if fresh_s is not None:
        price = metrics.number("comparison", "equal_freshness", "requests_per_minute", "value")
        bounds = _bounds(metrics, "equal_freshness", "requests_per_minute", told=rate)
        every = f"To be as fresh, one has to poll every {duration(fresh_s * 1000)}"
        return f"{every}: {rate(price)} requests a minute{bounds}."
    if p95_ms == inf:
        return "Polling shows them whatever its interval."
    return f"No polling interval of {duration(SHORTEST_S * 1000)} or more is as fresh."


def _bounds(metrics: Metrics, *path: str, told: Callable[[float], str]) -> str:
    """Return the confidence interval in words, nothing where there is none."""
    low, high = (metrics.number("comparison", *path, key) for key in ("low", "high"))
    if low is None or high is None:
        return ""
    return f" (95{NBSP}% interval {told(low)} to {told(high)})"


def plane_exhibit(run: ReportInput) -> Exhibit | None:
    """Return cost against freshness; None where there is nothing to compare."""
    metrics = run.metrics
    told = metrics.document.get("comparison")
    if not told or not told["curve"]:
        return None
    p95_ms = metrics.number("comparison", "push_visibility_ms_p95", "value")
    requests = metrics.number("comparison", "push_requests_per_minute", "value")
    if p95_ms is None or p95_ms == float("inf") or not requests:
        return None
    push = Point(name="push", requests_per_minute=requests, visibility_ms_p95=p95_ms)
    curve = [
        Point(
            name=f"{point['interval_s']:g}",
            requests_per_minute=point["requests_per_minute"],
            visibility_ms_p95=point["visibility_ms_p95"],
        )
        for point in told["curve"]
    ]
    return Exhibit(
        name="push-or-poll",
        title="Cost against freshness",
        takeaway=_reading(p95_ms, metrics.number("comparison", "equal_cost", "visibility_ms_p95", "value")),
        alternative="Requests per device and minute against p95 of visibility latency: push "
        f"{rate(push.requests_per_minute)} and {duration(push.visibility_ms_p95)}; polling "
        + "; ".join(f"every {point.name} s {duration(point.visibility_ms_p95)}" for point in curve),
        drawing=draw(plane_plate(push, curve, _measured(metrics))),
        table=_curve_table(told["curve"]),
    )


def _reading(p95_ms: float, polled_ms: float | None) -> str:
    """Say on which side of the curve push lies; `polled_ms`: the curve's height there."""
    where = ["Left and below is better."]
    if polled_ms is not None:
        lies, polling_is = ("below", "later") if polled_ms > p95_ms else ("above", "sooner")
        where.append(f"Push lies {lies} the curve: for what it costs, polling is {polling_is}.")
    return f"{' '.join(where)} Each point of the curve is an interval, with random phases, over the same writes."


def _measured(metrics: Metrics) -> list[Point]:
    points = []
    for key in metrics.keys("polling"):
        p95 = metrics.find("polling", key, "visibility_ms", "p95")
        cost = metrics.number("polling", key, "requests_per_subscriber_minute")
        if p95 is not None and p95 != float("inf") and cost:
            points.append(Point(name=key, requests_per_minute=cost, visibility_ms_p95=p95))
    return points


def _curve_table(curve: list[Mapping[str, float]]) -> Table:
    return Table(
        caption="Polling with random phases, computed from the recorded writes",
        head=("interval", "requests/min", "visibility p50", "p95"),
        rows=tuple(
            (
                interval(f"{point['interval_s']:g}s"),
                rate(point["requests_per_minute"]),
                duration(point["visibility_ms_p50"]),
                duration(point["visibility_ms_p95"]),
            )
            for point in curve
        ),
    )


def dominance_table(metrics: Metrics) -> Table:
    """Return push beside each measured cohort, quantile by quantile; empty where nothing was compared."""
    told: Mapping[str, Any] = metrics.document.get("comparison") or {}
    rows = []
    for key, found in (told.get("dominance") or {}).items():
        rows.append(
            (
                f"polling {interval(key)}",
                _VERDICTS.get(found["verdict"], "too few stretches to say"),
                _where(found["better_at"]),
                _where(found["worse_at"]),
                count(found.get("blocks")),
            )
        )
    return Table(
        caption="Push beside each cohort, at every quantile of visibility latency",
        head=("", "verdict", "push is sooner at", "push is later at", "stretches"),
        rows=tuple(rows),
        words=frozenset({1, 2, 3}),
        note="Quantiles from 5% to 95%, by block bootstrap over stretches that are at least as long as the interval; "
        "what lies within chance counts as no difference, and fewer than 10 stretches say nothing.",
    )


def _where(shares: list[float]) -> str:
    """Return quantiles in words: as a range where they are in a row."""
    if not shares:
        return NO_NUMBER
    runs: list[list[float]] = [[shares[0]]]
    for share in shares[1:]:
        if share - runs[-1][-1] < 0.051:
            runs[-1].append(share)
        else:
            runs.append([share])
    return sentence([_range(run[0], run[-1]) for run in runs])


def _range(first: float, last: float) -> str:
    return percent(first) if first == last else f"{percent(first)} to {percent(last)}"
