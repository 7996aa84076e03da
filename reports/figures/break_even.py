"""Where push stops paying: requests of a device over how busy its organization is, and what that comes to for all.

Two figures: lines for one device, with what this run measured; and a map of organizations, writes by members.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from loadtests.analysis.baseline.break_even import MEMBERS, WRITES_PER_MINUTE, Curve
from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import Room, Side
from reports.theme import CLIENTS, INK, MUTED, PAPER, POLLING, PUSH
from reports.wording import MINUS, NBSP, rate

_LOWEST: Final = 0.4
"""Requests per device-minute at the bottom of the figure: beneath it nothing can be told on a logarithmic axis."""
_ALPHAS: Final = (0.12, 0.24, 0.42)
_STEPS: Final = (100.0, 1000.0)
"""Requests per organization-minute from where on a cell is drawn darker."""
_COLUMNS: Final = {Shape.WIDE: (1, 2, 4, 9, 18, 40, 90, 180, 360, 600), Shape.NARROW: (2, 6, 25, 90, 360)}
_SAVED: Final = ": requests saved per organization-minute"
_SMALL, _LARGE = 5.0, 8.0
"""Marks of what was measured in the smallest organizations and in larger ones."""
_MARKS: Final = {"ios_as_built": "s", "web_as_built": "s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run measured in one phase."""

    model: str
    writes: float
    requests: float
    members: float = 1.0
    is_foreseen: bool | None = None
    """Whether the simulation expects that within chance; None: it says nothing of it."""


def lines_plate(
    curves: Sequence[Curve], names: dict[str, str], intervals_s: Sequence[float], points: Sequence[Measured]
) -> Plate:
    """Return the figure of one device: its requests by how often its organization writes."""
    drawn = [each for each in curves if any(one.requests >= _LOWEST for one in each.rates)]

    def plot(panels: Panels, shape: Shape) -> None:
        axes = panels[0]
        _dress_lines(axes, drawn, shape)
        room = Room.of(axes, shape, _height(shape))
        for each in drawn:
            _plot_curve(room, each, names[each.model], shape)
        room.add_points([(point.writes, max(point.requests, _LOWEST)) for point in points])
        for interval_s in intervals_s:
            _plot_polling(room, interval_s, shape)
        members = {point.members for point in points}
        for point in points:
            is_small = len(members) > 1 and point.members == min(members)
            _plot_point(axes, point, size=_SMALL if is_small else _LARGE)

    return Plate(name="break-even", plot=plot, height=_height)


def _height(shape: Shape) -> int:
    return 460 if shape is Shape.WIDE else 430


