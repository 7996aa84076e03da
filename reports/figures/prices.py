"""The price of waiting: what the live policy and the greedy rule cost beside the least possible, price by price."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import apart
from reports.theme import INK, MUTED, POLLING, PUSH
from reports.wording import NBSP, duration

_RATIOS: Final = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_TICKS: Final = 7
_FLOOR: Final = 0.93
"""Beneath 1 there is nothing but the line's own thickness."""
_LEAST_HIGH: Final = 2.2
_HEIGHT: Final = {Shape.WIDE: 380, Shape.NARROW: 360}
_GAP: Final = {Shape.WIDE: 18.0, Shape.NARROW: 34.0}
"""Between the names of two curves, in units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What two policies cost at one price, both as multiples of the least possible."""

    price_s: float
    """So many seconds of a waiting signal are worth one request."""
    live: float
    greedy: float


def prices_plate(paid: Sequence[Paid]) -> Plate:
    """Return the figure; by rising price, at least one."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_prices(panels[0], paid, shape)

    return Plate(name="prices", plot=plot, height=lambda shape: _HEIGHT[shape])


def plot_prices(axes: Axes, paid: Sequence[Paid], shape: Shape) -> None:
    """Draw both curves above the level line of the least possible, each with its name at its right end."""
    prices = [each.price_s for each in paid]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(prices[0] / 1.15, prices[-1] * 1.15)
    top = max(_LEAST_HIGH, *(max(each.live, each.greedy) for each in paid)) * 1.12
    axes.set_ylim(_FLOOR, top)
    axes.axhline(1, color=INK, linewidth=1.6)
    live, greedy = [each.live for each in paid], [each.greedy for each in paid]
    axes.plot(prices, greedy, color=POLLING[2], linewidth=2, dashes=(6, 2), marker="o", markersize=4)
    axes.plot(prices, live, color=PUSH, linewidth=2.6, marker="o", markersize=5)
    ends = [(live[-1], "live\npolicy", PUSH), (greedy[-1], "greedy\nrule", POLLING[2]), (1.0, "least\npossible", INK)]
    _name_ends(axes, ends, shape, top)
    _dress(axes, prices, top, shape)


def _name_ends(axes: Axes, ends: Sequence[tuple[float, str, str]], shape: Shape, top: float) -> None:
    """Write names beside the panel at the heights of their curves, apart where these end close together."""
    tall = 0.8 * _HEIGHT[shape]
    shares = np.log([height / _FLOOR for height, _, _ in ends]) / np.log(top / _FLOOR)
    for place, (_, name, colour) in zip(apart([float(each) * tall for each in shares], _GAP[shape]), ends, strict=True):
        axes.annotate(
            name.replace("\n", " ") if shape is Shape.WIDE else name, (1.0, place / tall), xycoords="axes fraction",
            xytext=(6, 0), textcoords="offset points", ha="left", va="center", color=colour, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip


def _dress(axes: Axes, prices: Sequence[float], top: float, shape: Shape) -> None:
    ratios = [each for each in _RATIOS if each <= top]
    if len(ratios) > _MOST_TICKS:
        ratios = [each for each in ratios if each not in {1.2, 1.5, 3}]
    axes.yaxis.set_major_locator(FixedLocator(ratios))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"\N{MULTIPLICATION SIGN}{NBSP}{value:g}"))
    shown = [price for price in prices if shape is Shape.WIDE or price in {0.05, 0.2, 1.0, 5.0, 30.0}]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value * 1000).replace(".00", "")))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel(
        "price of one request: worth so long a wait of one signal"
        if shape is Shape.WIDE
        else "worth of one request, as waiting"
    )
    axes.set_title(
        "cost of requests and waiting, as a multiple of the least possible"
        if shape is Shape.WIDE
        else "cost, as a multiple of the least possible",
        color=MUTED,
        pad=10,
    )
