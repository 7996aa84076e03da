"""Starvation: the mean time from a batch's first event to its flush against the rate of events, beside the theory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import Room, Side
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH
from reports.wording import duration

_TICKS_MS: Final = (200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000)
_HIGHEST_OVER_MEASURED: Final = 4.0
"""How far above the longest measured wait the theory is followed."""


_RATES: Final = {Shape.WIDE: (0, 0.5, 1, 2, 5, 10, 20, 50, 100), Shape.NARROW: (0, 1, 5, 10, 20, 50, 100)}
_WINDOW_WIDTH: Final = 65.0
_THEORY: Final = "theory, random events"
_BESIDE_A_RISING_CURVE: Final = (
    Side("right", "center", (-10, 0)),
    Side("right", "bottom", (-8, 4)),
    Side("left", "center", (10, 0)),
    Side("left", "top", (8, -4)),
    Side("left", "bottom", (10, 10)),
)


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

    return Plate(name="starvation", plot=plot, height=_height)


def _height(shape: Shape) -> int:
    return 400 if shape is Shape.WIDE else 360


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
    room = Room.of(axes, shape, _height(shape), beside=_WINDOW_WIDTH)
    room.add_line([(0, window_ms), (right, window_ms)])
    room.add_points([(point.events_per_s, point.wait_ms) for point in points])
    for point in points:
        error_ms = 2 * point.standard_error_ms
        room.add_line([(point.events_per_s, max(point.wait_ms + sign * error_ms, 1.0)) for sign in (-1, 1)])
    _plot_theory(room, theory_ms, right)
    axes.axhline(window_ms, color=MUTED, linewidth=0.8, dashes=(1, 2))
    axes.annotate(
        f"the\nwindow:\n{duration(window_ms)}", (1.0, window_ms), xycoords=("axes fraction", "data"),
        xytext=(5, 0), textcoords="offset points", ha="left", va="center", color=MUTED, annotation_clip=False,
    )  # fmt: skip
    for point in points:
        _plot_point(room, point, is_named=shape is Shape.WIDE)
    _dress(axes, right, shape)


def _plot_theory(room: Room, theory_ms: Callable[[float], float], right: float) -> None:
    axes, rates = room.axes, np.linspace(0, right, 400)
    low, high = axes.get_ylim()
    waits = np.array([theory_ms(float(rate)) for rate in rates])
    shown = waits <= high
    axes.plot(rates[shown], waits[shown], color=PUSH, linewidth=2.4)
    room.add_line(list(zip(rates[shown].tolist(), waits[shown].tolist(), strict=True)))
    where = min(int(shown.sum()) - 1, int(np.searchsorted(waits, np.sqrt(low * high) * 0.8)))
    at = (float(rates[where]), float(waits[where]))
    side = room.side_of(at, _THEORY, _BESIDE_A_RISING_CURVE)
    axes.annotate(
        _THEORY, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=PUSH,
        fontweight="bold", zorder=4,
    )  # fmt: skip


def _plot_point(room: Room, point: Point, *, is_named: bool) -> None:
    """Draw a phase, with its number where there is room for it: the table has it too."""
    colour, at = POLLING[0] if point.is_even else INK, (point.events_per_s, point.wait_ms)
    room.axes.errorbar(
        [at[0]], [at[1]], yerr=[2 * point.standard_error_ms], fmt="s" if point.is_even else "o",
        color=colour, markersize=7, markeredgecolor=PAPER, elinewidth=1.2, zorder=5,
    )  # fmt: skip
    name = f"even: {duration(point.wait_ms)}" if point.is_even and is_named else duration(point.wait_ms)
    side = room.free_side_of(at, name)
    if side is not None:
        room.axes.annotate(
            name, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=colour, zorder=4
        )


def _dress(axes: Axes, right: float, shape: Shape) -> None:
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in _TICKS_MS if low <= tick <= high]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.xaxis.set_major_locator(FixedLocator([rate for rate in _RATES[shape] if rate <= right]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    is_wide = shape is Shape.WIDE
    received = "events per second that a subscriber received" if is_wide else "events received per second"
    axes.set_xlabel(f"{received} (square-root scale)" if is_wide else received)
    since = "from a batch's first event to its refresh" if is_wide else "from first event to refresh"
    axes.set_title(f"mean wait {since}", color=MUTED, pad=10)
