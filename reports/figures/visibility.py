"""How soon a change is seen: the cumulative distribution of push beside each polling interval."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from loadtests.analysis.results import Milliseconds
from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.ranks import Curve, at_share, cumulative
from reports.theme import GRID, INK, MUTED, PAPER, PUSH, polling_colour, polling_dashes
from reports.wording import duration, interval, percent

_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
_LABELS_AT: Final = (0.80, 0.72, 0.26, 0.62)
"""Where on its curve each name stands, curve by curve: away from the medians, and from the neighbour's name."""


def visibility_plate(push: Milliseconds, polling: Mapping[str, Milliseconds]) -> Plate:
    """Return the figure of all curves that hold an observation."""
    series = [("push", push), *((f"polling {interval(cohort)}", values) for cohort, values in polling.items())]

    def plot(panels: Panels, shape: Shape) -> None:
        plot_visibility(panels[0], [(name, values) for name, values in series if len(values)], shape)

    return Plate(name="visibility", plot=plot, height=lambda shape: 400 if shape is Shape.WIDE else 350)


def plot_visibility(axes: Axes, series: list[tuple[str, Milliseconds]], shape: Shape) -> None:
    """Draw one curve for each named series; push is recognized by its name."""
    curves = [(name, cumulative(values)) for name, values in series]
    right = max([1.0, *(float(curve.value[-1]) for _, curve in curves if len(curve.value))]) * 1.08
    # Square roots: push and polling differ by a factor of ten, and yet 0 is on the axis, unlike on a logarithmic one.
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.0)
    cohort = 0
    for position, (name, curve) in enumerate(curves):
        is_push = name == "push"
        colour = PUSH if is_push else polling_colour(cohort)
        dashes = (None, None) if is_push else polling_dashes(cohort + 1)
        cohort += not is_push
        _plot_curve(axes, curve, colour, dashes=dashes, right=right)
        _label(axes, name, curve, colour, share=_LABELS_AT[position % len(_LABELS_AT)])
        _mark(axes, series[position][1], colour)
    _dress(axes, right, shape)


def _plot_curve(axes: Axes, curve: Curve, colour: str, *, dashes: tuple[float | None, ...], right: float) -> None:
    if not len(curve.value):
        axes.plot([], [])
        return
    # A curve ends where its slowest pair was seen, unless some never were: then it runs on below 100 %.
    end = [right] if curve.never else curve.value[-1:]
    value = np.maximum(np.concatenate([curve.value[:1], curve.value, end]), 0.0)
    share = np.concatenate([[0.0], curve.share, curve.share[-1:]])
    (line,) = axes.step(value, share, where="post", color=colour, linewidth=2.4, clip_on=True)
    if dashes[0] is not None:
        line.set_dashes([length for length in dashes if length is not None])
    if curve.never:
        axes.annotate(
            f"{percent(curve.never / curve.n)} never",
            (1.0, float(curve.share[-1])),
            xycoords=("axes fraction", "data"),
            xytext=(-4, -5),
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
            zorder=3,
        )


def _label(axes: Axes, name: str, curve: Curve, colour: str, *, share: float) -> None:
    """Write the name on its curve, where the curve passes `share` (or as high as it gets)."""
    if not len(curve.value):
        return
    height = min(share, float(curve.share[-1]) * 0.8)
    index = min(int(np.searchsorted(curve.share, height)), len(curve.value) - 1)
    axes.text(
        max(float(curve.value[index]), 0.0),
        height,
        name,
        ha="center",
        va="center",
        color=colour,
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        zorder=4,
    )


def _mark(axes: Axes, values: Milliseconds, colour: str) -> None:
    """Mark the median, with its value."""
    median = at_share(values, 0.5)
    if median is None or math.isinf(median):
        return
    shown = max(median, 0.0)
    axes.plot([shown], [0.5], marker="o", markersize=8, color=colour, markeredgecolor=PAPER, zorder=5)
    axes.annotate(
        duration(median),
        (shown, 0.5),
        xytext=(9, -2),
        textcoords="offset points",
        va="top",
        color=INK,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
        zorder=4,
    )


def _dress(axes: Axes, right: float, shape: Shape) -> None:
    axes.xaxis.set_major_locator(FixedLocator(_ticks(right, apart=0.07 if shape is Shape.WIDE else 0.17)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator(list(_SHARES)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
    axes.axhline(0.5, color=MUTED, linewidth=0.8, dashes=(1, 2))
    axes.axhline(1.0, color=GRID, linewidth=0.8)
    axes.set_xlabel("time from due to visible (square-root scale)")
    axes.set_title("share of (mutation, device) pairs", color=MUTED, pad=10)


def _ticks(right: float, apart: float) -> list[float]:
    """Return round numbers from 0 on, each at least `apart` of the axis's length from the one before."""
    ticks = [0.0]
    for value in (step * 10.0**power for power in range(-1, 9) for step in (1, 2, 5)):
        if value <= right and np.sqrt(value / right) - np.sqrt(ticks[-1] / right) >= apart:
            ticks.append(value)
    return ticks


def _root(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(value, 0.0))


def _tick(value_ms: float) -> str:
    if value_ms == 0:
        return "0"
    return f"{value_ms:g} ms" if value_ms < 1000 else f"{value_ms / 1000:g} s"
