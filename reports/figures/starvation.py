"""Starvation: the mean time from a batch's first event to its flush against the rate of events, beside the theory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH
from reports.wording import duration

_TICKS_MS: Final = (200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000)
_HIGHEST_OVER_MEASURED: Final = 4.0
"""How far above the longest measured wait the theory is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one phase measured."""

    name: str
    events_per_s: float
    wait_ms: float
    standard_error_ms: float
    is_even: bool


def starvation_plate(points: Sequence[Point], theory_ms: Callable[[float], float], window_ms: float) -> Plate:
    """Return the figure; `theory_ms` gives the mean wait under random events of a rate per second."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_starvation(panels[0], points, theory_ms, window_ms=window_ms, shape=shape)

    return Plate(name="starvation", plot=plot, height=lambda shape: 400 if shape is Shape.WIDE else 360)


def plot_starvation(
    axes: Axes, points: Sequence[Point], theory_ms: Callable[[float], float], *, window_ms: float, shape: Shape
) -> None:
    """Draw the curve, the points with their standard errors, and the window."""
    highest = max(point.wait_ms for point in points) * _HIGHEST_OVER_MEASURED
    right = max(point.events_per_s for point in points) * 1.25
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axes.set_yscale("log")
    axes.set_xlim(0, right)
    axes.set_ylim(window_ms * 0.6, max(highest, window_ms * 4))
    _plot_theory(axes, theory_ms, right)
    axes.axhline(window_ms, color=MUTED, linewidth=0.8, dashes=(1, 2))
    axes.annotate(
        f"the window: {duration(window_ms)}", (1.0, window_ms), xycoords=("axes fraction", "data"),
        xytext=(-4, -4), textcoords="offset points", ha="right", va="top", color=MUTED,
    )  # fmt: skip
    for point in points:
        _plot_point(axes, point, is_named=shape is Shape.WIDE)
    _dress(axes, right)


def _plot_theory(axes: Axes, theory_ms: Callable[[float], float], right: float) -> None:
    rates = np.linspace(0, right, 400)
    low, high = axes.get_ylim()
    waits = np.array([theory_ms(float(rate)) for rate in rates])
    shown = waits <= high
    axes.plot(rates[shown], waits[shown], color=PUSH, linewidth=2.4)
    where = min(int(shown.sum()) - 1, int(np.searchsorted(waits, np.sqrt(low * high) * 0.8)))
    axes.annotate(
        "theory, random events", (float(rates[where]), float(waits[where])), xytext=(-8, 0),
        textcoords="offset points", ha="right", va="center", color=PUSH, fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}, zorder=4,
    )  # fmt: skip


def _plot_point(axes: Axes, point: Point, *, is_named: bool) -> None:
    colour = POLLING[0] if point.is_even else INK
    axes.errorbar(
        [point.events_per_s], [point.wait_ms], yerr=[2 * point.standard_error_ms], fmt="s" if point.is_even else "o",
        color=colour, markersize=7, markeredgecolor=PAPER, elinewidth=1.2, zorder=5,
    )  # fmt: skip
    axes.annotate(
        f"even: {duration(point.wait_ms)}" if point.is_even and is_named else duration(point.wait_ms),
        (point.events_per_s, point.wait_ms), xytext=(8, -3), textcoords="offset points", va="top", color=colour,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}, zorder=4,
    )  # fmt: skip


def _dress(axes: Axes, right: float) -> None:
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in _TICKS_MS if low <= tick <= high]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.xaxis.set_major_locator(FixedLocator([rate for rate in (0, 0.5, 1, 2, 5, 10, 20, 50, 100) if rate <= right]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("events per second that a subscriber received (square-root scale)")
    axes.set_title("mean wait from a batch's first event to its refresh", color=MUTED, pad=10)
