"""From a plot to bytes: SVG that lives inside the page and follows its colours, and PNG on white paper.

Every figure exists in two shapes, because a figure that is merely scaled down cannot be read on a phone. The same
input gives the same bytes: no date, no random identifiers, and the one font that matplotlib ships.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.theme import CSS_VARIABLES

_STYLE: Final = Path(__file__).parent.parent / "style.mplstyle"
_UNITS_PER_INCH: Final = 72.0
_PNG_DPI: Final = 144

Panels = Sequence[Axes]


class Shape(Enum):
    """Where a figure is looked at; the value is its width in units of which a label's height takes 13."""

    WIDE = 900
    NARROW = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """One figure before it is drawn."""

    name: str
    plot: Callable[[Panels, Shape], None]
    height: Callable[[Shape], int]
    """In the units of `Shape`."""
    grid: Callable[[Shape], tuple[int, int]] = lambda _: (1, 1)
    """Rows and columns of panels."""
    row_heights: tuple[int, ...] | None = None
    """Relative heights of the rows, when they differ."""
    shared_x: bool = False


def svg(plate: Plate, shape: Shape) -> str:
    """Return an `<svg>` element to stand inside HTML; whoever embeds it adds the words for screen readers."""
    salt = _salt(plate, shape)
    with _style(salt):
        return _to_svg(_laid_out(plate, shape), salt)


def png(plate: Plate) -> bytes:
    """Return the wide shape as a PNG on white."""
    with _style(plate.name):
        return _to_png(_laid_out(plate, Shape.WIDE))


def svg_and_png(plate: Plate) -> tuple[str, bytes]:
    """Return the wide shape as both, which are one figure that is laid out once."""
    salt = _salt(plate, Shape.WIDE)
    with _style(salt):
        figure = _laid_out(plate, Shape.WIDE)
        return _to_svg(figure, salt), _to_png(figure)


def _salt(plate: Plate, shape: Shape) -> str:
    return f"{plate.name}-{shape.name.lower()}"


def _to_svg(figure: Figure, salt: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _inline(out.getvalue(), salt)


def _to_png(figure: Figure) -> bytes:
    out = io.BytesIO()
    metadata = {"Software": None}
    figure.savefig(out, format="png", dpi=_PNG_DPI, facecolor="white", transparent=False, metadata=metadata)
    return out.getvalue()


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """Apply the style on top of matplotlib's defaults, not of whatever the user's own configuration says."""
    with mpl.rc_context():
        mpl.rc_file(_STYLE)
        mpl.rcParams["svg.hashsalt"] = salt
        yield


def _laid_out(plate: Plate, shape: Shape) -> Figure:
    """Return the figure with everything in its place: a layout costs much, and would be made at each saving."""
    figure = _draw(plate, shape)
    layout = figure.get_layout_engine()
    assert layout is not None
    layout.execute(figure)
    figure.set_layout_engine("none")
    return figure


def _draw(plate: Plate, shape: Shape) -> Figure:
    size = (shape.value / _UNITS_PER_INCH, plate.height(shape) / _UNITS_PER_INCH)
    figure = Figure(figsize=size, dpi=_UNITS_PER_INCH, layout="constrained")
    rows, columns = plate.grid(shape)
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        sharex=plate.shared_x,
        height_ratios=plate.row_heights,
    )
    plate.plot(list(panels.flat), shape)
    return figure


def _inline(document: str, prefix: str) -> str:
    """Strip what only a free-standing file needs, and hand colours and fonts over to the page."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = (
        re.sub(r' (?:xmlns(?::\w+)?|version|width|height)="[^"]*"', "", body.partition(">")[0])
        + body[body.index(">") :]
    )
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"\s*font-family: [^;\"]*;?", "", body)
    body = body.replace("xlink:href", "href")
    # Identifiers are hashes, equal for equal shapes in two figures; the page needs them distinct.
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", body)
    for colour, variable in CSS_VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    return re.sub(r"\s*\n\s*", "\n", body).strip()
