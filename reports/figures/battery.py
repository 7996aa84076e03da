"""What each way of being told takes from a phone's radio in a quiet hour: joules, over LTE and over Wi-Fi."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, POLLING, PUSH
from reports.wording import rate

_PUSHED = "push"


def battery_plate(joules: Mapping[str, Mapping[str, float]]) -> Plate:
    """Return the figure; `joules` per hour by the radio's name, then by the way of being told."""
    rows = list(next(iter(joules.values())))

    def height(shape: Shape) -> int:
        panel = 44 + 30 * len(rows)
        return panel + 16 if shape is Shape.WIDE else panel * len(joules)

    def plot(panels: Panels, shape: Shape) -> None:
        for number, (axes, (radio, told)) in enumerate(zip(panels, joules.items(), strict=True)):
            _plot_panel(axes, told)
            axes.set_title(f"{radio}: joules per hour", color=MUTED, pad=8)
            axes.set_yticks(range(len(rows)), rows if number == 0 or shape is Shape.NARROW else [""] * len(rows))

    def grid(shape: Shape) -> tuple[int, int]:
        return (1, len(joules)) if shape is Shape.WIDE else (len(joules), 1)

    return Plate(name="battery", plot=plot, height=height, grid=grid)


def _plot_panel(axes: Axes, told: Mapping[str, float]) -> None:
    colours = [PUSH if name.startswith(_PUSHED) else POLLING[0] for name in told]
    lengths = list(told.values())
    axes.barh(range(len(lengths)), lengths, height=0.62, color=colours, linewidth=0)
    for row, length in enumerate(lengths):
        axes.annotate(rate(length), (length, row), xytext=(6, 0), textcoords="offset points", va="center", color=INK)
    axes.set_xlim(0, max([*lengths, 1e-9]) * 1.3)
    axes.set_ylim(len(lengths) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_visible(True)
    axes.grid(visible=False)
