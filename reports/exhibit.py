"""The shape of an exhibit: one figure with its sentence, its words for those who cannot see it, and its tables.

It knows how a plate becomes bytes and nothing of what is drawn.
"""

from dataclasses import dataclass

from reports.figures.canvas import Plate, Shape, svg, svg_and_png
from reports.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One figure as bytes."""

    wide: str
    narrow: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One figure with everything that belongs to it."""

    name: str
    title: str
    takeaway: str
    """What the figure shows; without a drawing: why there is none."""
    alternative: str = ""
    drawing: Drawing | None = None
    table: Table | None = None
    """The same data."""
    beneath: tuple[Table, ...] = ()
    """Tables that belong to it and say more."""


def draw(plate: Plate) -> Drawing:
    """Return the figure in both its shapes."""
    wide, image = svg_and_png(plate)
    return Drawing(wide=wide, narrow=svg(plate, Shape.NARROW), png=image)
