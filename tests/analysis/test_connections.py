"""Connections that were lost, refused and slow to open, from a few rows."""

from loadtests.history.kinds import DownCause, Kind
from tests.analysis.literal import MS, Story


def test_losses_are_counted_by_cause_and_code() -> None:
    """A logout is no loss, nor is a connection that never was."""
    story = Story().clock().live(0, 1).true_job("job", 1)
    for cause, code in ((DownCause.CLOSED, 1012), (DownCause.CLOSED, 1012), (DownCause.HEARTBEAT_LOST, 0)):
        story.row(Kind.DOWN, 100, actor=0, flag=cause, value=code)
    story.row(Kind.DOWN, 200, actor=0, flag=DownCause.CONNECT_FAILED).row(
        Kind.DOWN, 300, actor=1, flag=DownCause.LOGGED_OUT
    )

    connections = story.metrics()["connections"]

    assert connections["lost"] == 3
    assert connections["lost_by_cause"] == {"closed": 2, "heartbeat_lost": 1}
    assert connections["lost_by_code"] == {"1012": 2}


def test_refusals_are_counted_by_status() -> None:
    """0 is a refusal after the handshake."""
    story = Story().clock().live(0, 1).true_job("job", 1)
    story.row(Kind.REFUSED, 100, value=429).row(Kind.REFUSED, 200, value=429).row(Kind.REFUSED, 300, value=0)

    connections = story.metrics()["connections"]

    assert (connections["refused"], connections["refused_by_status"]) == (3, {"0": 1, "429": 2})


def test_re_fetches_that_were_too_many_are_counted() -> None:
    """By the status of their answers; what the handshake refused stands apart."""
    story = Story().clock().live(0, 1).true_job("job", 1)
    for status in (429, 200, 429, 503):
        story.row(Kind.ANSWERED, 100, actor=0, revision=status)

    assert story.metrics()["connections"]["limited_answers"] == 2


def test_opening_lasts_from_dialling_to_the_socket() -> None:
    """One took 40 ms."""
    story = Story().clock().live(0, 1).true_job("job", 1).row(Kind.OPENED, 140, actor=0, due_ns=100 * MS)

    assert story.metrics()["connections"]["open_ms"]["max"] == 40
