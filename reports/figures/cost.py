"""What it costs: refreshes, requests and bytes per device and minute, push beside polling."""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes

from loadtests.analysis.results import Cost
from reports.figures.canvas import Panels, Plate, Shape
from reports.theme import INK, MUTED, PUSH, polling_colour
from reports.wording import interval, rate


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    colour: str
    cost: Cost


def cost_plate(push: Cost | None, polling: Mapping[str, Cost]) -> Plate:
    """Return the figure; `push` is None when there were no subscribers."""
    rows = [_Row("push", PUSH, push)] if push else []
    for cohort, (key, cost) in enumerate(polling.items()):
        rows.append(_Row(f"polling {interval(key)}", polling_colour(cohort), cost))

    def height(shape: Shape) -> int:
        panel = 48 + 34 * len(rows)
        return panel + 20 if shape is Shape.WIDE else panel * 3

    def plot(panels: Panels, shape: Shape) -> None:
        plot_cost(panels, rows, shape)

    return Plate(name="cost", plot=plot, height=height, grid=lambda shape: (1, 3) if shape is Shape.WIDE else (3, 1))


def plot_cost(panels: Panels, rows: list[_Row], shape: Shape) -> None:
    """Draw three panels, one bar per kind of device in each."""
    narrow = shape is Shape.NARROW
    titles = ("refreshes", "requests", "kilobytes")
    columns = (
        [row.cost.refreshes for row in rows],
        [row.cost.requests for row in rows],
        [row.cost.bytes / 1000 for row in rows],
    )
    for number, (axes, title, lengths) in enumerate(zip(panels, titles, columns, strict=True)):
        _plot_panel(axes, rows, lengths)
        axes.set_title(f"{title} per device-minute", color=MUTED, pad=8)
        axes.set_yticks(range(len(rows)), [row.name if number == 0 or narrow else "" for row in rows])


def _plot_panel(axes: Axes, rows: list[_Row], lengths: list[float]) -> None:
    axes.barh(range(len(rows)), lengths, height=0.62, color=[row.colour for row in rows], linewidth=0)
    for row, length in enumerate(lengths):
        axes.annotate(rate(length), (length, row), xytext=(6, 0), textcoords="offset points", va="center", color=INK)
    axes.set_xlim(0, max([*lengths, 1e-9]) * 1.3)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_visible(True)
    axes.grid(visible=False)
