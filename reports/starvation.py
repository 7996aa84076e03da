"""How long signals wait for a quiet moment: a sentence on what the debounce lives on, a figure, and tables."""

from typing import Final

from loadtests.analysis.laboratory.starvation import poisson_wait_s
from reports.exhibit import Exhibit, draw
from reports.figures.starvation import Point, starvation_plate
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, duration, milliseconds, percent, rate

_BATCHES_NEEDED: Final = 2
_LIVES_ON: Final = {
    "quiet": "It lives on quiet times: where a window ended, half of the gaps were longer than it by {p50} or more",
    "cadence": "It lives on the feed's cadence, not on quiet times: {narrow} of the gaps in which a window ended were "
    "longer than it by less than 60 ms, a twentieth of them by {p5} or less. Jitter or foreign traffic of that size "
    "stops it from firing",
    "nothing": "It starves: most batches waited for more than four windows, since events keep coming closer than one",
}


def living(metrics: Metrics) -> str:
    """Say in one sentence what lets the debounce fire, and how thin the margin is; empty where nothing is known."""
    told = metrics.document.get("starvation")
    if not told or not told["batches"]:
        return ""
    how = _LIVES_ON.get(told["lives_on"])
    if how is None:
        return "Whether it lives on quiet times or on the feed's cadence cannot be said: too few windows ended."
    longest = metrics.number("starvation", "longest_ms", "max")
    sentence = how.format(
        p50=duration(told["margin_ms_p50"]), p5=duration(told["margin_ms_p5"]), narrow=percent(told["narrow_share"])
    )
    return f"{sentence}. The longest that a signal waited for its refresh was {duration(longest)}."


def starvation_exhibit(run: ReportInput) -> Exhibit | None:
    """Return the figure; None for a run without two phases to compare."""
    points = _points(run)
    if len(points) < 2:
        return None
    window_s = run.scenario.subscribers.debounce_ms / 1000
    slowest = max(points, key=lambda point: point.wait_ms)
    return Exhibit(
        name="starvation",
        title="How long a restless stream keeps a change waiting",
        takeaway=f"At {rate(slowest.events_per_s)} events per second a batch waited {duration(slowest.wait_ms)} on "
        f"average before its refresh, against the {duration(window_s * 1000)} that its window promises. Dots are "
        "phases with random arrivals, squares even ones; a phase that is shorter than the wait ends it early.",
        alternative="Mean waits by rate of events: "
        + "; ".join(f"{rate(point.events_per_s)}/s {duration(point.wait_ms)}" for point in points),
        drawing=draw(starvation_plate(points, lambda events: poisson_wait_s(events, window_s) * 1000, window_s * 1000)),
        table=phase_wait_table(run.metrics),
    )


def _points(run: ReportInput) -> list[Point]:
    even = {phase.name for phase in run.scenario.phases if phase.arrivals == "even"}
    points = []
    for name in _phases(run.metrics):
        path = ("starvation", "phases", name)
        mean_ms, events = run.metrics.number(*path, "wait_ms_mean"), run.metrics.number(*path, "events_per_s")
        batches = run.metrics.number(*path, "batches")
        if mean_ms is None or not events or not batches or batches < _BATCHES_NEEDED:
            continue
        error_ms = run.metrics.number(*path, "wait_ms_standard_error") or 0.0
        points.append(
            Point(name=name, events_per_s=events, wait_ms=mean_ms, standard_error_ms=error_ms, is_even=name in even)
        )
    return points


def _phases(metrics: Metrics) -> tuple[str, ...]:
    return metrics.keys("starvation", "phases") if "starvation" in metrics.document else ()


def phase_wait_table(metrics: Metrics) -> Table:
    """Return the time to flush by phase, beside the theory; phases without a batch are left out."""
    rows = []
    for name in _phases(metrics):
        path = ("starvation", "phases", name)
        if not metrics.number(*path, "batches"):
            continue
        rows.append(
            (
                name,
                rate(metrics.number(*path, "events_per_s")),
                milliseconds(metrics.number(*path, "wait_ms_mean")),
                milliseconds(metrics.number(*path, "wait_ms_standard_error")),
                count(metrics.number(*path, "observations")),
                milliseconds(metrics.number(*path, "theory_ms")),
                count(metrics.number(*path, "batches")),
                count(metrics.number(*path, "never_flushed")),
            )
        )
    return Table(
        caption="Time to flush of the designed debounce, by phase",
        head=("phase", "events/s", "mean, ms", "standard error", "n", "theory, ms", "batches", "never flushed"),
        rows=tuple(rows),
        note="From a batch's first signal to its flush. Theory: (e^(rw) - 1)/r for random events at rate r and the "
        "window w; for even ones w, or never. Members of one organization flush together, so the standard error "
        "counts each first event once.",
    )


def longest_table(metrics: Metrics) -> Table:
    """Return how long subscribers starved at the longest."""
    if "starvation" not in metrics.document:
        return Table(caption="Longest starvation", head=("", "value"), rows=())
    longest = metrics.quantiles("starvation", "longest_ms")
    if not longest.n:
        return Table(caption="Longest starvation", head=("", "value"), rows=())
    return Table(
        caption="Longest starvation",
        head=("", "value"),
        rows=(
            ("median subscriber, ms", milliseconds(longest.p50)),
            ("p95 of the subscribers, ms", milliseconds(longest.p95)),
            ("worst subscriber, ms", milliseconds(longest.max)),
            ("subscribers", count(longest.n)),
            ("batches never flushed", count(metrics.number("starvation", "never_flushed"))),
            ("gaps in which a window ended", count(metrics.number("starvation", "ending_gaps"))),
            ("of these, longer by less than 60 ms", percent(metrics.number("starvation", "narrow_share"))),
            ("margin: p5, ms", milliseconds(metrics.number("starvation", "margin_ms_p5"))),
            ("margin: p50, ms", milliseconds(metrics.number("starvation", "margin_ms_p50"))),
        ),
        note="Of each subscriber the longest wait from a batch's first signal to its flush.",
    )
