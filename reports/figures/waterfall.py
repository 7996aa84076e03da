"""Where the time goes: the stages of the typical and of the slow pair, one after the other until they add up."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.ranks import Band
from reports.theme import INK, MUTED, PUSH, PUSH_QUIET
from reports.wording import duration

_KEY_WIDTH: Final = 0.1


def waterfall_plate(shown: tuple[Band, ...], words: dict[str, str]) -> Plate:
    """Return the figure of two bands of pairs; `words` are the names of the stages for people."""
    rows = len(words) + 1

    def height(shape: Shape) -> int:
        return 96 + rows * (44 if shape is Shape.WIDE else 54)

    def plot(panels: Panels, shape: Shape) -> None:
        plot_waterfall(panels[0], shown, words, shape)

    return Plate(name="stages", plot=plot, height=height)


def plot_waterfall(axes: Axes, shown: tuple[Band, ...], words: dict[str, str], shape: Shape) -> None:
    """Draw each stage where the one before it ended, and the totals beneath."""
    narrow = shape is Shape.NARROW
    rows = [*words, "total"]
    longest = max(shown[0].stages_ms, key=lambda stage: shown[0].stages_ms[stage])
    thickness = 0.24 if narrow else 0.32
    for number, (band, colour) in enumerate(zip(shown, (PUSH, PUSH_QUIET), strict=True)):
        at_ms = 0.0
        offset = (0.12 if narrow else -thickness / 2) + number * thickness
        for row, stage in enumerate(rows):
            length_ms = band.total_ms if stage == "total" else band.stages_ms[stage]
            begin_ms = 0.0 if stage == "total" else at_ms
            axes.barh(row + offset, length_ms, left=begin_ms, height=thickness, color=colour, linewidth=0.8)
            at_ms = begin_ms + length_ms
            _value(axes, row, number, length_ms, bold=stage in {longest, "total"}, narrow=narrow)
            if row + 1 < len(rows) - 1 and not narrow:
                below = row + 1 + offset - thickness / 2
                axes.plot([at_ms] * 2, [row + offset, below], color=colour, linewidth=1, solid_capstyle="butt")
    _names(axes, rows, words, longest, narrow=narrow)
    _heads(axes, shown, narrow=narrow)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.axhline(len(rows) - 1.5, color=MUTED, linewidth=0.8)
    _time_axis(axes, narrow=narrow)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("milliseconds since the mutation was due")


def _value(axes: Axes, row: int, number: int, length_ms: float, *, bold: bool, narrow: bool) -> None:
    axes.text(
        _column(number, narrow=narrow),
        row - (0.28 if narrow else 0),
        duration(length_ms),
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center",
        fontweight="bold" if bold else "normal",
        color=INK if number == 0 else MUTED,
    )


def _names(axes: Axes, rows: list[str], words: dict[str, str], longest: str, *, narrow: bool) -> None:
    axes.set_yticks([])
    for row, stage in enumerate(rows):
        axes.text(
            0 if narrow else -0.015,
            row - (0.28 if narrow else 0),
            words.get(stage, "visibility latency"),
            transform=axes.get_yaxis_transform(),
            ha="left" if narrow else "right",
            va="center",
            color=INK,
            fontweight="bold" if stage in {longest, "total"} else "normal",
        )


def _time_axis(axes: Axes, *, narrow: bool) -> None:
    """Label the times that bars reach; in the wide shape the columns of values stand to the right of them."""
    first, last = axes.dataLim.intervalx
    first, last = min(float(first), 0.0), max(float(last), 1e-3)
    ticks = MaxNLocator(4 if narrow else 7, steps=[1, 2, 2.5, 5, 10]).tick_values(first, last)
    axes.set_xticks([tick for tick in ticks if first <= tick <= last])
    axes.set_xlim(first * 1.02, last * 1.02 if narrow else first + (last - first) * 1.36)


def _heads(axes: Axes, shown: tuple[Band, ...], *, narrow: bool) -> None:
    """Head the two columns of values; the stroke under each head is the key to the bars' colours."""
    for number, (band, colour) in enumerate(zip(shown, (PUSH, PUSH_QUIET), strict=True)):
        right = _column(number, narrow=narrow)
        axes.plot(
            [right - _KEY_WIDTH, right],
            [1.015, 1.015],
            transform=axes.transAxes,
            clip_on=False,
            color=colour,
            linewidth=5,
        ).pop().set_solid_capstyle("butt")
        axes.annotate(
            band.name.replace(" ", "\n"),
            (right, 1.015),
            xycoords="axes fraction",
            xytext=(0, 7),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=INK if number == 0 else MUTED,
        )


def _column(number: int, *, narrow: bool) -> float:
    """Return the right edge of a column of values, as a share of the width of the axes."""
    return (0.76 + number * 0.24) if narrow else (0.87 + number * 0.13)
