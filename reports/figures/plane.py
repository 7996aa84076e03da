"""Cost against freshness: the curve of all polling intervals, the measured cohorts on it, and push beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import Room
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH
from reports.wording import duration

_COSTS: Final = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_WAITS_MS: Final = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 120_000)
_NAMED_S: Final = (1, 2, 5, 10, 30, 60, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One way of being told: what it costs, and how late it is."""

    name: str
    requests_per_minute: float
    visibility_ms_p95: float


def plane_plate(push: Point, curve: Sequence[Point], measured: Sequence[Point]) -> Plate:
    """Return the figure; the curve's points stand in ascending order of their intervals, named by these in seconds."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_plane(panels[0], push, curve, measured=measured, shape=shape)

    return Plate(name="push-or-poll", plot=plot, height=_height)


def _height(shape: Shape) -> int:
    return 420 if shape is Shape.WIDE else 360


def plot_plane(axes: Axes, push: Point, curve: Sequence[Point], *, measured: Sequence[Point], shape: Shape) -> None:
    """Draw polling's curve with its intervals, measured cohorts as rings, and push as a disc."""
    every = [push, *curve, *measured]
    axes.set_xscale("log")
    axes.set_yscale("log")
    _limit(axes, every)
    axes.plot(
        [point.requests_per_minute for point in curve], [point.visibility_ms_p95 for point in curve],
        color=POLLING[0], linewidth=2.4,
    )  # fmt: skip
    room = Room.of(axes, shape, _height(shape))
    room.add_line([(point.requests_per_minute, point.visibility_ms_p95) for point in curve])
    for point in curve:
        if float(point.name) in _NAMED_S:
            _dot(room, point, POLLING[0], f"{float(point.name):g} s", marker="|")
    for point in measured:
        axes.plot(
            [point.requests_per_minute], [point.visibility_ms_p95], marker="o", markersize=8, linestyle="",
            markerfacecolor=PAPER, markeredgecolor=POLLING[0], markeredgewidth=1.8, zorder=5,
        )  # fmt: skip
    _dot(room, push, PUSH, f"push: {duration(push.visibility_ms_p95)}", marker="o")
    axes.text(
        0.99, 0.97, "polling at any interval;\nrings: measured", transform=axes.transAxes, ha="right", va="top",
        color=POLLING[0], fontweight="bold",
    )  # fmt: skip
    _dress(axes, shape)


def _limit(axes: Axes, every: Sequence[Point]) -> None:
    costs = [point.requests_per_minute for point in every if point.requests_per_minute > 0]
    waits = [point.visibility_ms_p95 for point in every]
    axes.set_xlim(min(costs) / 1.4, max(costs) * 1.6)
    axes.set_ylim(min(waits) / 1.6, max(waits) * 1.4)


def _dot(room: Room, point: Point, colour: str, name: str, *, marker: str) -> None:
    at, is_tick = (point.requests_per_minute, point.visibility_ms_p95), marker == "|"
    room.axes.plot(
        *at, marker=marker, markersize=9, linestyle="", color=colour, markeredgecolor=colour if is_tick else PAPER,
        zorder=6,
    )  # fmt: skip
    side = room.side_of(at, name)
    room.axes.annotate(
        name, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va,
        color=INK if is_tick else colour, fontweight="normal" if is_tick else "bold", zorder=7,
    )  # fmt: skip


def _dress(axes: Axes, shape: Shape) -> None:
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    costs = _COSTS if shape is Shape.WIDE else _COSTS[::2]
    axes.xaxis.set_major_locator(FixedLocator([cost for cost in costs if left <= cost <= right]))
    axes.yaxis.set_major_locator(FixedLocator([wait for wait in _WAITS_MS if low <= wait <= high]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.set_xlabel("requests per device and minute (logarithmic)")
    axes.set_title("95 % of changes are visible within (logarithmic)", color=MUTED, pad=10)
