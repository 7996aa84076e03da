"""Renewals of sessions, from a few rows."""

from loadtests.analysis.sessions import remarks_on_sessions
from loadtests.history.kinds import Kind
from tests.analysis.literal import Story

OVER = (
    "sessions that ended in the run: 1; when their tokens expired, devices lost their channel and requests were "
    "refused, as in life"
)
USED = "the accounts' API answers 400 (refresh_token_already_used)"


def test_renewals_are_counted_and_the_latest_is_told() -> None:
    """Two people, one of them twice, and once when the old token had expired."""
    story = Story().clock().live(0, 1).true_job("job", 1)
    for at_ms, user, left_s in ((100, "alice", 60), (200, "bob", 30), (300, "alice", -2)):
        story.row(Kind.RENEWED, at_ms, entity=user, value=left_s, flag=200)

    sessions = story.metrics()["sessions"]

    assert (sessions["people"], sessions["renewed"], sessions["late"], sessions["left_s_min"]) == (2, 3, 1, -2)
    assert (sessions["refused"], sessions["over"]) == (0, 0)
    assert remarks_on_sessions(sessions) == ["renewals that came when the old token had expired already: 1"]


def test_what_was_refused_is_counted_and_told_in_words() -> None:
    """One attempt was repeated, one session is over; both stand among the remarks of the report."""
    story = Story().clock().live(0, 1).true_job("job", 1)
    story.row(Kind.NOT_RENEWED, 100, entity="the accounts' API answers 503", value=20, flag=503)
    story.row(Kind.NOT_RENEWED, 200, entity=USED, value=10, flag=400, revision=1)

    metrics = story.metrics()

    assert metrics["sessions"]["refused_by_status"] == {"400": 1, "503": 1}
    assert metrics["sessions"]["reasons"] == [USED, "the accounts' API answers 503"]
    assert (metrics["sessions"]["refused"], metrics["sessions"]["over"]) == (2, 1)
    assert metrics["health"]["remarks"] == [
        f"attempts to renew a session that failed: 2 ({USED}; the accounts' API answers 503)",
        OVER,
    ]


def test_minted_tokens_have_no_sessions() -> None:
    """Nothing to tell, and no number where there is none."""
    sessions = Story().clock().live(0, 1).true_job("job", 1).metrics()["sessions"]

    assert (sessions["people"], sessions["renewed"], sessions["left_s_min"]) == (0, 0, None)
    assert remarks_on_sessions(sessions) == []
