"""What each refresh policy costs against how stale screens are under it: one dot for each, and the best joined.

It draws what it is given and knows no policy; names are written beside the dots, so that no legend is needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH, PUSH_QUIET
from reports.wording import duration

_LEAST_MS: Final = 1e-3
"""Where "never stale" stands on an axis that has no 0."""
_NAMES_AT: Final = {
    Shape.WIDE: ((0.4, 0.07), (0.2, 0.22), (0.02, 0.36)),
    Shape.NARROW: ((0.02, 0.14), (0.02, 0.36), (0.02, 0.52)),
}
"""Where names stand, from below, as shares of the panel."""


_LETTERS: Final = {Shape.WIDE: 32, Shape.NARROW: 20}
"""In a line of a name."""


class Mark(Enum):
    """Which policies are named, and in which colour."""

    LIVE = INK
    DESIGN = POLLING[1]
    RECOMMENDED = POLLING[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One policy."""

    refreshes: float
    """Per subscriber and minute."""
    stale_ms: float
    is_best: bool = False
    """Nothing beats it in both."""
    drops_signals: bool = False
    mark: Mark | None = None
    name: str = ""
    """What is written beside a marked dot."""


def policies_plate(dots: Sequence[Dot]) -> Plate:
    """Return the figure of some policies; there must be one."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_policies(panels[0], dots, shape)

    return Plate(name="policies", plot=plot, height=lambda shape: 460 if shape is Shape.WIDE else 420)


def plot_policies(axes: Axes, dots: Sequence[Dot], shape: Shape) -> None:
    """Draw one dot for each policy, a line through the best, and the names of the marked ones."""
    axes.set_yscale("log")
    right = max(max(dot.refreshes for dot in dots) * 1.08, 1e-9)
    low, high = (f(max(dot.stale_ms, _LEAST_MS) for dot in dots) for f in (min, max))
    axes.set_xlim(0, right)
    axes.set_ylim(low / 1.6, high * 1.8)
    for is_hollow in (False, True):
        own = [dot for dot in dots if dot.drops_signals is is_hollow]
        axes.plot(
            [dot.refreshes for dot in own],
            [max(dot.stale_ms, _LEAST_MS) for dot in own],
            linestyle="none",
            marker="o",
            markersize=5,
            markerfacecolor=PAPER if is_hollow else PUSH_QUIET,
            markeredgecolor=PUSH_QUIET,
        )
    _join_best(axes, dots)
    _name_hollow(axes, dots, right)
    # Names from above in the order of the angles at which their dots are seen from there: no two lines cross.
    marked = sorted((dot for dot in dots if dot.mark), key=lambda dot: -_angle(dot, right, low, high))
    for place, dot in enumerate(reversed(marked)):
        _name(axes, dot, shape, corner=_NAMES_AT[shape][place])
    cause = "because of signals, " if shape is Shape.WIDE else ""
    axes.set_xlabel(f"re-fetches {cause}per subscriber and minute", color=MUTED)
    axes.set_ylabel("mean staleness of a screen", color=MUTED)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 50 else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _join_best(axes: Axes, dots: Sequence[Dot]) -> None:
    best = sorted((dot for dot in dots if dot.is_best), key=lambda dot: dot.refreshes)
    axes.plot(
        [dot.refreshes for dot in best],
        [max(dot.stale_ms, _LEAST_MS) for dot in best],
        color=PUSH,
        linewidth=1.6,
        marker="o",
        markersize=5,
        drawstyle="steps-post",
    )


def _name_hollow(axes: Axes, dots: Sequence[Dot], right: float) -> None:
    """Say once what a hollow dot is, beside the stalest."""
    hollow = [dot for dot in dots if dot.drops_signals and not dot.mark]
    if not hollow:
        return
    dot = max(hollow, key=lambda each: each.stale_ms)
    is_left = dot.refreshes < right / 2
    note = axes.annotate(
        "hollow: drops signals",
        (dot.refreshes, max(dot.stale_ms, _LEAST_MS)),
        xytext=(8 if is_left else -8, 0),
        textcoords="offset points",
        ha="left" if is_left else "right",
        va="center",
        color=MUTED,
    )
    note.set_in_layout(False)


def _name(axes: Axes, dot: Dot, shape: Shape, *, corner: tuple[float, float]) -> None:
    """Ring a dot and write its name where no policy can be: in the corner of few requests and fresh screens."""
    assert dot.mark is not None, "only marked dots have names"
    at = (dot.refreshes, max(dot.stale_ms, _LEAST_MS))
    axes.plot(
        *([value] for value in at),
        linestyle="none",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=dot.mark.value,
        markeredgewidth=2,
    )
    name = axes.annotate(
        _wrapped(dot.name, _LETTERS[shape]),
        at,
        xytext=corner,
        textcoords="axes fraction",
        ha="left",
        va="center",
        color=dot.mark.value,
        fontweight="bold",
        arrowprops={"arrowstyle": "-", "color": dot.mark.value, "shrinkB": 6, "linewidth": 1},
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
        zorder=4,
    )
    # A long name must not squeeze the panel.
    name.set_in_layout(False)


def _wrapped(name: str, letters: int) -> str:
    """Return a name in lines of about so many letters at most, broken after commas: `recommended:` keeps its own."""
    lines: list[str] = []
    for own in name.split("\n"):
        line = ""
        for part in own.split(", "):
            longer = f"{line}, {part}" if line else part
            if line and len(longer) > letters:
                lines.append(f"{line},")
                longer = part
            line = longer
        lines.append(line)
    return "\n".join(lines)


def _angle(dot: Dot, right: float, low: float, high: float) -> float:
    """Return how steeply a dot stands above the corner."""
    height = math.log(max(dot.stale_ms, _LEAST_MS) / low) / max(math.log(high / low), 1e-9)
    return height / max(dot.refreshes / right, 1e-9)
