"""The herd: the most re-fetches of any 100 ms against the jitter of flushes, as replayed, with what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.placing import SIDES, Room
from reports.theme import INK, MUTED, PAPER, PUSH, PUSH_QUIET
from reports.wording import count, duration

_WANTED_WIDTH: Final = 65.0
_DRAWS: Final = "; shaded: between the luckiest draw of jitters and the unluckiest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The peak under one jitter."""

    jitter_ms: float
    peak: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What stands in the figure beside the replays."""

    limit: float
    """The peak that is wanted at most."""
    is_chosen: bool = True
    """Whether somebody chose it; else it is half of the peak without jitter."""
    live_ms: float | None
    """The jitter of the run; None: client models differ."""
    measured: float
    enough_ms: float | None
    """The least jitter that keeps the limit; None: there is none."""


def herd_plate(replayed: Sequence[Replayed], marks: Marks) -> Plate:
    """Return the figure; replays by rising jitter."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_herd(panels[0], replayed, marks, shape=shape)

    return Plate(name="herd", plot=plot, height=_height)


def _height(shape: Shape) -> int:
    return 380 if shape is Shape.WIDE else 340


def plot_herd(axes: Axes, replayed: Sequence[Replayed], marks: Marks, *, shape: Shape) -> None:
    """Draw the replays with the range of their draws, the limit, and the two jitters that matter."""
    jitters = [each.jitter_ms for each in replayed]
    span = max(jitters[-1], 1)
    axes.set_xlim(-0.02 * span, span * 1.02)
    axes.set_ylim(0, max(marks.measured, marks.limit, *(each.highest for each in replayed)) * 1.18)
    lowest, highest = [each.lowest for each in replayed], [each.highest for each in replayed]
    axes.fill_between(jitters, lowest, highest, color=PUSH_QUIET, linewidth=0)
    axes.plot(jitters, [each.peak for each in replayed], color=PUSH, linewidth=2.4, marker="o", markersize=4)
    _wanted(axes, marks)
    room = Room.of(axes, shape, _height(shape), beside=_WANTED_WIDTH)
    for border in (lowest, highest):
        room.add_line(list(zip(jitters, border, strict=True)))
    room.add_line([(0, marks.limit), (span, marks.limit)])
    if marks.live_ms is not None:
        # At no jitter the curve begins, and falls: only above its beginning there is nothing.
        name = "measured, no jitter" if marks.live_ms == 0 else f"measured\n{duration(marks.live_ms)}"
        above = highest[0] if marks.live_ms == 0 else None
        _mark(axes, room, (marks.live_ms, marks.measured), f"{name}: {count(marks.measured)}", colour=INK, above=above)
    enough = next((each for each in replayed if each.jitter_ms == marks.enough_ms), None)
    if enough is not None and enough.jitter_ms != marks.live_ms:
        text = f"{duration(enough.jitter_ms)}: {count(enough.peak)}"
        _mark(axes, room, (enough.jitter_ms, enough.peak), text, colour=PUSH)
    _dress(axes, shape)


def _wanted(axes: Axes, marks: Marks) -> None:
    """Draw the limit, and name it beside the panel: within it the curve may be anywhere."""
    limit, words = marks.limit, "wanted:\nat most" if marks.is_chosen else "half the\npeak:"
    axes.axhline(limit, color=MUTED, linewidth=1.0, dashes=(4, 2))
    axes.annotate(
        f"{words}\n{count(limit)}", (1.0, limit), xycoords=("axes fraction", "data"), xytext=(5, 0),
        textcoords="offset points", ha="left", va="center", color=MUTED, annotation_clip=False,
    )  # fmt: skip


def _mark(
    axes: Axes, room: Room, where: tuple[float, float], text: str, *, colour: str, above: float | None = None
) -> None:
    """Draw a dot with its name; `above` a height of the data, joined to the dot, if it is given."""
    axes.plot(*where, marker="o", markersize=9, color=colour, markeredgecolor=PAPER, linestyle="none", zorder=5)
    at = where if above is None else (where[0], max(where[1], above))
    if at != where:
        axes.plot([where[0]] * 2, [where[1], at[1]], color=colour, linewidth=1, zorder=3)
    side = room.side_of(at, text, SIDES if above is None else SIDES[:1])
    axes.annotate(
        text, at, xytext=side.offset, textcoords="offset points", ha=side.ha, va=side.va, color=colour,
        fontweight="bold", zorder=4,
    )  # fmt: skip


def _dress(axes: Axes, shape: Shape) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6 if shape is Shape.WIDE else 4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value) if value else "none"))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    detail = ": each flush comes up to so much later, at random" if shape is Shape.WIDE else " of each flush, at most"
    axes.set_xlabel(f"jitter{detail}")
    draws = ";\nshaded: luckiest to unluckiest draw" if shape is Shape.NARROW else _DRAWS
    axes.set_title(f"the most re-fetches in any 100 ms, as replayed{draws}", color=MUTED, pad=10)
