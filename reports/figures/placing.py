"""Where a label can stand so that nothing is under it: beside its point, or as near to it as there is room.

Room is estimated before the layout is made, from the shape of the figure and the length of the text; it knows curves
as points and nothing of what they mean. All lengths are in the units of `Shape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.figures.canvas import Shape

_Array = NDArray[np.float64]
_Points = Sequence[tuple[float, float]]

_LETTER: Final = 8.4
"""Width of a bold letter, generously."""
_LINE: Final = 16.0
_PANEL: Final = {Shape.WIDE: (0.94, 0.8), Shape.NARROW: (0.86, 0.78)}
"""Which part of a figure the panel takes, about."""
_MARGIN: Final = 4.0
"""Around a label."""
_MARK: Final = 4.5
"""Half of a mark's width."""
_NEAR: Final = 24.0
"""How far a name stands at least from a point that a line joins it to."""
_STEPS: Final = 40
"""How densely a straight line is looked at."""
_BEYOND: Final = 1000.0
"""What a unit beyond the panel weighs against something under a label."""
_SPOTS: Final = np.stack(np.meshgrid(np.linspace(0.01, 0.95, 40), np.linspace(0.06, 0.94, 30)), axis=-1).reshape(-1, 2)


class Side(NamedTuple):
    """Where a label stands seen from its point, and how far off."""

    ha: Literal["left", "center", "right"]
    va: Literal["bottom", "center", "top"]
    offset: tuple[float, float]


SIDES: Final = (
    Side("left", "bottom", (8, 6)),
    Side("right", "top", (-8, -6)),
    Side("left", "center", (12, 0)),
    Side("right", "center", (-12, 0)),
    Side("right", "bottom", (-8, 6)),
    Side("left", "top", (8, -6)),
    Side("center", "bottom", (0, 10)),
    Side("center", "top", (0, -10)),
)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return heights, in their order, moved as little as they have to be so that no two are closer than a gap.

    The lowest stays, because beneath it the panel ends.
    """
    moved = list(heights)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + gap)
    return moved


@dataclass
class Room:
    """A panel whose limits are set: what is drawn in it so far, in units from its lower left corner."""

    axes: Axes
    size: tuple[float, float]
    _drawn: list[_Array] = field(default_factory=list)
    _labels: list[_Array] = field(default_factory=list)
    """As left, bottom, right and top."""

    @classmethod
    def of(cls, axes: Axes, shape: Shape, height: float, *, beside: float = 0.0) -> "Room":
        """Return the room of the only panel of a figure so high, with something so wide on its right."""
        width, tall = _PANEL[shape]
        return cls(axes, (shape.value * width - beside, height * tall))

    def add_line(self, points: _Points) -> None:
        """Take in a line through some points of the data, and the points."""
        corners = self._units(points)
        self._drawn += [np.linspace(begin, end, _STEPS) for begin, end in pairwise(corners)]
        self._drawn.append(corners)

    def add_points(self, points: _Points) -> None:
        """Take in marks of the data."""
        self._drawn += [_filled(np.array([x - _MARK, y - _MARK, x + _MARK, y + _MARK])) for x, y in self._units(points)]

    def side_of(self, at: tuple[float, float], text: str, sides: Sequence[Side] = SIDES) -> Side:
        """Return the first side of a point of the data on which a label has nothing under it, and take its place.

        Where there is none: the one with the least under it.
        """
        boxes, costs = self._beside(at, text, sides)
        best = int(np.argmin(costs))
        self._take(boxes[best])
        return sides[best]

    def free_side_of(self, at: tuple[float, float], text: str, sides: Sequence[Side] = SIDES) -> Side | None:
        """Return the same; None, and no place is taken, where something is under it on each side."""
        boxes, costs = self._beside(at, text, sides)
        best = int(np.argmin(costs))
        if costs[best] > 0:
            return None
        self._take(boxes[best])
        return sides[best]

    def spot_for(self, at: tuple[float, float], text: str) -> tuple[float, float]:
        """Return where the left end of a label can stand, in shares of the panel, that a line joins to its point.

        The nearest of those with nothing under them, and whose line crosses no other label.
        """
        (where,) = self._units([at])
        spots = _SPOTS * np.array(self.size)
        boxes = _boxes(spots, text, Side("left", "center", (0, 0)))
        nearest = np.clip(where, boxes[:, :2], boxes[:, 2:])
        far = np.hypot(*(nearest - where).T)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        lines = middle[:, None] + (where - middle)[:, None] * np.linspace(0, 1, _STEPS)[:, None]
        crossed = np.zeros(len(boxes))
        for label in self._labels:
            crossed += ((lines > label[:2]) & (lines < label[2:])).all(axis=2).sum(axis=1)
        costs = self._costs(boxes) + 10.0 * crossed + np.where(far < _NEAR, _BEYOND, 0.0)
        best = int(np.lexsort((far, costs))[0])
        self._drawn.append(lines[best])
        self._take(boxes[best])
        return float(_SPOTS[best, 0]), float(_SPOTS[best, 1])

    def _beside(self, at: tuple[float, float], text: str, sides: Sequence[Side]) -> tuple[_Array, _Array]:
        where = self._units([at])
        boxes = np.concatenate([_boxes(where, text, side) for side in sides])
        return boxes, self._costs(boxes)

    def _take(self, box: _Array) -> None:
        self._drawn.append(_filled(box))
        self._labels.append(box)

    def _units(self, points: _Points) -> _Array:
        if not len(points):
            return np.empty((0, 2))
        to_panel = self.axes.transData + self.axes.transAxes.inverted()
        units: _Array = np.asarray(to_panel.transform(points)) * np.array(self.size)
        return units

    def _costs(self, boxes: _Array) -> _Array:
        """Return how much is under each box; what lies beyond the panel weighs more than any line."""
        beyond = np.maximum(-boxes[:, :2], boxes[:, 2:] - np.array(self.size)).max(axis=1)
        costs: _Array = _BEYOND * np.maximum(beyond, 0.0)
        if self._drawn:
            drawn = np.concatenate(self._drawn)
            low, high = boxes[:, None, :2] - _MARGIN, boxes[:, None, 2:] + _MARGIN
            costs += ((drawn > low) & (drawn < high)).all(axis=2).sum(axis=1)
        return costs


def _boxes(where: _Array, text: str, side: Side) -> _Array:
    """Return left, bottom, right and top of a label on a side of each of some points."""
    lines = text.split("\n")
    size = np.array([max(map(len, lines)) * _LETTER, len(lines) * _LINE])
    shares: dict[str, float] = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}
    begin = where + np.array(side.offset) - size * np.array([shares[side.ha], shares[side.va]])
    return np.concatenate([begin, begin + size], axis=1)


def _filled(box: _Array) -> _Array:
    """Return points all over a box, so that no other label is put there."""
    left, bottom, right, top = box
    x, y = np.meshgrid(np.linspace(left, right, 12), np.linspace(bottom, top, 4))
    return np.column_stack([x.ravel(), y.ravel()])
