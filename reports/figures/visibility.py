"""How soon a change is seen: the cumulative distribution of push beside each polling interval, or of client models."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from loadtests.analysis.results import Milliseconds
from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.ranks import Curve, at_share, cumulative
from reports.theme import CLIENTS, GRID, INK, MUTED, PAPER, PUSH, polling_colour, polling_dashes
from reports.wording import NEVER, duration, interval, percent

_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
_LABELS_AT: Final = (0.80, 0.72, 0.26, 0.62)
"""Where on its curve each name stands, curve by curve: away from the medians, and from the neighbour's name."""
_MODELS_AT: Final = (0.86, 0.14, 0.74, 0.26, 0.62)
"""The same for client models, whose curves lie close together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One distribution and how it is drawn."""

    name: str
    values_ms: Milliseconds
    colour: str
    dashes: tuple[float | None, ...] = (None, None)


def visibility_plate(push: Milliseconds, polling: Mapping[str, Milliseconds]) -> Plate:
    """Return the figure of all curves that hold an observation."""
    lines = [Line(name="push", values_ms=push, colour=PUSH)]
    for cohort, (key, values_ms) in enumerate(polling.items()):
        name, dashes = f"polling {interval(key)}", polling_dashes(cohort + 1)
        lines.append(Line(name=name, values_ms=values_ms, colour=polling_colour(cohort), dashes=dashes))

    def plot(panels: Panels, shape: Shape) -> None:
        plot_visibility(panels[0], lines, shape, labels_at=_LABELS_AT)
        for line in lines:
            _mark(panels[0], line, name_it=True)

    return Plate(name="visibility", plot=plot, height=lambda shape: 400 if shape is Shape.WIDE else 350)


def clients_plate(models: Mapping[str, Milliseconds], names: Mapping[str, str]) -> Plate:
    """Return the figure of one curve for each client model, named by `names` and its median."""
    lines = [
        Line(
            name=f"{names[key]}, {_median(values_ms)}",
            values_ms=values_ms,
            colour=CLIENTS[key][0],
            dashes=CLIENTS[key][1],
        )
        for key, values_ms in models.items()
    ]

    def plot(panels: Panels, shape: Shape) -> None:
        plot_visibility(panels[0], lines, shape, labels_at=_MODELS_AT)
        for line in lines:
            _mark(panels[0], line, name_it=False)

    return Plate(name="clients", plot=plot, height=lambda shape: 440 if shape is Shape.WIDE else 420)


def plot_visibility(axes: Axes, lines: Sequence[Line], shape: Shape, *, labels_at: tuple[float, ...]) -> None:
    """Draw one curve for each line that holds an observation, and write its name on it, at one of the heights."""
    drawn = [(line, cumulative(line.values_ms)) for line in lines if len(line.values_ms)]
    right = max([1.0, *(float(curve.value[-1]) for _, curve in drawn if len(curve.value))]) * 1.08
    # Square roots: push and polling differ by a factor of ten, and yet 0 is on the axis, unlike on a logarithmic one.
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.0)
    for position, (line, curve) in enumerate(drawn):
        _plot_curve(axes, curve, line, right=right)
        _label(axes, line, curve, share=labels_at[position % len(labels_at)])
    _name_unseen(axes, [line for line, curve in drawn if not len(curve.value)])
    _dress(axes, right, shape)


def _plot_curve(axes: Axes, curve: Curve, line: Line, *, right: float) -> None:
    if not len(curve.value):
        axes.plot([], [])
        return
    # A curve ends where its slowest pair was seen, unless some never were: then it runs on below 100 %.
    end = [right] if curve.never else curve.value[-1:]
    value = np.maximum(np.concatenate([curve.value[:1], curve.value, end]), 0.0)
    share = np.concatenate([[0.0], curve.share, curve.share[-1:]])
    (drawn,) = axes.step(value, share, where="post", color=line.colour, linewidth=2.4, clip_on=True)
    if line.dashes[0] is not None:
        drawn.set_dashes([length for length in line.dashes if length is not None])
    if curve.never:
        axes.annotate(
            f"{percent(curve.never / curve.n)} never",
            (1.0, float(curve.share[-1])),
            xycoords=("axes fraction", "data"),
            xytext=(-4, -5),
            textcoords="offset points",
            ha="right",
            va="top",
            color=line.colour,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
            zorder=3,
        )


def _label(axes: Axes, line: Line, curve: Curve, *, share: float) -> None:
    """Write the name on its curve, where the curve passes `share` (or as high as it gets)."""
    if not len(curve.value):
        return
    height = min(share, float(curve.share[-1]) * 0.8)
    index = min(int(np.searchsorted(curve.share, height)), len(curve.value) - 1)
    axes.text(
        max(float(curve.value[index]), 0.0),
        height,
        line.name,
        ha="center",
        va="center",
        color=line.colour,
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        zorder=4,
    )


def _name_unseen(axes: Axes, lines: Sequence[Line]) -> None:
    """Say of lines that have no curve, because nothing was ever seen, that they lie on the axis."""
    for position, line in enumerate(lines):
        axes.annotate(
            line.name if line.name.endswith(NEVER) else f"{line.name}, {NEVER}",
            (1.0, 0.0),
            xycoords="axes fraction",
            xytext=(-4, 6 + 18 * position),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=line.colour,
            fontweight="bold",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
            zorder=4,
        )


def _mark(axes: Axes, line: Line, *, name_it: bool) -> None:
    """Mark the median, with its value unless the line's name has it."""
    median = at_share(line.values_ms, 0.5)
    if median is None or math.isinf(median):
        return
    shown = max(median, 0.0)
    axes.plot([shown], [0.5], marker="o", markersize=8, color=line.colour, markeredgecolor=PAPER, zorder=5)
    if name_it:
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


def _median(values_ms: Milliseconds) -> str:
    return duration(at_share(values_ms, 0.5))


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
