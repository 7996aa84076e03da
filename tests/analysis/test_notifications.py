"""Push notifications, as the outbox has them in the end."""

from loadtests.analysis.clock import fit_clock
from loadtests.analysis.notifications import notification_metrics
from loadtests.history.kinds import Kind, NotificationState
from tests.analysis.literal import MS, WALL_OFFSET_MS, Story


def notified(
    story: Story, wanted_ms: float, finished_ms: float | None, state: NotificationState, attempts: int = 1
) -> None:
    """Tell of one delivery."""
    wall = [0 if at_ms is None else round((at_ms + WALL_OFFSET_MS) * MS) for at_ms in (wanted_ms, finished_ms)]
    story.row(Kind.TRUE_NOTIFICATION, 30_000, due_ns=wall[0], value=wall[1], flag=state, revision=attempts)


def test_deliveries_count_by_state_and_latencies_by_notification() -> None:
    """Two devices of one flag, one of another, one that is gone, one that waits; one more before the window."""
    story = Story().clock()
    notified(story, 100, 150, NotificationState.DELIVERED)
    notified(story, 100, 190, NotificationState.DELIVERED, attempts=3)
    notified(story, 400, 420, NotificationState.DELIVERED)
    notified(story, 400, 425, NotificationState.FORGOTTEN)
    notified(story, 900, None, NotificationState.PENDING, attempts=2)
    notified(story, -100, 50, NotificationState.DELIVERED)

    told = notification_metrics(story.history, fit_clock(story.history), story.run().window)

    took = told.pop("delivered_ms")
    assert told == {"due": 5, "pending": 1, "delivered": 3, "forgotten": 1, "given_up": 0, "attempts": 8}
    assert (took["p50"], took["max"], took["n"], took["pairs"]) == (50.0, 90.0, 2, 3)
