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


def test_a_line_pushes_a_label_to_a_free_side() -> None:
    """A rising line lies above and to the right, and below and to the left."""
    full = room()
    full.add_line([(0, 0), (10, 10)])
    side = full.side_of((5, 5), "here")

    assert (side.ha, side.va) == ("right", "bottom")


def test_where_no_side_is_free_a_label_may_be_left_out() -> None:
    """Marks stand all around, so none of the sides is; the one with the least under it is taken if it has to be."""
    full = room()
    full.add_points([(x / 4, y / 4) for x in range(41) for y in range(41)])

    assert full.free_side_of((5, 5), "here") is None
    assert full.side_of((5, 5), "here") in SIDES


def test_a_name_stands_as_near_to_its_point_as_there_is_room() -> None:
    """The left half is full of marks: right of the middle; and not on the name that stands there already."""
    full = room()
    full.add_points([(x / 4, y / 4) for x in range(21) for y in range(41)])
    first, second = full.spot_for((5, 5), "a name"), full.spot_for((5, 5), "a name")

    assert 0.5 < first[0] < 0.6
    assert first != second


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
