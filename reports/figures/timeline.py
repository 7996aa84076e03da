"""The run in time: writes, signals, refreshes and polls per second, and beneath them what a person had to wait."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from loadtests.analysis.results import Timeline
from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH, PUSH_QUIET, SHADE
from reports.wording import MINUS

MOST_BINS: Final = 240
"""More cannot be told apart on paper; longer runs are drawn in wider bins."""


def widen(timeline: Timeline, most: int = MOST_BINS) -> Timeline:
    """Return the timeline in at most `most` bins: counts are added, of latencies the worst is kept."""
    bins = len(timeline.begin_s)
    factor = -(-bins // most)
    if factor <= 1:
        return timeline
    starts = np.arange(0, bins, factor)
    return Timeline(
        bin_s=timeline.bin_s * factor,
        begin_s=timeline.begin_s[starts],
        writes=np.add.reduceat(timeline.writes, starts),
        signals=np.add.reduceat(timeline.signals, starts),
        refreshes=np.add.reduceat(timeline.refreshes, starts),
        polls=np.add.reduceat(timeline.polls, starts),
        visibility_ms_p50=np.fmax.reduceat(timeline.visibility_ms_p50, starts),
        visibility_ms_p95=np.fmax.reduceat(timeline.visibility_ms_p95, starts),
    )


def timeline_plate(timeline: Timeline) -> Plate:
    """Return the figure; the timeline should be drawable as it is (see `widen`)."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_timeline(panels, timeline, shape)

    return Plate(
        name="timeline",
        plot=plot,
        height=lambda shape: 620 if shape is Shape.WIDE else 640,
        grid=lambda _: (5, 1),
        row_heights=(2, 2, 2, 2, 4),
        shared_x=True,
    )


def plot_timeline(panels: Panels, timeline: Timeline, shape: Shape) -> None:
    """Draw four rates and the latency over one time axis, the warm-up shaded."""
    rates = (
        ("mutations acknowledged per second", timeline.writes, MUTED),
        ("signals received per second", timeline.signals, PUSH_QUIET),
        ("subscribers' requests per second", timeline.refreshes, PUSH),
        ("pollers' requests per second", timeline.polls, POLLING[0]),
    )
    edges = np.append(timeline.begin_s, timeline.begin_s[-1] + timeline.bin_s)
    for axes, (title, counts, colour) in zip(panels[:-1], rates, strict=True):
        axes.stairs(counts / timeline.bin_s, edges, fill=True, color=colour, linewidth=0)
        axes.set_ylim(0, float(counts.max()) / timeline.bin_s * 1.15 or 1.0)
        axes.yaxis.set_major_locator(MaxNLocator(2, integer=bool(counts.max() >= 2 * timeline.bin_s)))
        axes.set_title(title, color=MUTED, pad=4)
    _plot_latency(panels[-1], timeline, shape)
    dress_time(panels, edges, shape, warm_up_at=panels[-1].get_ylim()[1] * 0.8)


def dress_time(panels: Panels, edges: NDArray[np.float64], shape: Shape, *, warm_up_at: float = 0) -> None:
    """Give panels above each other one time axis, the warm-up shaded and named at a height of the last one."""
    for axes in panels:
        axes.set_xlim(edges[0], edges[-1])
        axes.tick_params(axis="x", length=0)
        if edges[0] < 0:
            axes.axvspan(edges[0], min(0.0, edges[-1]), color=SHADE, linewidth=0, zorder=0)
    if edges[0] < 0:
        _name_warm_up(panels[-1], float(edges[0]), warm_up_at)
    _time_axis(panels[-1], float(edges[-1] - edges[0]), shape)


def _plot_latency(axes: Axes, timeline: Timeline, shape: Shape) -> None:
    middle = timeline.begin_s + timeline.bin_s / 2
    finite = [values[np.isfinite(values)] for values in (timeline.visibility_ms_p50, timeline.visibility_ms_p95)]
    top = max([1.0, *(float(values.max()) for values in finite if len(values))]) * 1.12
    p50, p95 = (np.where(np.isfinite(v), v, np.nan) for v in (timeline.visibility_ms_p50, timeline.visibility_ms_p95))
    axes.fill_between(middle, p50, p95, color=PUSH_QUIET, alpha=0.35, linewidth=0)
    for values, style, name in ((p95, (2.5, 1.2), "p95"), (p50, None, "p50")):
        _plot_quantile(axes, middle, values, style)
        _name_quantile(axes, middle, values, name)
    never = np.isinf(timeline.visibility_ms_p95)
    if never.any():
        heights = np.full(int(never.sum()), top * 0.97)
        axes.plot(middle[never], heights, linestyle="none", marker="^", markersize=7, color=INK, clip_on=False)
    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    title = "push visibility of mutations due then, ms" if shape is Shape.WIDE else "push visibility, ms"
    axes.set_title(title + ("  (▲ p95: never)" if never.any() else ""), color=MUTED, pad=4)


def _plot_quantile(
    axes: Axes, middle: NDArray[np.float64], shown: NDArray[np.float64], dashes: tuple[float, float] | None
) -> None:
    """Draw a line broken where there is no number; a number with no neighbour is a dot."""
    (line,) = axes.plot(middle, shown, color=PUSH, linewidth=1.4 if dashes else 2)
    if dashes:
        line.set_dashes(dashes)
    known = np.isfinite(shown)
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    axes.plot(middle[alone], shown[alone], linestyle="none", marker="o", markersize=4, color=PUSH)


def _name_quantile(axes: Axes, middle: NDArray[np.float64], values: NDArray[np.float64], name: str) -> None:
    known = np.flatnonzero(np.isfinite(values))
    if len(known):
        axes.annotate(
            name,
            (float(middle[known[-1]]), float(values[known[-1]])),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            annotation_clip=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
        )


def _name_warm_up(axes: Axes, begin_s: float, height: float) -> None:
    axes.annotate(
        "warm-up",
        (begin_s, height),
        xytext=(4, 5),
        textcoords="offset points",
        color=MUTED,
        zorder=4,
    )


def _time_axis(axes: Axes, span_s: float, shape: Shape) -> None:
    unit, seconds = ("hours", 3600) if span_s > 10_800 else ("minutes", 60) if span_s > 600 else ("seconds", 1)
    step = _step(span_s / seconds, 5 if shape is Shape.NARROW else 10) * seconds
    first, last = axes.get_xlim()
    axes.set_xticks(np.arange(np.ceil(first / step), np.floor(last / step) + 1) * step)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / seconds + 0.0:g}".replace("-", MINUS)))
    axes.set_xlabel(f"{unit} since the measurement began")


def _step(span: float, ticks: int) -> float:
    """Return the smallest round step that needs no more than `ticks` of them."""
    steps = [step * 10.0**power for power in range(-2, 5) for step in (1, 2, 5)]
    return next(step for step in steps if step * ticks >= span)
