"""Where labels stand: on the first side with nothing under them."""

from matplotlib.figure import Figure

from reports.figures.canvas import Shape
from reports.figures.placing import SIDES, Room, apart


def room() -> Room:
    """Return a panel of 10 by 10, as high as it is wide."""
    axes = Figure().subplots()
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    return Room.of(axes, Shape.WIDE, 900)


def test_where_all_is_free_the_first_side_is_taken() -> None:
    """Above and to the right."""
    assert room().side_of((5, 5), "here") is SIDES[0]


def test_a_line_pushes_a_label_to_the_other_side() -> None:
    """A rising line lies above and to the right: below and to the left it is too, so right of the point is next."""
    full = room()
    full.add_line([(0, 0), (10, 10)])

    assert full.side_of((5, 5), "here").va == "center"


def test_a_label_is_not_put_on_another() -> None:
    """Nor beyond the panel."""
    full = room()
    first, second = full.side_of((5, 5), "a label"), full.side_of((5, 5), "a label")
    corner = full.side_of((9.9, 9.9), "a label")

    assert first != second
    assert (corner.ha, corner.va) == ("right", "top")


def test_names_of_lines_that_end_close_together_stand_apart() -> None:
    """Those above make room; what is apart already stays."""
    assert apart([10.0, 0.0, 100.0, 12.0], 20.0) == [20.0, 0.0, 100.0, 40.0]