def _dress_lines(axes: Axes, drawn: Sequence[Curve], shape: Shape) -> None:
    top = max([60.0, *(rate_.requests for each in drawn for rate_ in each.rates)])
    axes.set_xscale("log")
    axes.set_yscale("log")
    # Room for the names at the right end.
    axes.set_xlim(WRITES_PER_MINUTE[0], WRITES_PER_MINUTE[-1] * (4.2 if shape is Shape.WIDE else 14))
    axes.set_ylim(_LOWEST, top * 1.6)
    wide = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
    axes.xaxis.set_major_locator(FixedLocator(wide if shape is Shape.WIDE else (1, 10, 100)))
    axes.yaxis.set_major_locator(FixedLocator((1, 2, 5, 10, 20, 50, 100, 200, 500)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("writes per organization-minute")
    axes.set_title("requests per device-minute", color=MUTED, pad=10)


def _plot_polling(room: Room, interval_s: float, shape: Shape) -> None:
    """Draw one level line, and its name along it where no curve and no other name is: from the right end on."""
    axes, level = room.axes, 60 / interval_s
    axes.axhline(level, color=MUTED, linewidth=1.2, dashes=(4, 3))
    name = f"polling {'every ' if shape is Shape.WIDE else ''}{interval_s:g}{NBSP}s"
    at = (axes.get_xlim()[1], level)
    steps = range(0, shape.value, 20)
    along = [
        *(Side("right", "bottom", (-far, 2)) for far in steps),
        *(Side("right", "top", (-far, -3)) for far in steps),
    ]
    side = room.side_of(at, name, along)
    axes.annotate(
        name, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=MUTED,
        annotation_clip=False,
    )  # fmt: skip


def _plot_curve(room: Room, own: Curve, name: str, shape: Shape) -> None:
    colour, dashes = CLIENTS[own.model]
    requests = np.array([one.requests for one in own.rates])
    (line,) = room.axes.plot(own.writes, np.maximum(requests, _LOWEST / 10), color=colour)
    if dashes[0] is not None:
        line.set_dashes([length for length in dashes if length is not None])
    room.add_line([(writes, max(float(each), _LOWEST / 10)) for writes, each in zip(own.writes, requests, strict=True)])
    at = (own.writes[-1], max(float(requests[-1]), _LOWEST))
    told = name if shape is Shape.WIDE else name.replace(" as ", "\nas ")
    side = room.side_of(at, told, (Side("left", "center", (6, 0)),))
    room.axes.annotate(
        told, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=colour,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}, zorder=4,
    )  # fmt: skip


def _plot_point(axes: Axes, point: Measured, *, size: float) -> None:
    axes.plot(
        [point.writes],
        [max(point.requests, _LOWEST)],
        marker=_MARKS.get(point.model, "o"),
        markersize=size,
        markerfacecolor=PAPER,
        markeredgecolor=CLIENTS[point.model][0],
        markeredgewidth=2,
        linestyle="none",
        clip_on=False,
        zorder=4 if size == _LARGE else 5,
    )


def map_plate(
    curves: Sequence[Curve], names: dict[str, str], interval_s: float, points: Sequence[Measured] = ()
) -> Plate:
    """Return the map: requests that push saves (+) or costs (-) an organization per minute, one panel per client."""

    def plot(panels: Panels, shape: Shape) -> None:
        for axes, own in zip(panels, curves, strict=True):
            _plot_map(axes, own, interval_s, shape)
            for point in points:
                if point.model == own.model and MEMBERS[0] <= point.members <= MEMBERS[-1]:
                    _plot_place(axes, point, shape)
            axes.set_title(names[own.model] + (_SAVED if shape is Shape.WIDE else ""), color=INK, pad=26)

    def height(_: Shape) -> int:
        return len(curves) * (30 * len(MEMBERS) + 92)

    return Plate(name="break-even-map", plot=plot, height=height, grid=lambda _: (len(curves), 1))


def _plot_map(axes: Axes, own: Curve, interval_s: float, shape: Shape) -> None:
    columns, rows = _COLUMNS[shape], MEMBERS
    for column, writes in enumerate(columns):
        is_slower = own.is_slower(writes, interval_s)
        for row, members in enumerate(rows):
            _plot_cell(axes, (column, row), own.saved(writes, members, interval_s), is_slower=is_slower)
    for crossing in own.crossings(interval_s):
        at = float(np.interp(np.log(crossing.at), np.log(columns), np.arange(len(columns))))
        if 0 < at < len(columns) - 1:
            axes.axvline(at, color=INK, linewidth=2.4, zorder=3)
            axes.annotate(
                f"{rate(crossing.at)}",
                (at, len(rows) - 0.5),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color=INK,
                annotation_clip=False,
            )
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_xticks(range(len(columns)), [f"{writes:g}" for writes in columns])
    axes.set_yticks(range(len(rows)), [f"{members}" for members in rows])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel("writes per organization-minute")
    axes.set_ylabel("members")


def _plot_place(axes: Axes, point: Measured, shape: Shape) -> None:
    """Draw a dot where something was measured, in the free strip at the upper edge of its row."""
    columns = _COLUMNS[shape]
    column = float(np.interp(np.log(point.writes), np.log(columns), np.arange(len(columns))))
    row = float(np.interp(np.log(point.members), np.log(MEMBERS), np.arange(len(MEMBERS))))
    (dot,) = axes.plot(
        [column], [row + 0.34], marker="o", markersize=4.5, markeredgewidth=1.2, markeredgecolor=INK,
        markerfacecolor=PAPER if point.is_foreseen is False else INK, linestyle="none", zorder=5,
    )  # fmt: skip
    dot.set_in_layout(False)


def _plot_cell(axes: Axes, place: tuple[int, int], saved: float, *, is_slower: bool) -> None:
    column, row = place
    alpha = _ALPHAS[sum(abs(saved) >= step for step in _STEPS)]
    colour = PUSH if saved >= 0 else POLLING[0]
    cell = Rectangle((column - 0.47, row - 0.45), 0.94, 0.9, facecolor=colour, alpha=alpha, linewidth=0)
    # What lies within the axes needs no room of its own; asking for it would cost most of the drawing's time.
    cell.set_in_layout(False)
    axes.add_patch(cell)
    if is_slower:
        axes.plot([column - 0.4, column + 0.4], [row - 0.33, row - 0.33], color=MUTED, linewidth=1.2, dashes=(1.5, 2))
    axes.text(column, row, _signed(saved), ha="center", va="center", color=INK, zorder=4).set_in_layout(False)


def _signed(saved: float) -> str:
    size = abs(saved)
    text = f"{size / 1000:.1f}k" if size >= 999.5 else f"{size:.0f}"
    return "0" if text == "0" else f"{'+' if saved > 0 else MINUS}{text}"
