"""Where a label can stand so that nothing is under it: beside its point, on the first side that is free.

Room is estimated before the layout is made, from the shape of the figure and the length of the text; it knows curves
as points and nothing of what they mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from reports.figures.canvas import Shape

Points = Sequence[tuple[float, float]]
_LETTER: Final = 8.4
"""Width of a bold letter, generously; like all lengths here in the units of `Shape`."""
_LINE: Final = 16.0
_PANEL: Final = (0.9, 0.8)
"""Which part of a figure the panel takes, about."""
_MARK: Final = 4.5
"""Half of a mark's width."""
_STEPS: Final = 40
"""How densely a straight line is looked at."""


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
    Side("left", "bottom", (16, 24)),
    Side("right", "top", (-16, -24)),
    Side("left", "bottom", (24, 48)),
)


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float


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
    _points: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of(cls, axes: Axes, shape: Shape, height: float) -> "Room":
        """Return the room of the only panel of a figure so high."""
        return cls(axes, (shape.value * _PANEL[0], height * _PANEL[1]))

    def add_line(self, points: Points) -> None:
        """Take in a line through some points of the data, and the points."""
        corners = self._units(points)
        for begin, end in pairwise(corners):
            self._points.append(np.linspace(begin, end, _STEPS))
        self._points.append(corners)

    def add_points(self, points: Points) -> None:
        """Take in marks of the data."""
        self._points += [_filled(_Box(x - _MARK, y - _MARK, x + _MARK, y + _MARK)) for x, y in self._units(points)]

    def side_of(self, at: tuple[float, float], text: str, sides: Iterable[Side] = SIDES) -> Side:
        """Return the first side of a point of the data on which a label has nothing under it, and take its place.

        Where there is none: the one with the least under it.
        """
        drawn = np.concatenate(self._points) if self._points else np.empty((0, 2))
        (where,) = self._units([at])
        boxes = [(side, self._box(where, text, side)) for side in sides]
        side, box = min(boxes, key=lambda each: self._cost(each[1], drawn))
        self._points.append(_filled(box))
        return side

    def _units(self, points: Points) -> np.ndarray:
        if not len(points):
            return np.empty((0, 2))
        to_panel = self.axes.transData + self.axes.transAxes.inverted()
        units: np.ndarray = np.asarray(to_panel.transform(points)) * np.array(self.size)
        return units

    def _box(self, where: np.ndarray, text: str, side: Side) -> _Box:
        lines = text.split("\n")
        width, height = max(map(len, lines)) * _LETTER, len(lines) * _LINE
        x, y = (float(each) for each in where + np.array(side.offset))
        left = x - {"left": 0.0, "center": width / 2, "right": width}[side.ha]
        bottom = y - {"bottom": 0.0, "center": height / 2, "top": height}[side.va]
        return _Box(left, bottom, left + width, bottom + height)

    def _cost(self, box: _Box, drawn: np.ndarray) -> float:
        """Return how much is under a box; what lies beyond the panel weighs more than any line."""
        beyond = max(0, -box.left, -box.bottom, box.right - self.size[0], box.top - self.size[1])
        within = (
            (drawn[:, 0] > box.left) & (drawn[:, 0] < box.right) & (drawn[:, 1] > box.bottom) & (drawn[:, 1] < box.top)
        )
        return float(within.sum()) + 1000.0 * beyond


def _filled(box: _Box) -> np.ndarray:
    """Return points all over a box, so that no other label is put there."""
    x, y = np.meshgrid(np.linspace(box.left, box.right, 12), np.linspace(box.bottom, box.top, 4))
    return np.column_stack([x.ravel(), y.ravel()])
