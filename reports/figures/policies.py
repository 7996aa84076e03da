"""What each refresh policy costs against how stale screens are under it: one dot for each, and the best joined.

It draws what it is given and knows no policy; names are written beside the dots, so that no legend is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import Room
from reports.theme import INK, MUTED, PAPER, POLLING, PUSH, PUSH_QUIET
from reports.wording import duration

_LEAST_MS: Final = 1e-3
"""Where "never stale" stands on an axis that has no 0."""
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

    return Plate(name="policies", plot=plot, height=_height)


def _height(shape: Shape) -> int:
    return 460 if shape is Shape.WIDE else 420


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
    room = Room.of(axes, shape, _height(shape))
    room.add_points([_at(dot) for dot in dots])
    _join_best(room, dots)
    # What is recommended matters most, and has the choice of places.
    for dot in sorted((dot for dot in dots if dot.mark), key=lambda dot: dot.mark is not Mark.RECOMMENDED):
        _name(room, dot, shape)
    _name_hollow(room, dots)
    cause = "because of signals, " if shape is Shape.WIDE else ""
    axes.set_xlabel(f"re-fetches {cause}per subscriber and minute", color=MUTED)
    axes.set_ylabel("mean staleness of a screen", color=MUTED)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 50 else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _at(dot: Dot) -> tuple[float, float]:
    return dot.refreshes, max(dot.stale_ms, _LEAST_MS)


def _join_best(room: Room, dots: Sequence[Dot]) -> None:
    best = sorted(_at(dot) for dot in dots if dot.is_best)
    room.axes.plot(
        [refreshes for refreshes, _ in best],
        [stale_ms for _, stale_ms in best],
        color=PUSH,
        linewidth=1.6,
        marker="o",
        markersize=5,
        drawstyle="steps-post",
    )
    if best:
        corners = [(right, stale_ms) for (_, stale_ms), (right, _) in pairwise(best)]
        room.add_line(
            [best[0], *(each for corner, end in zip(corners, best[1:], strict=True) for each in (corner, end))]
        )


def _name_hollow(room: Room, dots: Sequence[Dot]) -> None:
    """Say once what a hollow dot is, beside the stalest that has room for it."""
    words = "hollow: drops signals"
    for dot in sorted((dot for dot in dots if dot.drops_signals and not dot.mark), key=lambda dot: -dot.stale_ms):
        side = room.free_side_of(_at(dot), words)
        if side is not None:
            note = room.axes.annotate(
                words, _at(dot), xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=MUTED
            )
            note.set_in_layout(False)
            return


def _name(room: Room, dot: Dot, shape: Shape) -> None:
    """Ring a dot and write its name where there is nothing else, joined to it by a line."""
    assert dot.mark is not None, "only marked dots have names"
    at, words = _at(dot), _wrapped(dot.name, _LETTERS[shape])
    room.axes.plot(
        *([value] for value in at),
        linestyle="none",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=dot.mark.value,
        markeredgewidth=2,
    )
    name = room.axes.annotate(
        words,
        at,
        xytext=room.spot_for(at, words),
        textcoords="axes fraction",
        ha="left",
        va="center",
        color=dot.mark.value,
        fontweight="bold",
        arrowprops={"arrowstyle": "-", "color": dot.mark.value, "shrinkB": 6, "linewidth": 1},
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
