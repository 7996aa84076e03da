"""The herd: the most re-fetches of any 100 ms against the jitter of flushes, as replayed, with what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, PAPER, PUSH, PUSH_QUIET
from reports.wording import count, duration


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
    live_ms: float | None
    """The jitter of the run; None: client models differ."""
    measured: float
    enough_ms: float | None
    """The least jitter that keeps the limit; None: there is none."""


def herd_plate(replayed: Sequence[Replayed], marks: Marks) -> Plate:
    """Return the figure; replays by rising jitter."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_herd(panels[0], replayed, marks, shape=shape)

    return Plate(name="herd", plot=plot, height=lambda shape: 380 if shape is Shape.WIDE else 340)


def plot_herd(axes: Axes, replayed: Sequence[Replayed], marks: Marks, *, shape: Shape) -> None:
    """Draw the replays with the range of their draws, the limit, and the two jitters that matter."""
    jitters = [each.jitter_ms for each in replayed]
    span = max(jitters[-1], 1)
    axes.set_xlim(-0.02 * span, span * 1.02)
    axes.set_ylim(0, max(marks.measured, marks.limit, *(each.highest for each in replayed)) * 1.15)
    lowest, highest = [each.lowest for each in replayed], [each.highest for each in replayed]
    axes.fill_between(jitters, lowest, highest, color=PUSH_QUIET, linewidth=0)
    axes.plot(jitters, [each.peak for each in replayed], color=PUSH, linewidth=2.4, marker="o", markersize=4)
    axes.axhline(marks.limit, color=MUTED, linewidth=1.0, dashes=(4, 2))
    axes.annotate(
        f"wanted: at most {count(marks.limit)}", (1.0, marks.limit), xycoords=("axes fraction", "data"),
        xytext=(-4, 4), textcoords="offset points", ha="right", va="bottom", color=MUTED,
    )  # fmt: skip
    if marks.live_ms is not None:
        name = "measured, no jitter" if marks.live_ms == 0 else f"measured\n{duration(marks.live_ms)}"
        _mark(axes, (marks.live_ms, marks.measured), f"{name}: {count(marks.measured)}", colour=INK)
    enough = next((each for each in replayed if each.jitter_ms == marks.enough_ms), None)
    if enough is not None and enough.jitter_ms != marks.live_ms:
        _mark(axes, (enough.jitter_ms, enough.peak), f"{duration(enough.jitter_ms)}: {count(enough.peak)}", colour=PUSH)
    _dress(axes, shape)


def _mark(axes: Axes, where: tuple[float, float], text: str, *, colour: str) -> None:
    axes.plot(*where, marker="o", markersize=9, color=colour, markeredgecolor=PAPER, linestyle="none", zorder=5)
    # The curve falls, so there is room below it on the left; near its beginning, above it or on the right.
    if not where[0]:
        horizontal, vertical, offset = "left", "bottom", (9, 7)
    elif where[0] < axes.get_xlim()[1] / 4:
        horizontal, vertical, offset = "left", "center", (11, 2)
    else:
        horizontal, vertical, offset = "right", "top", (-9, -8)
    axes.annotate(
        text, where, xytext=offset, textcoords="offset points", ha=horizontal, va=vertical, color=colour,
        fontweight="bold", bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}, zorder=4,
    )  # fmt: skip


def _dress(axes: Axes, shape: Shape) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6 if shape is Shape.WIDE else 4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value) if value else "none"))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    detail = ": each flush comes up to so much later, at random" if shape is Shape.WIDE else " of each flush, at most"
    axes.set_xlabel(f"jitter{detail}")
    axes.set_title("the most re-fetches in any 100 ms, as replayed", color=MUTED, pad=10)
