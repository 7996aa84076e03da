"""What a device's edges say, and in which words."""

from loadtests.analysis.edges import CAUSE_OF_DOWN, read_edges
from loadtests.history.kinds import DownCause, Kind
from tests.analysis.literal import Story


def test_every_way_to_go_down_has_a_cause() -> None:
    """One that is added to the ledger's words has to be put down to something."""
    assert set(CAUSE_OF_DOWN) == set(DownCause)


def test_an_edge_is_told_with_its_close_code() -> None:
    """A login has none."""
    story = Story().live(0).row(Kind.DOWN, 100, actor=0, flag=DownCause.CLOSED, value=1012)
    edges = read_edges(story.row(Kind.DOWN, 200, actor=0, flag=DownCause.CONNECT_FAILED).history)

    assert [edges.told(edge) for edge in range(len(edges.kind))] == [
        "login",
        "live",
        "closed 1012",
        "connect failed",
        "logout",
    ]
    assert edges.told(-1) == ""


def test_an_outage_begins_with_its_first_edge() -> None:
    """And a login begins a life, not an outage that came before it."""
    story = Story().live(0).row(Kind.DOWN, 100, actor=0, flag=DownCause.CLOSED)
    story.row(Kind.DOWN, 200, actor=0, flag=DownCause.CONNECT_FAILED)
    story.row(Kind.LOGIN, 30_000, actor=0).row(Kind.LIVE, 31_000, actor=0)
    edges = read_edges(story.history)

    assert edges.began.tolist() == [0, 1, 2, 2, 2, 5, 6]
    assert edges.next_away.tolist() == [0, 2, 2, 3, 4, 5, -1]
