"""How many devices re-fetch at one moment, what the API's latency is then, and how much jitter spreads them."""

from collections.abc import Mapping
from typing import Any, Final

from reports.exhibit import Exhibit, draw
from reports.figures.herd import Marks, Replayed, herd_plate
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, duration, milliseconds, percent

_A_HERD: Final = 10
"""Fewer requests at one moment are none."""
_SHOWN_AT_LEAST_MS: Final = 1000
_FAITHFUL: Final = 0.15
"""A replay that comes as close to the measured peak is believed."""


def herd_exhibit(run: ReportInput) -> Exhibit | None:
    """Return the figure; None for a run without a herd, or without a replay of it."""
    metrics = run.metrics
    peak, limit = metrics.find("herd", "peak_per_100ms"), metrics.find("herd", "limit_per_100ms")
    if peak is None or peak < _A_HERD or limit is None:
        return None
    replayed = _replayed(metrics)
    marks = Marks(
        limit=limit,
        is_chosen=run.scenario.subscribers.peak_per_100ms is not None,
        live_ms=metrics.find("herd", "live_jitter_ms"),
        measured=peak,
        enough_ms=metrics.find("herd", "least_jitter_ms"),
    )
    return Exhibit(
        name="herd",
        title="How many re-fetch at the same moment",
        takeaway=f"{count(peak)} re-fetches fell into the densest 100 ms{_slowness(metrics)}. {_remedy(marks)}"
        f"{_advised(run.replayed)}{_care(metrics)}",
        alternative="Peak re-fetches in 100 ms by jitter: "
        + "; ".join(f"{count(each.jitter_ms)} ms {count(each.peak)}" for each in replayed),
        drawing=draw(herd_plate(_worth_showing(replayed, marks), marks)),
        table=jitter_table(metrics),
    )


def _slowness(metrics: Metrics) -> str:
    crowded, others = metrics.quantiles("herd", "crowded_ms"), metrics.quantiles("herd", "others_ms")
    if crowded.p50 is None or others.p50 is None:
        return ""
    return (
        f"; the API took {duration(crowded.p50)} (median) to answer what came in such a crowd, and "
        f"{duration(others.p50)} otherwise"
    )


def _remedy(marks: Marks) -> str:
    wanted = (
        f"at most {count(marks.limit)}" if marks.is_chosen else f"half of that without jitter, {count(marks.limit)}"
    )
    if marks.live_ms and marks.measured <= marks.limit:
        return f"Its jitter of {duration(marks.live_ms)} kept it to what is wanted: {wanted}."
    if marks.enough_ms is None:
        return f"No jitter that was replayed brings the live policy's to {wanted}."
    if not marks.enough_ms:
        return f"No jitter is needed for {wanted}."
    jitter = duration(marks.enough_ms)
    return f"A jitter of {jitter} brings the live policy's to {wanted}, as a replay of the run predicts."


def _advised(told: Mapping[str, Any] | None) -> str:
    """Say what the recommended setting makes of it, so that the two places say one thing."""
    herd = (told or {}).get("herd")
    if not told or not herd or (told["recommended"] is None and herd["is_kept"]):
        return ""
    peak = count(herd["peak"])
    if herd["added_jitter_ms"]:
        return f" The setting recommended above has {duration(herd['added_jitter_ms'])} of it, and comes to {peak}."
    if herd["is_kept"]:
        return f" The setting recommended above comes to {peak}."
    return f" The setting recommended above leaves it at {peak}, and says why."


def _care(metrics: Metrics) -> str:
    """Say how far the replay is off where it can be checked, if it is."""
    replayed = metrics.find("herd", "replayed_over_measured")
    if replayed is None or abs(replayed - 1) <= _FAITHFUL:
        return ""
    return f" Take it with care: the replay of the run as it was comes to {percent(replayed)} of the measured peak."


def _replayed(metrics: Metrics) -> tuple[Replayed, ...]:
    return tuple(
        Replayed(
            jitter_ms=float(jitter),
            peak=metrics.number("herd", "jitters", jitter, "peak") or 0.0,
            lowest=metrics.number("herd", "jitters", jitter, "peak_min") or 0.0,
            highest=metrics.number("herd", "jitters", jitter, "peak_max") or 0.0,
        )
        for jitter in metrics.keys("herd", "jitters")
    )


def _worth_showing(replayed: tuple[Replayed, ...], marks: Marks) -> tuple[Replayed, ...]:
    """Return the replays up to twice the jitters that are marked."""
    last_ms = max(2 * (marks.enough_ms or 0), 2 * (marks.live_ms or 0), _SHOWN_AT_LEAST_MS)
    return tuple(each for each in replayed if each.jitter_ms <= last_ms)


def jitter_table(metrics: Metrics) -> Table:
    """Return the peaks by jitter."""
    return Table(
        caption="The herd under other jitters",
        head=("jitter, ms", "peak in 100 ms", "lowest draw", "highest draw"),
        rows=tuple(
            (count(each.jitter_ms), count(each.peak), count(each.lowest), count(each.highest))
            for each in _replayed(metrics)
        ),
        note="Replayed with everything else as it was: the median of three draws. Latencies are the run's own, though "
        "an API answers sooner when fewer ask at once.",
    )


def crowd_table(metrics: Metrics) -> Table:
    """Return how long fetches took in the crowds and outside of them; empty where there was no herd."""
    peak = metrics.find("herd", "peak_per_100ms")
    caption, head = "Latency in the herd", ("fetches requested", "n", "p50, ms", "p95, ms", "max, ms")
    if peak is None or peak < _A_HERD:
        return Table(caption=caption, head=head, rows=())
    rows = []
    for key, name in (("crowded_ms", "in a crowd"), ("others_ms", "at other times")):
        took = metrics.quantiles("herd", key)
        rows.append((name, count(took.n), *(milliseconds(value) for value in (took.p50, took.p95, took.max))))
    return Table(
        caption=caption,
        head=head,
        rows=tuple(rows),
        note=f"{count(metrics.number('herd', 'crowds'))} crowds: 100 ms and more with at least half the peak's "
        "requests. Fetches of pollers count too. What comes just after a crowd waits behind it, and counts to the "
        "other times.",
    )
